//! What is logged, and in which form.

use std::str::FromStr;
use tracing::Level;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// `[2026-01-24T10:30:00.000Z] [INFO] message key=value`
    #[default]
    Text,
    /// `{"time":…,"level":"INFO","target":…,"message":…,"fields":{…}}`
    Json,
}

/// What `TOM_PM_LOG` asks for: words separated by commas, of which the last of a kind counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSpec {
    /// The least important level that is logged: `error`, `warn`, `info` (default), `debug`.
    pub level: Level,
    /// `text` (default) or `json`.
    pub form: Form,
}

impl Default for LogSpec {
    fn default() -> Self {
        Self { level: Level::INFO, form: Form::default() }
    }
}

/// A word that means nothing here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a level (error, warn, info, debug) nor a form (text, json)")]
pub struct UnknownWord(String);

impl FromStr for LogSpec {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let mut spec = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.to_ascii_lowercase().as_str() {
                "error" => spec.level = Level::ERROR,
                "warn" | "warning" => spec.level = Level::WARN,
                "info" => spec.level = Level::INFO,
                "debug" => spec.level = Level::DEBUG,
                "text" => spec.form = Form::Text,
                "json" => spec.form = Form::Json,
                _ => return Err(UnknownWord(word.to_owned())),
            }
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_order() {
        let table = [
            ("", Level::INFO, Form::Text),
            ("debug", Level::DEBUG, Form::Text),
            (" WARN , json,", Level::WARN, Form::Json),
            ("json,error,debug", Level::DEBUG, Form::Json),
            ("json,text", Level::INFO, Form::Text),
        ];
        for (text, level, form) in table {
            assert_eq!(text.parse(), Ok(LogSpec { level, form }), "{text:?}");
        }
        assert_eq!("info,trace".parse::<LogSpec>(), Err(UnknownWord("trace".to_owned())));
    }
}
