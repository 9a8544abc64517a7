//! Colour, where it is wanted.

use process_monitor_core::model::ProcessState;
use std::io::IsTerminal;

/// Whether to colour, decided once per stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences: files, pipes, `NO_COLOR` (<https://no-color.org>), `TERM=dumb`.
    Plain,
    /// ANSI colours.
    Colour,
}

/// What a text means; its look follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Under way, or worth a look.
    Warn,
    /// Broken.
    Bad,
    /// Of little interest.
    Faint,
    /// A heading.
    Strong,
}

impl Style {
    /// For what is written to `stream`.
    pub fn for_stream(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match stream.is_terminal() && !unwanted && !dumb {
            true => Self::Colour,
            false => Self::Plain,
        }
    }

    /// `text` in `tone`.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
            Tone::Strong => "1",
        };
        self.wrap(code, text)
    }

    /// `text` in the `index`th of a few colours that are easily told apart.
    pub fn paint_nth(self, index: usize, text: &str) -> String {
        const CODES: [&str; 6] = ["36", "35", "33", "34", "32", "31"];
        self.wrap(CODES.get(index % CODES.len()).copied().unwrap_or("0"), text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// The tone of a state.
pub fn state_tone(state: ProcessState) -> Tone {
    match state {
        ProcessState::Running => Tone::Good,
        ProcessState::Starting | ProcessState::Stopping | ProcessState::Retrying => Tone::Warn,
        ProcessState::Crashed | ProcessState::Failed => Tone::Bad,
        ProcessState::Stopped | ProcessState::Disabled => Tone::Faint,
    }
}
