//! Why there is no certificate to show.

use crate::files::FileError;
use std::path::{Path, PathBuf};

/// Why TLS cannot be spoken. Never holds anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file does not hold what it should.
    #[error("{} holds no {wanted}: {why}; it must be PEM", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// What is wrong, in words.
        why: String,
    },
    /// Certificate and key are not a pair, or of a kind that is not known.
    #[error("the key in {} does not fit the certificate in {}: {why}", key.display(), certificate.display())]
    NoPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        why: rustls::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}; name one with remoteAccess.tls.certificateFile and .keyFile")]
    Generate(#[from] rcgen::Error),
    /// The library refuses what we ask of it.
    #[error("cannot set TLS up: {0}; this is a bug, please report it")]
    Setup(rustls::Error),
}

impl TlsError {
    pub(super) fn content(path: &Path, wanted: &'static str, why: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), wanted, why: why.to_string() }
    }
}
