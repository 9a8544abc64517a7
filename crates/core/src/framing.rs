//! Lines of output: where they end, and the time that a line begins with where that is wanted.

use crate::time::Wall;

/// How long every stamp is, in bytes.
pub const STAMP_BYTES: usize = SHAPE.len();

/// `0` stands for any digit.
const SHAPE: &[u8] = b"0000-00-00T00:00:00.000Z ";

/// What a line that was read at `now` begins with.
///
/// It does not end with a line end, so a file in which a killed logger left a stamp without its
/// line looks to the next one as if it ended inside a line, and the line follows without a second
/// stamp. The time is right: the line had been seen when the stamp was written.
pub fn stamp(now: Wall) -> Vec<u8> {
    format!("{now} ").into_bytes()
}

/// Whether the end of a file, from its last line's start on, is a part of a stamp. Every line of a stamped file begins
/// with a whole one, so nothing else is so short.
pub fn is_torn_stamp(end: &[u8]) -> bool {
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    !end.is_empty() && end.len() < STAMP_BYTES && end.iter().zip(SHAPE).all(fits)
}

/// The length of each line with its end, in bytes, and whether it has one: the last may not.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, bool)> {
    let mut begin = 0;
    let whole = memchr::memchr_iter(b'\n', bytes).map(move |end| {
        let length = end + 1 - begin;
        begin = end + 1;
        (length, true)
    });
    let rest = memchr::memrchr(b'\n', bytes).map_or(bytes.len(), |end| bytes.len() - end - 1);
    whole.chain((rest > 0).then_some((rest, false)))
}

/// The length of the first line with its end; of all bytes when there is none.
pub fn first_line(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1)
}

/// The length of the whole lines that begin before `limit`.
pub fn whole_lines(bytes: &[u8], limit: usize) -> usize {
    let mut length = 0;
    while length < limit
        && let Some(end) = bytes.get(length..).and_then(|rest| memchr::memchr(b'\n', rest))
    {
        length += end + 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_part_of_a_stamp_is_torn_and_nothing_else_is() {
        let stamp = stamp(Wall::from_unix_millis(1_769_250_600_123));
        assert_eq!(stamp.len(), STAMP_BYTES, "{}", String::from_utf8_lossy(&stamp));
        (1..STAMP_BYTES).for_each(|length| assert!(is_torn_stamp(&stamp[..length]), "{length}"));
        for whole in ["", "2026-01-24T10:30:00.123Z ", "2026-01-24T10:30:00.123Z a line", "2026 was", "line"]
        {
            assert!(!is_torn_stamp(whole.as_bytes()), "{whole:?}");
        }
    }

    #[test]
    fn whole_lines_begin_before_the_limit() {
        let table = [("", 9, 0), ("a", 9, 0), ("a\nbb\nc", 9, 5), ("a\nbb\nc", 2, 2), ("a\nbb\nc", 3, 5)];
        for (text, limit, expected) in table {
            assert_eq!(whole_lines(text.as_bytes(), limit), expected, "{text:?} {limit}");
        }
        assert_eq!(whole_lines(b"a\nb\n", 0), 0);
    }

    proptest! {
        #[test]
        fn lines_are_those_that_splitting_gives(text in "[ab\n]{0,40}") {
            let bytes = text.as_bytes();
            let split = bytes.split_inclusive(|byte| *byte == b'\n');
            let expected: Vec<_> = split.map(|line| (line.len(), line.ends_with(b"\n"))).collect();
            prop_assert_eq!(lines(bytes).collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(first_line(bytes), expected.first().map_or(0, |(length, _)| *length));
        }
    }
}
