//! "Did you mean": the id that a mistyped one is most like.

/// The candidate with the fewest edits from `wanted`, when they are few enough for a slip of the
/// fingers: at most one in three characters.
pub(crate) fn nearest<'a, T: AsRef<str>>(
    wanted: &str,
    candidates: impl Iterator<Item = &'a T>,
) -> Option<&'a T> {
    let limit = wanted.len().div_ceil(3);
    candidates
        .map(|candidate| (edits(wanted.as_bytes(), candidate.as_ref().as_bytes()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row at a time.
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.iter().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to) {
            let above = *cell;
            let replaced = diagonal + usize::from(!a.eq_ignore_ascii_case(b));
            left = replaced.min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("web", "web", 0),
            ("wbe", "web", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(edits(from.as_bytes(), to.as_bytes()), expected, "{from} {to}");
        }
    }

    #[test]
    fn only_a_slip_is_corrected() {
        let ids = ["web", "web-2", "database"];
        assert_eq!(nearest("wbe2", ids.iter()), Some(&"web"));
        assert_eq!(nearest("databse", ids.iter()), Some(&"database"));
        assert_eq!(nearest("queue", ids.iter()), None);
        assert_eq!(nearest("WEB", ids.iter()), Some(&"web"));
    }
}
