//! What run folders, log files and FIFOs are called. The one place that knows.

use crate::files::FileError;
use crate::layout::Layout;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One of the two streams of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both, in the order of their descriptors.
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// Its place in [`BOTH`](Self::BOTH).
    pub fn index(self) -> usize {
        usize::from(self == Self::Stderr)
    }

    /// `stdout` or `stderr`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// The name of the log file that was rotated `index` times: `stdout.log`, `stdout.1.log`, …
    pub fn file_name(self, index: u32) -> String {
        match index {
            0 => format!("{}.log", self.name()),
            _ => format!("{}.{index}.log", self.name()),
        }
    }

    /// The name of the file that says when the bytes of [`file_name`](Self::file_name) were read: `stdout.times`,
    /// `stdout.1.times`, …
    pub fn times_name(self, index: u32) -> String {
        match index {
            0 => format!("{}.times", self.name()),
            _ => format!("{}.{index}.times", self.name()),
        }
    }

    /// The path of such a file in a run's folder.
    pub fn file(self, folder: &Path, index: u32) -> PathBuf {
        folder.join(self.file_name(index))
    }

    /// The path of a file of [times](Self::times_name) in a run's folder.
    pub fn times(self, folder: &Path, index: u32) -> PathBuf {
        folder.join(self.times_name(index))
    }

    /// The reverse of [`file_name`](Self::file_name).
    pub fn index_of(self, file_name: &str) -> Option<u32> {
        let middle = file_name.strip_prefix(self.name())?.strip_suffix(".log")?;
        if middle.is_empty() {
            return Some(0);
        }
        let index = middle.strip_prefix('.')?.parse().ok()?;
        (index > 0 && self.file_name(index) == file_name).then_some(index)
    }

    /// The FIFO of this stream of `run`.
    pub fn fifo(self, layout: &Layout, run: &RunId) -> PathBuf {
        let suffix = match self {
            Self::Stdout => "out",
            Self::Stderr => "err",
        };
        layout.fifos().join(format!("{run}.{suffix}"))
    }
}

/// The folder of one run of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    /// `YYYYMMDD_HHMMSS`, the start in UTC, or that with `_1`, `_2`, … for further runs of that second.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl RunFolder {
    /// Whether it began at `from` or later, as far as its name tells, which is to the second.
    pub(super) fn began_since(&self, from: Wall) -> bool {
        parse_run_folder(&self.name).is_some_and(|(start, _)| *start >= *from.compact())
    }
}

/// The name of the `nth` (from 0) run that started at `started`.
pub(super) fn run_folder_name(started: Wall, nth: u32) -> String {
    match nth {
        0 => started.compact(),
        _ => format!("{}_{nth}", started.compact()),
    }
}

/// Start and number of a run folder's name; `None` when it isn't one.
fn parse_run_folder(name: &str) -> Option<(&str, u32)> {
    let (start, rest) = name.split_at_checked(15)?;
    let (date, time) = start.split_once('_')?;
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(date, 8) || !digits(time, 6) {
        return None;
    }
    match rest.strip_prefix('_') {
        None => rest.is_empty().then_some((start, 0)),
        Some(nth) => Some((start, nth.parse().ok().filter(|n| *n > 0 && format!("{n}") == nth)?)),
    }
}

/// Whether `name` is that of a run's folder.
pub fn is_run_folder(name: &str) -> bool {
    parse_run_folder(name).is_some()
}

/// Whether two runs began in the same second, as far as the names of their folders tell.
pub(super) fn are_of_one_second(a: &str, b: &str) -> bool {
    let second = |name| parse_run_folder(name).map(|(second, _)| second);
    second(a) == second(b)
}

/// Which of two run folders is the later.
pub(super) fn compare_runs(a: &str, b: &str) -> std::cmp::Ordering {
    parse_run_folder(a).cmp(&parse_run_folder(b))
}

/// The run folders of `process`, oldest first; none when there is no folder. Anything that isn't a
/// folder with the name of a run is left out.
pub fn runs(layout: &Layout, process: &ProcessId) -> Result<Vec<RunFolder>, FileError> {
    let parent = layout.process_logs(process);
    let unreadable = |error: io::Error| FileError::os("read the folder", &parent)(error);
    let entries = match fs::read_dir(&parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && parse_run_folder(&name).is_some() {
            found.push(RunFolder { path: entry.path(), name });
        }
    }
    found.sort_by(|a, b| compare_runs(&a.name, &b.name));
    Ok(found)
}

/// Whether `process` has a run whose folder has this name.
pub fn has_run(layout: &Layout, process: &ProcessId, name: &str) -> Result<bool, FileError> {
    Ok(runs(layout, process)?.iter().any(|run| run.name == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_and_indexes_are_each_others_reverse() {
        for index in [0, 1, 9, 10, 4_000_000_000] {
            assert_eq!(Stream::Stderr.index_of(&Stream::Stderr.file_name(index)), Some(index));
        }
        for other in [
            "stderr.log",
            "stdout.0.log",
            "stdout.01.log",
            "stdout.+1.log",
            "stdout.1.log.gz",
            "stdout",
            "stdout.times",
        ] {
            assert_eq!(Stream::Stdout.index_of(other), None, "{other}");
        }
    }

    #[test]
    fn only_run_folders_are_listed_in_the_order_of_their_start() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path(), Default::default());
        let process = ProcessId::new("web").unwrap();
        assert_eq!(runs(&layout, &process).unwrap(), []);
        let sorted = ["20260123_235959", "20260124_103000", "20260124_103000_2", "20260124_103000_10"];
        let others = ["20260124", "2026012a_103000", "20260124_103000_", "20260124_103000_01", "backup", "ä"];
        for name in sorted.iter().rev().chain(&others) {
            fs::create_dir_all(layout.process_logs(&process).join(name)).unwrap();
        }
        fs::write(layout.process_logs(&process).join("20260125_000000"), "a file").unwrap();
        let names: Vec<_> = runs(&layout, &process).unwrap().into_iter().map(|run| run.name).collect();
        assert_eq!(names, sorted);
    }
}
