//! The server's side of TLS: which certificate it shows, and that it shows the newest.
//!
//! | module | holds |
//! | --- | --- |
//! | `files` | reading certificate and key |
//! | `generate` | making a certificate that vouches for itself |
//! | `error` | why there is none |

mod error;
mod files;
mod generate;

pub use error::TlsError;

use crate::layout::Layout;
use files::{Files, Stamp};
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Files of the user's: PEM, the server's own certificate first.
    Files {
        /// The certificate and those that vouch for it.
        certificate: PathBuf,
        /// Its key: PKCS#8, PKCS#1 or SEC1.
        key: PathBuf,
    },
    /// One that we made for ourselves, kept in this file.
    Own(PathBuf),
}

impl Source {
    /// The certificate that the instance of `layout` makes for itself.
    pub fn own(layout: &Layout) -> Self {
        Self::Own(layout.own_certificate())
    }

    fn files(&self) -> Files {
        match self {
            Self::Files { certificate, key } => Files { certificate: certificate.clone(), key: key.clone() },
            Self::Own(path) => Files { certificate: path.clone(), key: path.clone() },
        }
    }
}

/// What a server needs to speak TLS. Clones share the certificate.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
}

/// The certificate that is shown to clients.
#[derive(Debug)]
struct Shown {
    files: Files,
    now: Mutex<Loaded>,
}

#[derive(Debug, Clone)]
struct Loaded {
    key: Arc<CertifiedKey>,
    /// Of the files when they were read.
    stamp: Option<Stamp>,
}

impl ServerTls {
    /// Loads the certificate of `source`; one that is our own is made if it is not there yet.
    ///
    /// # Errors
    /// [`TlsError`] says what is wrong with it.
    pub fn load(source: &Source) -> Result<Self, TlsError> {
        if let Source::Own(path) = source {
            generate::ensure(path)?;
        }
        let files = source.files();
        let stamp = files.stamp();
        let loaded = Loaded { key: Arc::new(files.load()?), stamp };
        let shown = Arc::new(Shown { files, now: Mutex::new(loaded) });
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), shown })
    }

    /// For whoever speaks TLS.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Takes up the files if they are others than when they were read; whether they were. Looks at the disk.
    ///
    /// # Errors
    /// When the new ones cannot be used: the old certificate is shown on. Told once for each change.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let stamp = self.shown.files.stamp();
        let mut now = self.shown.lock();
        if now.stamp == stamp {
            return Ok(false);
        }
        now.stamp = stamp;
        now.key = Arc::new(self.shown.files.load()?);
        Ok(true)
    }

    /// By which a client knows the certificate again: `sha256:` and the digest of the certificate (DER) in
    /// hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let key = Arc::clone(&self.shown.lock().key);
        key.end_entity_cert().map(|certificate| files::fingerprint(certificate)).unwrap_or_default()
    }
}

impl Shown {
    fn lock(&self) -> std::sync::MutexGuard<'_, Loaded> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.lock().key))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
