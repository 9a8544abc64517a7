//! Monitors that were found, as `discover` shows them.

use super::format::{self, NONE};
use super::style::{Style, Tone};
use super::table::{Align, Cell, table};
use process_monitor_client::discover::Found;

/// A line per monitor. What they say of themselves came over the network, so nothing of it gets to the terminal as it is.
pub fn found_table(found: &[Found], style: Style) -> String {
    let columns = [
        ("URL", Align::Left),
        ("INSTANCE", Align::Left),
        ("PID", Align::Right),
        ("VERSION", Align::Left),
        ("SINCE", Align::Left),
    ];
    let rows: Vec<_> = found.iter().map(row).collect();
    table(columns, &rows, style)
}

fn row(found: &Found) -> [Cell; 5] {
    let version = found.version.as_deref().map(format::printable);
    [
        Cell::plain(found.url.to_string()),
        Cell::plain(found.instance.as_str()),
        Cell::plain(found.pid.to_string()),
        version.map_or_else(|| Cell::toned(NONE, Tone::Faint), Cell::plain),
        Cell::plain(found.started_at.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::id::InstanceId;
    use process_monitor_core::time::Wall;

    #[test]
    fn monitors_that_were_found() {
        let found = |url: &str, version: Option<&str>| Found {
            url: url.parse().unwrap(),
            instance: InstanceId::default(),
            pid: 4241,
            version: version.map(str::to_owned),
            started_at: Wall::default(),
        };
        let found = [
            found("http://127.0.0.1:5679", Some("0.1.0")),
            found("https://192.168.1.7:5679", Some("\x1b[2J")),
        ];
        insta::assert_snapshot!(found_table(&found, Style::Plain));
    }
}
