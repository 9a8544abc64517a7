//! What belongs to a run, owned: what `host::process::tree` asks for by reference.

use process_monitor_core::id::RunId;
use process_monitor_core::model::StopSignal;
use process_monitor_host::layout::Layout;
use process_monitor_host::output::Stream;
use process_monitor_host::process::tree::{Reaper, TreeQuery};
use process_monitor_host::process::{Identity, Process};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the members of a tree may take to die before the engine is told that it is cleared. Only
/// a process that sleeps in the kernel takes longer than a few milliseconds.
const CLEAR_WITHIN: Duration = Duration::from_secs(10);

/// The tree of one run. Cheap to clone.
#[derive(Clone)]
pub struct Tree {
    leader: Identity,
    process: Option<Arc<Process>>,
    main: Option<Identity>,
    run: RunId,
    /// None when its output is discarded.
    fifos: Option<Arc<[PathBuf; 2]>>,
}

/// The FIFOs to which members of a run write whose output is captured.
pub fn fifos(layout: &Layout, run: &RunId) -> Arc<[PathBuf; 2]> {
    Arc::new(Stream::BOTH.map(|stream| stream.fifo(layout, run)))
}

impl Tree {
    /// The tree below `process`, which we hold.
    pub fn held(fifos: Option<Arc<[PathBuf; 2]>>, run: &RunId, process: &Arc<Process>) -> Self {
        Self { process: Some(Arc::clone(process)), ..Self::gone(fifos, run, process.identity()) }
    }

    /// What is left of a run whose leader was gone before we came.
    pub fn gone(fifos: Option<Arc<[PathBuf; 2]>>, run: &RunId, leader: Identity) -> Self {
        Self { leader, process: None, main: None, run: run.clone(), fifos }
    }

    /// The same tree; the program goes on as `main`.
    pub fn with_main(self, main: Identity) -> Self {
        Self { main: Some(main), ..self }
    }

    /// Whether its output is captured.
    pub fn has_output(&self) -> bool {
        self.fifos.is_some()
    }

    fn query(&self) -> TreeQuery<'_> {
        TreeQuery {
            leader: self.leader,
            process: self.process.as_deref(),
            main: self.main,
            run: &self.run,
            outputs: self.fifos.as_ref().map_or(&[], |fifos| fifos.as_slice()),
        }
    }

    /// Sends `signal` to the group that it leads, and to the process as which it goes on with the group that
    /// this one leads. `false` when nobody is left.
    ///
    /// # Errors
    /// When we may signal none of them.
    pub fn signal(&self, main: &Process, signal: StopSignal) -> io::Result<bool> {
        let Some(launcher) = &self.process else { return signal_with_group(main, signal) };
        let group = launcher.signal_group(signal);
        match self.main {
            None => group,
            Some(_) => signal_with_group(main, signal),
        }
    }

    /// Whether something of it may be left after its leader's exit. Cheap: where a real look would be
    /// dear, the answer is yes.
    pub fn may_be_left(&self, reaper: &Reaper) -> bool {
        self.or_yes(reaper.may_have_left(&self.query()))
    }

    /// Whether something of it is there beside its leader.
    pub fn is_left(&self, reaper: &Reaper) -> bool {
        self.or_yes(reaper.leftover(&self.query()).map(|members| !members.is_empty()))
    }

    /// What cannot be found out is answered with yes.
    fn or_yes(&self, is_left: io::Result<bool>) -> bool {
        is_left.unwrap_or_else(|error| {
            tracing::warn!(leader = %self.leader, %error, "cannot look for what it left");
            true
        })
    }

    /// Takes hold of `pid` if it belongs to it.
    ///
    /// # Errors
    /// As [`Reaper::vouch`].
    pub fn vouch(&self, reaper: &Reaper, pid: u32) -> io::Result<Option<Process>> {
        reaper.vouch(&self.query(), pid)
    }

    /// Kills all of it and waits for its end.
    pub fn kill(&self, reaper: &Reaper) {
        match reaper.kill_tree(&self.query(), Instant::now() + CLEAR_WITHIN) {
            Ok(outcome) if outcome.survivors.is_empty() => {
                if !outcome.killed.is_empty() {
                    tracing::info!(leader = %self.leader, killed = outcome.killed.len(), "killed its tree");
                }
            }
            Ok(outcome) => tracing::error!(
                survivors = ?outcome.survivors,
                "these processes do not end, even by SIGKILL; they changed their user, or wait in the kernel, perhaps for a disk"
            ),
            Err(error) => tracing::error!(leader = %self.leader, %error, "cannot kill its tree"),
        }
    }
}

/// The group where it leads one, else it alone.
fn signal_with_group(process: &Process, signal: StopSignal) -> io::Result<bool> {
    Ok(process.signal_group(signal)? || process.signal(signal)?)
}
