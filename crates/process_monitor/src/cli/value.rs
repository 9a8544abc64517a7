//! Values as people type them: durations, sizes, `KEY=VALUE`.

pub use process_monitor_core::duration::parse as duration;
use process_monitor_core::duration::split_unit;

/// Reads `1048576`, `512k`, `50M` or `2G`, also as `50MB` and `50MiB`; each step is 1024.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split_unit(text);
    let shift = match unit.to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(format!("{unit:?} is not a unit of size; use k, M, G or T")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("{text:?} is not a size; write it like 1048576, 512k or 50M"))
}

/// Reads `KEY=VALUE`; the value may hold anything, `=` included. The value never gets into an error.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("a variable's name must not be empty; write it like KEY=VALUE".to_owned()),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err("a variable needs a value; write it like KEY=VALUE".to_owned()),
    }
}

/// Splits a command into words as a shell does: at blanks, held together by quotes. Nothing else that a
/// shell does is done.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    shlex::split(text).ok_or_else(|| format!("{text:?} has a quote without its end"))
}

/// Reads `on` or `off`, also as yes/no, true/false, 1/0.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" | "1" => Ok(true),
        "off" | "no" | "false" | "0" => Ok(false),
        _ => Err("use on or off".to_owned()),
    }
}

/// Reads a file of `KEY=VALUE` lines. Empty lines and those that begin with `#` are skipped, a
/// leading `export` is dropped, and quotes that surround a value are taken off; nothing is expanded.
pub fn environment_file(text: &str) -> Result<Vec<(String, String)>, String> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (key, value) = assignment(line).map_err(|why| format!("line {number}: {why}"))?;
            Ok((key.trim().to_owned(), unquoted(value.trim()).to_owned()))
        })
        .collect()
}

fn unquoted(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("500ms", 500),
            ("5s", 5000),
            ("1.5m", 90_000),
            ("6h", 21_600_000),
            ("1 d", 86_400_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "5", "s", "-1s", "5x", "1e400s", "NaNs", "infs"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("0", 0), ("17", 17), ("1k", 1024), ("50M", 50 << 20), ("50MiB", 50 << 20), ("2gb", 2 << 30)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "M", "-1", "1.5M", "5x", "99999999999T"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn assignments_keep_their_value_to_themselves() {
        assert_eq!(assignment("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(assignment("A="), Ok(("A".into(), String::new())));
        for bad in ["secret", "=secret"] {
            assert!(!assignment(bad).unwrap_err().contains("secret"));
        }
    }

    #[test]
    fn environment_files() {
        let text = "# comment\n\nA=1\nexport B = \"two words\"\nC='x'\nD=\"\n";
        let expected = [("A", "1"), ("B", "two words"), ("C", "x"), ("D", "\"")];
        let expected: Vec<_> = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(environment_file(text), Ok(expected));
        assert!(environment_file("A=1\nnonsense\n").unwrap_err().starts_with("line 2: "));
    }
}
