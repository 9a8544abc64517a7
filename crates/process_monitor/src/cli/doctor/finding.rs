//! What a check found.

use super::super::render::Style;
use super::super::render::format::printable;
use super::super::render::style::Tone;
use serde::Serialize;
use std::fmt::Write as _;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Warn,
    /// Something does not work.
    Bad,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do about it; with [`Level::Ok`], nothing.
    pub advice: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, found: found.into(), advice: None }
    }

    /// Worth knowing.
    pub fn warn(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    /// Something does not work.
    pub fn bad(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Bad, found: found.into(), advice: Some(advice.into()) }
    }
}

/// A line per finding, and one per piece of advice.
pub fn render(findings: &[Finding], style: Style) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let indent = format!("\n      {:width$}  ", "");
    let mut text = String::new();
    for finding in findings {
        let (word, tone) = match finding.level {
            Level::Ok => ("  ok", Tone::Good),
            Level::Warn => ("warn", Tone::Warn),
            Level::Bad => (" BAD", Tone::Bad),
        };
        let lines = |text: &str| text.lines().map(printable).collect::<Vec<_>>().join(&indent);
        // Infallible: it writes into memory.
        let _ = writeln!(
            text,
            "{}  {:width$}  {}",
            style.paint(tone, word),
            finding.check,
            lines(&finding.found)
        );
        if let Some(advice) = &finding.advice {
            let _ = writeln!(text, "{}→ {}", &indent[1..], lines(advice));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report() {
        let findings = [
            Finding::ok("directory", "/home/u/.tom/process_monitor"),
            Finding::warn("kernel", "Linux 6.1", "use Linux 6.15 or later"),
            Finding::bad("registry", "line 3, processes.web: wrong\nline 9: wrong too", "correct the file"),
        ];
        insta::assert_snapshot!(render(&findings, Style::Plain));
    }
}
