//! Arguments in the one text that Windows gives a program, which takes it apart by itself: nearly all do by the rules of Microsoft's
//! C library ("Parsing C command-line arguments"; `CommandLineToArgvW` has the same).

use std::iter::repeat_n;

/// Adds `argument` to a command line, in quotes. Backslashes are themselves, but for those before a quote: there two are one, and one
/// more makes the quote a part of the argument. A unit is a character, or one of UTF-16, of which also halves are passed on.
pub fn push_quoted<Unit>(line: &mut impl Extend<Unit>, argument: impl IntoIterator<Item = Unit>)
where
    Unit: Copy + PartialEq + From<u8>,
{
    let (quote, backslash) = (Unit::from(b'"'), Unit::from(b'\\'));
    line.extend([quote]);
    let mut backslashes = 0;
    for unit in argument {
        if unit == quote {
            line.extend(repeat_n(backslash, backslashes + 1));
        }
        backslashes = if unit == backslash { backslashes + 1 } else { 0 };
        line.extend([unit]);
    }
    line.extend(repeat_n(backslash, backslashes));
    line.extend([quote]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_apart_as_they_were() {
        for (word, expected) in [
            ("", r#""""#),
            ("a", r#""a""#),
            ("a b", r#""a b""#),
            (r"C:\folder\", r#""C:\folder\\""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r#"\""#, r#""\\\"""#),
            (r#"a\b"c\"d\\"#, r#""a\b\"c\\\"d\\\\""#),
        ] {
            let mut line = String::new();
            push_quoted(&mut line, word.chars());
            assert_eq!(line, expected);
        }
    }
}
