//! Bits that nobody can guess.

use std::io;

/// 256 bits of the system's source of randomness, for secrets.
///
/// # Errors
/// When the system has none; never happens on systems in use.
pub fn secret_bits() -> io::Result<[u8; 32]> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(io::Error::other)?;
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same() {
        assert_ne!(secret_bits().unwrap(), secret_bits().unwrap());
    }
}
