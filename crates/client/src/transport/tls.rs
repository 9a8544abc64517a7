//! Whose certificate is believed.

use crate::{Error, Fingerprint, files};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No file of certificates is longer, in bytes.
const LONGEST: u64 = 4 << 20;

/// By what a monitor that speaks TLS is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Trust {
    /// Its certificate comes from an authority that this machine trusts, and names the host.
    #[default]
    System,
    /// Its certificate comes from an authority in this PEM file, and names the host.
    CaFile(PathBuf),
    /// Its certificate is this very one, whoever made it, whatever it names, and whenever it expires: the way to a
    /// monitor with a certificate of its own making.
    Fingerprint(Fingerprint),
}

/// That a certificate is not believed. What TLS says of it, and by what it could be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Untrusted {
    pub(crate) why: String,
    pub(crate) found: Fingerprint,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Untrusted {}

/// How to speak TLS.
pub(crate) fn config(trust: &Trust) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier { judge: Judge::of(trust, &provider)?, provider: Arc::clone(&provider) };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn unusable(why: String) -> Error {
    Error::Options { what: format!("cannot prepare for TLS: {why}") }
}

#[derive(Debug)]
enum Judge {
    Authorities(Arc<WebPkiServerVerifier>),
    Pin(Fingerprint),
    /// There is no authority to believe.
    Nobody,
}

impl Judge {
    fn of(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let roots = match trust {
            Trust::Fingerprint(pin) => return Ok(Self::Pin(*pin)),
            // A machine without any is no reason to fail before TLS is spoken.
            Trust::System => rustls_native_certs::load_native_certs().certs,
            Trust::CaFile(path) => read(path)?,
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        if store.is_empty() {
            return match trust {
                Trust::CaFile(path) => Err(unusable(format!("no usable certificate in {}", path.display()))),
                _ => Ok(Self::Nobody),
            };
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
            .build()
            .map(Self::Authorities)
            .map_err(|error| unusable(error.to_string()))
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = files::read(path, LONGEST).map_err(unusable)?;
    CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(format!("{} is no PEM file: {error}", path.display())))
}

/// Judges, and says of a certificate that it does not believe by which fingerprint it could be believed.
#[derive(Debug)]
struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Fingerprint::of(end_entity);
        let why = match &self.judge {
            Judge::Pin(pin) if *pin == found => return Ok(ServerCertVerified::assertion()),
            Judge::Pin(pin) => format!("its certificate is another one than {pin}"),
            Judge::Nobody => "this machine trusts no authority at all".to_owned(),
            Judge::Authorities(judge) => {
                match judge.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
                    Ok(verified) => return Ok(verified),
                    Err(error) => error.to_string(),
                }
            }
        };
        let untrusted = OtherError(Arc::new(Untrusted { why, found }));
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(untrusted)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
