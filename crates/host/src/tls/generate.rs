//! A certificate that vouches for itself: for those who pin it by its fingerprint.

use super::TlsError;
use crate::files::{Durability, write_atomic};
use crate::listen::own_addresses;
use crate::survey::host_name;
use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};
use std::net::IpAddr;
use std::path::Path;

/// Makes certificate and key, both in the file at `path` (mode 0600), unless there is one. It has no end that
/// anybody would live to see (RFC 5280, 4.1.2.5): a client knows it by its fingerprint, and no other counts.
pub(super) fn ensure(path: &Path) -> Result<(), TlsError> {
    // Whatever stands there is loaded, and its faults are told: never is a key replaced that clients have pinned.
    if std::fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    let text = generate()?;
    Ok(write_atomic(path, text.as_bytes(), Durability::Synced)?)
}

fn generate() -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::new(names())?;
    params.subject_alt_names.extend(addresses().into_iter().map(SanType::IpAddress));
    params.distinguished_name.push(DnType::CommonName, "Tom Process Monitor");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(key.serialize_pem() + &certificate.pem())
}

fn names() -> Vec<String> {
    let host = host_name();
    // What is no name in the sense of a certificate would spoil all of it.
    let is_name = |name: &String| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
    };
    ["localhost".to_owned()].into_iter().chain(host.filter(is_name)).collect()
}

/// Of this machine, now. It may get others, for clients that look at names and not at the fingerprint.
fn addresses() -> Vec<IpAddr> {
    own_addresses().unwrap_or_else(|error| {
        tracing::warn!(%error, "the certificate will not name the addresses of this machine");
        Vec::new()
    })
}
