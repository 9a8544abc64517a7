//! The words in which all systems tell the same.

use process_monitor_core::id::{ProcessId, RunId};
use std::ffi::OsStr;
use std::io::PipeWriter;
use std::path::Path;
use std::time::Duration;

/// What is to be reported of a folder. Its own end always is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FolderInterest {
    /// What is made in it or moved to it.
    pub comes: bool,
    /// What is removed from it or moved away.
    pub goes: bool,
    /// Each write to a file in it.
    pub writes: bool,
    /// A file in it was written and closed, replaced, or given another mode: it is as somebody wants it to be. Where the
    /// system does not tell when a file was closed, each write is told instead.
    pub finishes: bool,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // not every system tells everything
pub enum What {
    /// Something was made, or moved here.
    Came,
    /// Something was removed, or moved away.
    Went,
    /// A file was written to.
    Written,
    /// A file was finished.
    Finished,
    /// The folder was removed, moved away, or its file system unmounted.
    Lost,
    /// The watch is no more.
    Forgotten,
    /// Anything may have happened: look at everything. Systems that do not say what happened say this of their own accord.
    Anything,
}

/// What happened to whom.
#[derive(Debug, Clone, Copy)]
pub struct FolderEvent<'a> {
    /// In which folder, as `FolderEvents::watch` has called it; `None`: in any.
    pub watch: Option<i32>,
    /// To what in the folder; `None`: to itself, or to anything.
    pub name: Option<&'a OsStr>,
    /// What happened.
    pub what: What,
}

/// What is waited for. The end of what can be read counts as something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Something to read.
    Read,
    /// Something to read, or room to write.
    ReadAndWrite,
}

/// A datagram.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code)] // not every system has them
pub struct Datagram {
    /// How many bytes there are.
    pub bytes: usize,
    /// Whether there were more.
    pub cut_off: bool,
    /// Whether root or our own user sent it.
    pub is_ours: bool,
}

/// What one process uses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// In user and kernel mode, since its start.
    pub cpu: Duration,
    /// Resident, shared pages included.
    pub memory_bytes: u64,
}

/// The program of a check that is to be started. It gets the monitor's environment as a managed program does.
#[derive(Clone, Copy)]
pub struct CheckStart<'a> {
    /// Whose health it checks.
    pub process: &'a ProcessId,
    /// A run id of its own, by which its tree is known.
    pub run: &'a RunId,
    /// The file that is executed.
    pub file: &'a Path,
    /// What the program is told as its name.
    pub command: &'a str,
    /// Passed verbatim.
    pub args: &'a [String],
    /// Where it runs; `None`: where the monitor does.
    pub working_directory: Option<&'a Path>,
    /// Added to the monitor's own.
    pub environment: &'a [(String, String)],
    /// Where it prints to.
    pub output: &'a PipeWriter,
}
