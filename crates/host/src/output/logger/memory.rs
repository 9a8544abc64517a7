//! What a logger must know again after its own death: a journal of the runs that it copies, one line for each that begins and each
//! that is over. It is written anew, without those that are over, when a logger begins, and when it has become long.
//!
//! A monitor attaches its live runs anew, but it doesn't know of an earlier run whose grandchild
//! still prints. Without this, that grandchild would block for good once both had been restarted.

use crate::files::{Durability, FileError, remove_if_there, remove_leftovers, write_atomic};
use crate::layout::Layout;
use crate::output::error::failed;
use crate::output::protocol::Attach;
use crate::sys::files::{open_appending, rename};
use process_monitor_core::id::RunId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a monitor left word of, and loggers before the journal noted: a file for each run, beside its FIFOs.
const SUFFIX: &str = ".attach.json";
/// Such a file that is being written.
const UNFINISHED: &str = ".attach.new";
/// Ours; loggers before the journal wrote others meanwhile.
const UNFINISHED_BY_MONITOR: &str = ".monitor.attach.new";
/// Once it is so old, the monitor that wrote it was killed meanwhile.
const UNFINISHED_FOR: Duration = Duration::from_secs(60);

/// The journal is not written anew before it has so many bytes, and twice as many as it needs.
const SHORT: u64 = 256 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line<R, A> {
    /// It is being copied, or goes on with other limits.
    Attached(A),
    /// All of it is copied.
    Over(R),
}

/// The journal of one logger.
pub(super) struct Memory {
    layout: Layout,
    /// `None`: it could not be opened; tried again with each line.
    file: Option<File>,
    /// How long it is, in bytes.
    length: u64,
    /// From which length on it is written anew.
    limit: u64,
    /// Whether it may not end with a whole line.
    torn: bool,
}

impl Memory {
    /// What was being copied when the last logger ended, and the journal that goes on from there.
    pub(super) fn recall(layout: &Layout) -> (Self, Vec<Attach>) {
        let path = layout.attached();
        if let Err(error) = remove_leftovers(&path) {
            tracing::warn!("{error}");
        }
        let mut known = Known::default();
        // First: what the journal says of a run is newer.
        let words = words(layout);
        for (_, attach) in &words {
            known.attached(attach.clone());
        }
        let unread = match fs::read(&path) {
            Ok(text) => {
                known.read(&text);
                None
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => Some(error),
        };
        let runs = known.into_runs();
        let layout = layout.clone();
        let mut memory = Self { layout, file: None, length: 0, limit: u64::MAX, torn: true };
        if let Some(error) = unread {
            // It stays as it is for the next logger, with what this one adds.
            tracing::error!("cannot read {}, and so not go on with what it tells: {error}", path.display());
            return (memory, runs);
        }
        match memory.write_anew(runs.iter()) {
            Ok(()) => words.iter().for_each(|(path, _)| remove(path)),
            Err(error) => tracing::warn!("a logger after this one may know too much: {error}"),
        }
        (memory, runs)
    }

    /// Notes that `attach` is being copied, before it is: a kill meanwhile must not make the next logger forget it.
    pub(super) fn remember(&mut self, attach: &Attach) {
        self.note(&Line::<&RunId, _>::Attached(attach));
    }

    /// Notes that the run is over.
    pub(super) fn forget(&mut self, run: &RunId) {
        self.note(&Line::<_, &Attach>::Over(run));
    }

    fn note(&mut self, what: &Line<impl Serialize, impl Serialize>) {
        if let Err(error) = self.append(what) {
            tracing::warn!("a logger after this one may not know what is copied now: {error}");
        }
    }

    fn append(&mut self, what: &Line<impl Serialize, impl Serialize>) -> Result<(), FileError> {
        let path = self.layout.attached();
        let mut text = Vec::from(if self.torn { "\n" } else { "" });
        line(what, &mut text).map_err(failed("write", &path))?;
        crate::crash_point!("remember::before_line");
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open_appending(&path).map_err(failed("open", &path))?),
        };
        self.torn = true;
        file.write_all(&text).map_err(failed("write", &path))?;
        self.torn = false;
        self.length = self.length.saturating_add(text.len() as u64);
        Ok(())
    }

    /// What monitors left word of meanwhile, and where.
    pub(super) fn words(&self) -> Vec<(PathBuf, Attach)> {
        words(&self.layout)
    }

    /// Whether all that was to be noted is.
    pub(super) fn is_whole(&self) -> bool {
        self.file.is_some() && !self.torn
    }

    /// Whether it has become so long that it should be [written anew](Self::write_anew).
    pub(super) fn is_long(&self) -> bool {
        self.length > self.limit
    }

    /// Replaces it by one of these `runs` alone, in one step.
    pub(super) fn write_anew<'a>(&mut self, runs: impl Iterator<Item = &'a Attach>) -> Result<(), FileError> {
        let path = self.layout.attached();
        // Should it fail, it is not tried again with each line.
        self.limit = self.length.saturating_mul(2).max(SHORT);
        let mut text = Vec::new();
        for attach in runs {
            line(&Line::<&RunId, _>::Attached(attach), &mut text).map_err(failed("write", &path))?;
        }
        crate::crash_point!("remember::before_anew");
        // On Windows what is open is not replaced.
        self.file = None;
        write_atomic(&path, &text, Durability::Unsynced)?;
        (self.file, self.torn) = (open_appending(&path).ok(), false);
        self.length = text.len() as u64;
        self.limit = self.length.saturating_mul(2).max(SHORT);
        Ok(())
    }
}

