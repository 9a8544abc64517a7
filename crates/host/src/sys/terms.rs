//! The words in which all systems tell the same.

use crate::process::{Identity, Process};
use process_monitor_core::id::{ProcessId, RunId};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::PipeWriter;
use std::path::{Path, PathBuf};
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

/// The sums over a process and its live descendants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// CPU time used so far, in user and kernel mode. The difference between two readings over the
    /// time between them is the load; it can fall when a descendant ends.
    pub cpu: Duration,
    /// Memory in bytes, as the system's own tools show it: resident as in top(1), on Windows the working set. Pages that several
    /// processes share count for each. (Proportional figures cost the kernel a walk over every page of large programs.)
    pub memory_bytes: u64,
    /// How many processes these are.
    pub processes: u32,
}

impl Figures {
    pub(super) fn plus(self, used: Usage) -> Self {
        Self {
            cpu: self.cpu + used.cpu,
            memory_bytes: self.memory_bytes.saturating_add(used.memory_bytes),
            processes: self.processes.saturating_add(1),
        }
    }
}

/// The run whose tree is meant.
#[derive(Debug, Clone, Copy)]
pub struct TreeQuery<'a> {
    /// The process that was spawned.
    pub leader: Identity,
    /// The same, if it is or was held by this monitor: where runs lead groups, it proves also after its end which group was
    /// its. `None` when it was gone before the monitor came.
    pub process: Option<&'a Process>,
    /// The process as which the program goes on, if it told of another: a member whatever it looks like.
    pub main: Option<Identity>,
    /// Its run.
    pub run: &'a RunId,
    /// Where its output goes; on Windows they prove nothing.
    pub outputs: &'a [PathBuf],
}

/// What became of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KillOutcome {
    /// Who was killed and is gone.
    pub killed: BTreeSet<Identity>,
    /// Who is still there: we may not end it, as when it changed its user, or it hangs in the
    /// kernel and did not end before the deadline.
    pub survivors: BTreeSet<Identity>,
}

impl KillOutcome {
    /// Counts one that was to be killed.
    pub(super) fn note(&mut self, target: Identity, ended: bool) {
        let of = if ended { &mut self.killed } else { &mut self.survivors };
        of.insert(target);
    }
}
