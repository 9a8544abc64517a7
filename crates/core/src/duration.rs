//! Durations as people type them.

use std::time::Duration;

/// Reads `500ms`, `5s`, `1.5m`, `6h` or `1d`. A bare number is refused: it would be milliseconds to
/// some and seconds to others.
///
/// # Errors
/// In words, with how to write it.
pub fn parse(text: &str) -> Result<Duration, String> {
    let (number, unit) = split_unit(text);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "" => return Err(format!("{text:?} has no unit; write it like 500ms, 5s, 2m or 6h")),
        other => return Err(format!("{other:?} is not a unit of time; use ms, s, m, h or d")),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * seconds).ok())
        .ok_or_else(|| format!("{text:?} is not a duration; write it like 500ms, 5s, 2m or 6h"))
}

/// A number and the unit behind it.
pub fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number.trim(), unit)
}
