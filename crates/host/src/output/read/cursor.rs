//! Where a reader has got to, as text: to go on there later, with another reader.

use crate::output::names::{Stream, is_run_folder};
use std::fmt;
use std::str::FromStr;

/// How far each of the latest runs of a process was read: bytes of each stream since the run began,
/// whatever was rotated or deleted since.
///
/// As text `RUN:STDOUT:STDERR`, several with commas between, oldest first:
/// `20260124_103000:4711:0,20260124_104500:12:0`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor(Vec<RunCursor>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct RunCursor {
    run: String,
    offsets: [u64; 2],
}

/// The text is no [`Cursor`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no place in a process's output; use the id of an event of that stream as it is")]
pub struct NoCursor {
    text: String,
}

impl Cursor {
    /// Adds a run that is later than the others.
    pub(super) fn push(&mut self, run: &str, offsets: [u64; 2]) {
        self.0.push(RunCursor { run: run.to_owned(), offsets });
    }

    /// How far the streams of `run` were read.
    pub(super) fn of(&self, run: &str) -> Option<[u64; 2]> {
        self.0.iter().find(|known| known.run == run).map(|known| known.offsets)
    }

    /// The names of the runs, oldest first.
    pub(super) fn runs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|known| known.run.as_str())
    }

    /// The place this many bytes of one stream earlier.
    pub fn before(&self, run: &str, stream: Stream, bytes: usize) -> Self {
        let mut earlier = self.clone();
        let known = earlier.0.iter_mut().find(|known| known.run == run);
        if let Some(offset) = known.and_then(|known| known.offsets.get_mut(stream.index())) {
            *offset = offset.saturating_sub(bytes as u64);
        }
        earlier
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, RunCursor { run, offsets: [out, err] }) in self.0.iter().enumerate() {
            let comma = if nth > 0 { "," } else { "" };
            write!(f, "{comma}{run}:{out}:{err}")?;
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let of_run = |part: &str| {
            let mut parts = part.split(':');
            let run = parts.next().filter(|run| is_run_folder(run))?.to_owned();
            let offsets = [parts.next()?.parse().ok()?, parts.next()?.parse().ok()?];
            parts.next().is_none().then_some(RunCursor { run, offsets })
        };
        let runs: Option<Vec<_>> = text.split(',').map(of_run).collect();
        runs.map(Self).ok_or_else(|| NoCursor { text: text.chars().take(200).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_cursor_are_each_others_reverse() {
        for text in ["20260124_103000:0:0", "20260124_103000:4711:18446744073709551615,20260124_103000_1:1:2"]
        {
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        for text in ["", "x", "20260124_103000", "20260124_103000:1", "20260124_103000:1:2:3", "../..:1:2"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_before_another() {
        let cursor: Cursor = "20260124_103000:10:20,20260124_103001:30:40".parse().unwrap();
        let earlier = cursor.before("20260124_103001", Stream::Stderr, 5);
        assert_eq!(earlier.to_string(), "20260124_103000:10:20,20260124_103001:30:35");
        assert_eq!(earlier.of("20260124_103000"), Some([10, 20]));
    }
}