fn line(what: &Line<impl Serialize, impl Serialize>, text: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *text, what)?;
    text.push(b'\n');
    Ok(())
}

/// The runs of a journal, in the order in which they began.
#[derive(Default)]
struct Known {
    runs: HashMap<RunId, (usize, Attach)>,
    began: usize,
}

impl Known {
    fn read(&mut self, text: &[u8]) {
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Line::<RunId, Attach>::Attached(attach)) => self.attached(attach),
                Ok(Line::Over(run)) => drop(self.runs.remove(&run)),
                Err(error) => tracing::warn!("skipping what is no line of the logger's journal: {error}"),
            }
        }
    }

    fn attached(&mut self, attach: Attach) {
        self.began += 1;
        let began = self.runs.get(&attach.run).map_or(self.began, |(began, _)| *began);
        self.runs.insert(attach.run.clone(), (began, attach));
    }

    fn into_runs(self) -> Vec<Attach> {
        let mut runs: Vec<_> = self.runs.into_values().collect();
        runs.sort_by_key(|(began, _)| *began);
        runs.into_iter().map(|(_, attach)| attach).collect()
    }
}

/// For the next logger, by a monitor that may not live to tell it. One that comes when the output is gone finds
/// nothing to copy, and forgets it.
///
/// # Errors
/// When the file cannot be written.
pub fn leave_word(layout: &Layout, attach: &Attach) -> Result<(), FileError> {
    let path = word(layout, &attach.run);
    let unfinished = layout.fifos().join(format!("{}{UNFINISHED_BY_MONITOR}", attach.run));
    let text = serde_json::to_vec(attach).map_err(failed("write", &path))?;
    match fs::write(&unfinished, text) {
        // No folder, hence no FIFO: the run is over.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        result => result.map_err(failed("write", &unfinished))?,
    }
    rename(&unfinished, &path).map_err(failed("put in place", &path))
}

/// A logger copies the output of `run`, and knows by its journal.
///
/// # Errors
/// When the file cannot be removed.
pub fn take_back_word(layout: &Layout, run: &RunId) -> io::Result<()> {
    remove_if_there(word(layout, run)).map(drop)
}

/// Where word of a run is left.
fn word(layout: &Layout, run: &RunId) -> PathBuf {
    layout.fifos().join(format!("{run}{SUFFIX}"))
}

/// What is told by files of their own, and where.
fn words(layout: &Layout) -> Vec<(PathBuf, Attach)> {
    let Ok(entries) = fs::read_dir(layout.fifos()) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(SUFFIX) {
            match fs::read(&path)
                .map_err(serde_json::Error::io)
                .and_then(|text| serde_json::from_slice(&text))
            {
                Ok(attach) => found.push((path, attach)),
                Err(error) => tracing::warn!("skipping {}: {error}", path.display()),
            }
        } else if name.ends_with(UNFINISHED) && !(name.ends_with(UNFINISHED_BY_MONITOR) && is_recent(&path)) {
            remove(&path);
        }
    }
    found
}

/// Whether a monitor may be about to put it in place. When in doubt, it may.
fn is_recent(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|metadata| metadata.modified());
    !written.is_ok_and(|written| written.elapsed().is_ok_and(|since| since > UNFINISHED_FOR))
}

