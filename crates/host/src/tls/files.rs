//! Reading certificate and key.

use super::TlsError;
use crate::files::{self, FileError, read_bounded};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A certificate with all that vouch for it is some kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// Two files that belong together; perhaps one and the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// What tells one version of both files from another. Links are followed: renewals often change where they lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp([Option<files::Stamp>; 2]);

impl Files {
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let stamp = |path: &Path| files::Stamp::behind(path).ok();
        Some(Stamp([stamp(&self.certificate), stamp(&self.key)]))
    }

    pub(super) fn load(&self) -> Result<CertifiedKey, TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = key(&self.key)?;
        CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|why| TlsError::NoPair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            why,
        })
    }
}

/// What stands at the end of the links that renewing programs make.
fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = fs::canonicalize(path).map_err(FileError::os("find", path))?;
    read_bounded(&file, MOST_BYTES)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const WANTED: &str = "certificate";
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|why| TlsError::content(path, WANTED, why))?;
    if found.is_empty() {
        return Err(TlsError::content(path, WANTED, "there is no BEGIN CERTIFICATE in it"));
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|why| TlsError::content(path, "private key", why))
}

/// `sha256:` and the digest in hexadecimal digits.
pub(super) fn fingerprint(certificate: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(certificate) {
        // Infallible: it writes into memory.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
