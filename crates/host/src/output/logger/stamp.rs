//! The time at the beginning of a line.

use process_monitor_core::time::Wall;

/// How long every stamp is, in bytes.
pub(super) const LENGTH: usize = SHAPE.len();

/// `0` stands for any digit.
const SHAPE: &[u8] = b"0000-00-00T00:00:00.000Z ";

/// Whether the end of a file, from its last line's start on, is a part of a stamp. Every line of a stamped file begins
/// with a whole one, so nothing else is so short.
pub(super) fn is_torn(end: &[u8]) -> bool {
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    !end.is_empty() && end.len() < LENGTH && end.iter().zip(SHAPE).all(fits)
}

/// What a line that was read at `now` begins with.
///
/// It does not end with a line end, so a file in which a killed logger left a prefix without its
/// line looks to the next one as if it ended inside a line, and the line follows without a second
/// prefix. The time is right: the line had been seen when the prefix was written.
pub(super) fn prefix(now: Wall) -> Vec<u8> {
    format!("{now} ").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_stamp_is_torn_and_nothing_else_is() {
        let stamp = prefix(Wall::from_unix_millis(1_769_250_600_123));
        assert_eq!(stamp.len(), LENGTH, "{}", String::from_utf8_lossy(&stamp));
        (1..LENGTH).for_each(|length| assert!(is_torn(&stamp[..length]), "{length}"));
        for whole in ["", "2026-01-24T10:30:00.123Z ", "2026-01-24T10:30:00.123Z a line", "2026 was", "line"]
        {
            assert!(!is_torn(whole.as_bytes()), "{whole:?}");
        }
    }
}
