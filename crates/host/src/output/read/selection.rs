//! What of a process's output is wanted.

use super::cursor::Cursor;
use crate::output::names::Stream;
use process_monitor_core::time::Wall;

/// Which runs of a process to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Runs {
    /// The newest that has printed anything: one that has just begun often has not yet.
    #[default]
    Printed,
    /// The newest.
    Newest,
    /// All that are kept.
    All,
    /// The one whose folder has this name.
    Named(String),
}

/// What of a process's output is wanted. By default all that its newest run printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// One stream, or both.
    pub stream: Option<Stream>,
    /// Where to begin. Later runs are followed, too.
    pub runs: Runs,
    /// Only so many of the last lines, both streams together; where their order is not known, of each.
    pub tail: Option<usize>,
    /// Only what was printed then or later.
    pub since: Option<Wall>,
    /// Only runs that began then or later, to the second: those before are not of this process, but of another that
    /// had its id.
    pub begun: Option<Wall>,
    /// Only what comes after this place: `tail` and `since` don't count.
    pub after: Option<Cursor>,
    /// Also what is yet to be printed; else no more than there is now.
    pub follow: bool,
}

impl Selection {
    pub(super) fn wants(&self, stream: Stream) -> bool {
        self.stream.is_none_or(|wanted| wanted == stream)
    }
}
