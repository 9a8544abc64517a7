//! Settings, as `config` shows them.

use super::format::{self, NONE};
use super::style::{Style, Tone};
use super::table::{Align, Cell, table};
use process_monitor_core::registry::{Setting, inside};
use serde_json::{Map, Value};

/// A line per setting, those that have their default marked.
pub fn settings_table(known: &[Setting], settings: &Map<String, Value>, style: Style) -> String {
    let rows: Vec<_> = known.iter().map(|setting| row(setting, settings)).collect();
    table([("SETTING", Align::Left), ("VALUE", Align::Left)], &rows, style)
}

fn row(setting: &Setting, settings: &Map<String, Value>) -> [Cell; 2] {
    let path: Vec<_> = setting.key.split('.').collect();
    let value = inside(settings, &path).filter(|value| !value.is_null()).unwrap_or(&setting.default);
    let shown = plain_value(value);
    let cell = match *value == setting.default {
        true => Cell::toned(format!("{shown}  (default)"), Tone::Faint),
        false => Cell::plain(shown),
    };
    [Cell::plain(setting.key.clone()), cell]
}

/// A value as it can be typed again.
pub fn plain_value(value: &Value) -> String {
    match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) => format::printable(text),
        other => format::printable(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::id::InstanceId;
    use process_monitor_core::registry::{Registry, settings_of};

    #[test]
    fn settings_with_their_defaults_marked() {
        let mut registry = Registry { standalone_mode: true, ..Registry::default() };
        registry.remote_access.trusted_hosts = vec!["10.0.0.*".into()];
        let known = settings_of(&InstanceId::default());
        insta::assert_snapshot!(settings_table(&known, &registry.shown_settings(), Style::Plain));
    }
}
