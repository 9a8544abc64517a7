//! Whose certificate is believed.

use crate::server::{Server, answer};
use base64::Engine as _;
use process_monitor_client::{Client, Error, Fingerprint, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A server's certificate, and the authority that vouches for it.
struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    ca_file: PathBuf,
    _folder: TempDir,
}

fn identity(names: &[&str]) -> Identity {
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let text = base64::engine::general_purpose::STANDARD.encode(authority.der());
    std::fs::write(&ca_file, format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"))
        .unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Identity { certificate: certificate.der().clone(), key, ca_file, _folder: folder }
}

async fn server(identity: &Identity) -> Server {
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .unwrap();
    Server::secured(config, |_| answer("200 OK", r#"{"processes":[]}"#)).await
}

async fn list(server: &Server, trust: Trust) -> Result<(), Error> {
    Client::remote(server.https(), None, &trust)?.list().await.map(|_| ())
}

#[tokio::test]
async fn the_pinned_certificate_is_believed_whatever_it_names() {
    let identity = identity(&["somewhere.else"]);
    let server = server(&identity).await;
    list(&server, Trust::Fingerprint(Fingerprint::of(&identity.certificate))).await.unwrap();
}

#[tokio::test]
async fn another_one_is_not_and_nothing_is_asked() {
    let identity = identity(&["localhost"]);
    let server = server(&identity).await;
    let shown = Fingerprint::of(&identity.certificate);
    let error = list(&server, Trust::Fingerprint(Fingerprint::of(b"another"))).await.unwrap_err();
    assert!(matches!(&error, Error::Untrusted { fingerprint, .. } if *fingerprint == shown), "{error}");
    assert!(error.advice("pm").ends_with(&format!("--fingerprint {shown}")), "{}", error.advice("pm"));
    assert!(server.connections.load(Ordering::Relaxed) > 0 && server.asked().is_empty());
}

#[tokio::test]
async fn an_authority_vouches_for_the_names_in_the_certificate() {
    let trust = |identity: &Identity| Trust::CaFile(identity.ca_file.clone());
    let (good, misnamed) = (identity(&["localhost"]), identity(&["somewhere.else"]));
    list(&server(&good).await, trust(&good)).await.unwrap();
    let error = list(&server(&misnamed).await, trust(&misnamed)).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    let error = list(&server(&good).await, trust(&misnamed)).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "another authority: {error}");
}

#[tokio::test]
async fn nobody_vouches_for_it_by_default() {
    let identity = identity(&["localhost"]);
    let error = list(&server(&identity).await, Trust::System).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
}

#[test]
fn a_file_without_certificates_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let url = || "https://localhost:1".parse().unwrap();
    for (name, content) in [("empty.pem", Some("")), ("text.pem", Some("hello")), ("missing.pem", None)] {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let error = Client::remote(url(), None, &Trust::CaFile(path)).unwrap_err();
        assert!(matches!(&error, Error::Options { what } if what.contains(name)), "{error}");
    }
}
