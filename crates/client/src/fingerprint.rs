//! By what a certificate is known.

use crate::Error;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a certificate (DER). Written `sha256:` and 64 hexadecimal digits; read also without the prefix, with
/// colons between the bytes, and in capitals, as other programs show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Options {
            what: format!("{text:?} is no fingerprint: expected \"sha256:\" and 64 hexadecimal digits"),
        };
        let lower = text.trim().to_ascii_lowercase();
        let digits: Vec<u8> =
            lower.strip_prefix("sha256:").unwrap_or(&lower).bytes().filter(|byte| *byte != b':').collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .filter(|_| digits.len() == 64)
            .map(Self)
            .ok_or_else(wrong)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_in_the_forms_that_programs_show() {
        let known = Fingerprint::of(b"abc");
        let shown = known.to_string();
        assert_eq!(shown, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let hex = shown.strip_prefix("sha256:").unwrap().to_uppercase();
        let pairs: Vec<_> = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        for text in [shown.clone(), hex.clone(), pairs.join(":"), format!("SHA256:{hex}\n")] {
            assert_eq!(text.parse::<Fingerprint>().unwrap(), known, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "sha256:", "sha1:ab", "ba7816", &"g".repeat(64), &"+1".repeat(32), &"ab".repeat(33)]
        {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
