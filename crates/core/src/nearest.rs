//! "Did you mean": the name that a mistyped one is most like.

/// The candidate with the fewest edits from `wanted`, when they are few enough for a slip of the
/// fingers: at most one in three characters.
pub fn nearest<'a, T: AsRef<str>>(wanted: &str, candidates: impl Iterator<Item = &'a T>) -> Option<&'a T> {
    let limit = wanted.len().div_ceil(3);
    candidates
        // Each has its own length to make up for at least, so the longest text costs nothing.
        .filter(|candidate| candidate.as_ref().len().abs_diff(wanted.len()) <= limit)
        .map(|candidate| (edits(wanted.as_bytes(), candidate.as_ref().as_bytes()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters to insert, remove, replace or swap with their neighbour (optimal string
/// alignment), one row at a time; case does not count.
fn edits(from: &[u8], to: &[u8]) -> usize {
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
    let same =
        |a: Option<&u8>, b: Option<&u8>| matches!((a, b), (Some(a), Some(b)) if a.eq_ignore_ascii_case(b));
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for line in 0..from.len() {
        let mut row = vec![line + 1];
        for column in 0..to.len() {
            let replaced = at(&above, column) + usize::from(!same(from.get(line), to.get(column)));
            let inserted = at(&row, column) + 1;
            let removed = at(&above, column + 1) + 1;
            let swaps = line > 0
                && column > 0
                && same(from.get(line), to.get(column - 1))
                && same(from.get(line - 1), to.get(column));
            let swapped = if swaps { at(&before, column - 1) + 1 } else { usize::MAX };
            row.push(replaced.min(inserted).min(removed).min(swapped));
        }
        before = std::mem::replace(&mut above, row);
    }
    at(&above, to.len())
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
            ("wbe", "web", 1),
            ("ab", "ba", 1),
            ("ca", "abc", 3),
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
