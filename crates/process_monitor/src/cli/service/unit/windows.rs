//! A service of Windows, as the host writes and reads it: the first line is its description, which tells whether it was edited.

use super::Unit;

/// Begins the first line of a service that we wrote; the rest of it tells whether it was edited since.
pub const MARK: &str =
    "Starts programs and keeps them running. Written by `process_monitor service install`. ";

/// The name of the service of `instance`.
pub fn name(instance: &str) -> String {
    match instance {
        "default" => "process_monitor".to_owned(),
        other => format!("process_monitor_{other}"),
    }
}

/// The definition without its first line.
pub fn body(unit: &Unit) -> String {
    let words: Vec<String> = unit.words("--foreground", &unit.options).map(quoted).collect();
    format!("name: Tom Process Monitor ({})\nstart: auto\ncommand: {}\n", unit.instance, words.join(" "))
}

/// A word of a command line as C programs take it apart ("Parsing C command-line arguments"): a backslash means itself but
/// before a quotation mark, where it has to be doubled.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    let mut backslashes = 0;
    for character in word.chars() {
        match character {
            '\\' => backslashes += 1,
            '"' => {
                quoted.push_str(&"\\".repeat(backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        quoted.push(character);
    }
    quoted.push_str(&"\\".repeat(backslashes));
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_apart_as_they_were() {
        for (word, expected) in [
            ("a", r#""a""#),
            ("a b", r#""a b""#),
            (r"C:\folder\", r#""C:\folder\\""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r#"\""#, r#""\\\"""#),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