pub(super) fn remove(path: &Path) {
    if let Err(error) = remove_if_there(path) {
        tracing::warn!("cannot remove {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::protocol::Limits;
    use process_monitor_core::id::ProcessId;
    use process_monitor_core::model::LogConfig;
    use std::time::SystemTime;

    fn fixture() -> (tempfile::TempDir, Layout) {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path(), Default::default());
        fs::create_dir_all(layout.fifos()).unwrap();
        (directory, layout)
    }

    fn attach(run: &str) -> Attach {
        let (run, process) = (RunId::new(run).unwrap(), ProcessId::new("web").unwrap());
        let limits = Limits::from(&LogConfig::default());
        Attach { run, process, folder: "/logs/web/20260124_103000".into(), limits, identity: None }
    }

    fn recalled(layout: &Layout) -> Vec<String> {
        let (_, runs) = Memory::recall(layout);
        runs.into_iter().map(|attach| attach.run.to_string()).collect()
    }

    #[test]
    fn what_is_not_over_is_known_to_the_next_in_the_order_in_which_it_began() {
        let (_directory, layout) = fixture();
        let (mut memory, runs) = Memory::recall(&layout);
        assert_eq!(runs, []);
        for run in ["c", "a", "b", "d"] {
            memory.remember(&attach(run));
        }
        memory.forget(&attach("a").run);
        memory.remember(&attach("c"));
        drop(memory);
        assert_eq!(recalled(&layout), ["c", "b", "d"]);
        assert_eq!(recalled(&layout), ["c", "b", "d"], "nor does a recall forget");
    }

    #[test]
    fn torn_and_foreign_lines_cost_no_other() {
        let (_directory, layout) = fixture();
        let (mut memory, _) = Memory::recall(&layout);
        memory.remember(&attach("a"));
        let whole = fs::read(layout.attached()).unwrap();
        // Each is some calls of another process where Windows is emulated.
        let step = if cfg!(windows) { 41 } else { 1 };
        for length in (0..whole.len()).step_by(step) {
            let torn = [&whole, &b"foreign\n"[..], whole.get(..length).unwrap()].concat();
            fs::write(layout.attached(), torn).unwrap();
            let (mut memory, runs) = Memory::recall(&layout);
            assert_eq!(runs, [attach("a")], "{length} bytes");
            memory.remember(&attach("b"));
            assert_eq!(recalled(&layout), ["a", "b"], "{length} bytes");
        }
    }

    /// As when the disk is full.
    #[test]
    fn what_could_not_be_written_tears_no_later_line() {
        let (_directory, layout) = fixture();
        let (mut memory, _) = Memory::recall(&layout);
        memory.remember(&attach("a"));
        memory.file = Some(File::open(layout.attached()).unwrap());
        memory.remember(&attach("b"));
        assert!(memory.torn);
        fs::write(layout.attached(), [&fs::read(layout.attached()).unwrap()[..], b"{\"attac"].concat())
            .unwrap();
        memory.file = None;
        memory.remember(&attach("c"));
        assert_eq!(recalled(&layout), ["a", "c"]);
    }

    #[test]
    fn word_that_a_monitor_left_is_taken_up_once_and_can_be_taken_back() {
        let (_directory, layout) = fixture();
        leave_word(&layout, &attach("a")).unwrap();
        fs::write(layout.fifos().join("b.attach.new"), "{").unwrap();
        let (_, runs) = Memory::recall(&layout);
        assert_eq!(runs, [attach("a")]);
        assert_eq!(fs::read_dir(layout.fifos()).unwrap().count(), 0);
        leave_word(&layout, &attach("b")).unwrap();
        take_back_word(&layout, &attach("b").run).unwrap();
        take_back_word(&layout, &attach("b").run).unwrap();
        assert_eq!(recalled(&layout), ["a"]);
    }

    #[test]
    fn what_a_monitor_is_about_to_put_in_place_stays_there_for_it() {
        let (_directory, layout) = fixture();
        let [of_a_monitor, of_a_logger] =
            [UNFINISHED_BY_MONITOR, UNFINISHED].map(|end| layout.fifos().join(format!("a{end}")));
        for path in [&of_a_monitor, &of_a_logger] {
            fs::write(path, "{").unwrap();
        }
        assert_eq!(recalled(&layout), [""; 0]);
        assert_eq!((of_a_monitor.exists(), of_a_logger.exists()), (true, false));
        let long_ago = SystemTime::now() - 2 * UNFINISHED_FOR;
        File::options().write(true).open(&of_a_monitor).unwrap().set_modified(long_ago).unwrap();
        recalled(&layout);
        assert!(!of_a_monitor.exists());
    }

    #[test]
    fn what_the_journal_tells_is_newer_than_word_that_was_left() {
        let (_directory, layout) = fixture();
        let (mut memory, _) = Memory::recall(&layout);
        leave_word(&layout, &attach("a")).unwrap();
        let newer = Attach { folder: "/newer".into(), ..attach("a") };
        memory.remember(&newer);
        for _ in 0..2 {
            assert_eq!(Memory::recall(&layout).1, std::slice::from_ref(&newer));
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_journal_that_cannot_be_read_is_not_replaced() {
        let (_directory, layout) = fixture();
        std::os::unix::fs::symlink(layout.attached(), layout.attached()).unwrap();
        let (mut memory, runs) = Memory::recall(&layout);
        assert_eq!(runs, []);
        memory.remember(&attach("b"));
        assert!(memory.torn);
        assert!(!memory.is_long());
        assert!(fs::symlink_metadata(layout.attached()).unwrap().is_symlink());
        fs::remove_file(layout.attached()).unwrap();
        memory.remember(&attach("c"));
        assert_eq!(recalled(&layout), ["c"]);
    }

    #[test]
    fn it_stays_as_short_as_what_is_copied() {
        let (_directory, layout) = fixture();
        let (mut memory, _) = Memory::recall(&layout);
        memory.remember(&attach("live"));
        let mut rounds = 0;
        while !memory.is_long() {
            memory.remember(&attach("x"));
            memory.forget(&attach("x").run);
            rounds += 1;
        }
        assert!(rounds > 100);
        memory.write_anew([attach("live")].iter()).unwrap();
        assert!(!memory.is_long());
        assert!(fs::metadata(layout.attached()).unwrap().len() < 1000);
        memory.remember(&attach("later"));
        assert_eq!(recalled(&layout), ["live", "later"]);
    }
}
