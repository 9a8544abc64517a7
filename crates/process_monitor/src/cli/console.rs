//! Printing. A reader that goes away (`| head`) is no error worth a word.

use super::failure::{Failure, Report};
use serde::Serialize;
use std::io::{self, Write};

/// Prints `text` as it is.
pub fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// Prints `bytes` as they are.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Prints `value` as indented JSON.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::failed(format!("cannot write the answer as JSON: {error}")))?;
    text.push('\n');
    print(&text)
}

/// Says something beside the result, on the standard error. Nothing can be done when that is closed.
pub fn note(text: &str) {
    let _closed = writeln!(io::stderr(), "{text}");
}

/// Says why a command failed, on the standard error.
pub fn complain(report: &Report, json: bool) {
    match json {
        true => note(&report.json().to_string()),
        false => note(report.text().trim_end()),
    }
}
