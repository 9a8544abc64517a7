//! The runs whose output is being copied.

use super::stream::StreamState;
use crate::output::protocol::Attach;
use crate::process::Process;
use process_monitor_core::id::RunId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Names a thing that is reported as ready: a run's number times [`PER_RUN`], plus one of the parts. Numbers
/// are never used again, so a late report of a run that is gone hits nothing.
pub(super) type Token = u64;

const PER_RUN: u64 = 4;
const EXIT_PART: u64 = 2;

/// What a token of a run stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// One of its streams: 0 or 1.
    Stream(usize),
    /// The end of its process.
    Exit,
}

/// One stream of a run.
pub(super) enum Slot {
    /// There was no descriptor left to open its FIFO; tried again.
    Unopened,
    /// Being copied.
    Open(Box<StreamState>),
    /// Over.
    Closed,
}

pub(super) struct AttachedRun {
    pub(super) attach: Attach,
    pub(super) slots: [Slot; 2],
    /// Which of its streams was served last.
    pub(super) served: usize,
    /// Its process, until its exit is known to the monitor or noted.
    pub(super) process: Option<Process>,
    /// Whether the monitor was told that all output is copied.
    pub(super) told_closed: bool,
}

impl AttachedRun {
    /// Whether all of its output is in its files.
    pub(super) fn is_closed(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot, Slot::Closed))
    }
}

/// All of them, by number and by id.
#[derive(Default)]
pub(super) struct AttachedRuns {
    runs: BTreeMap<u64, AttachedRun>,
    numbers: HashMap<RunId, u64>,
    folders: HashSet<PathBuf>,
    last: u64,
}

impl AttachedRuns {
    /// Takes in a new run and returns its number.
    pub(super) fn insert(&mut self, attach: Attach) -> u64 {
        self.last += 1;
        self.numbers.insert(attach.run.clone(), self.last);
        self.folders.insert(attach.folder.clone());
        let slots = [Slot::Unopened, Slot::Unopened];
        self.runs
            .insert(self.last, AttachedRun { attach, slots, served: 0, process: None, told_closed: false });
        self.last
    }

    /// Takes in a run that has no output, and of which the monitor is not to be told.
    pub(super) fn insert_closed(&mut self, attach: Attach) -> u64 {
        let number = self.insert(attach);
        if let Some(run) = self.runs.get_mut(&number) {
            (run.slots, run.told_closed) = ([Slot::Closed, Slot::Closed], true);
        }
        number
    }

    pub(super) fn number_of(&self, run: &RunId) -> Option<u64> {
        self.numbers.get(run).copied()
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut AttachedRun> {
        self.runs.get_mut(&number)
    }

    pub(super) fn remove(&mut self, number: u64) {
        if let Some(run) = self.runs.remove(&number) {
            self.numbers.remove(&run.attach.run);
            self.folders.remove(&run.attach.folder);
        }
    }

    /// Nothing is written into its folder any more.
    pub(super) fn release_folder(&mut self, number: u64) {
        if let Some(run) = self.runs.get(&number) {
            self.folders.remove(&run.attach.folder);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut AttachedRun)> {
        self.runs.iter_mut().map(|(number, run)| (*number, run))
    }

    /// All of them, as they were attached.
    pub(super) fn attaches(&self) -> impl Iterator<Item = &Attach> {
        self.runs.values().map(|run| &run.attach)
    }

    /// Whether a run copies into `folder`.
    pub(super) fn uses(&self, folder: &Path) -> bool {
        self.folders.contains(folder)
    }
}

/// The token of a run's part.
pub(super) fn token(number: u64, part: Part) -> Token {
    let offset = match part {
        Part::Stream(index) => index as u64,
        Part::Exit => EXIT_PART,
    };
    number * PER_RUN + offset
}

/// The reverse of [`token`].
pub(super) fn split(token: Token) -> (u64, Part) {
    let part = match token % PER_RUN {
        EXIT_PART => Part::Exit,
        index => Part::Stream(index as usize),
    };
    (token / PER_RUN, part)
}
