//! A service of Windows, as the host writes and reads it: the first line is its description, which tells whether it was edited.

use super::Unit;
use process_monitor_core::quoting::push_quoted;

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
    let mut command = String::new();
    for word in unit.words("--foreground", &unit.options) {
        if !command.is_empty() {
            command.push(' ');
        }
        push_quoted(&mut command, word.chars());
    }
    format!("name: Tom Process Monitor ({})\nstart: auto\ncommand: {command}\n", unit.instance)
}
