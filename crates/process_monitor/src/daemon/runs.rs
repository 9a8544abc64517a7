//! Runs as the executor has them: from the result of a spawn to the end of what is left of their tree.

use super::executor::{Executor, Output, attach_to};
use super::inbox::Message;
use super::jobs::{SpawnDone, SpawnedRun, StartError};
use super::tree::Tree;
use process_monitor_core::engine::Event;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::StopSignal;
use process_monitor_host::clock;
use process_monitor_host::output::protocol::{Attach, Limits};
use process_monitor_host::output::run::OutputHold;
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::process::{Identity, Process, record};
use process_monitor_host::reactor::Reactor;
use std::sync::Arc;

/// A run that is up.
pub(super) struct LiveRun {
    pub(super) id: ProcessId,
    pub(super) process: Arc<Process>,
    pub(super) tree: Tree,
}

impl LiveRun {
    /// Kills it, because its exit would go unnoticed.
    fn abandon(self, reaper: &Reaper) {
        self.tree.kill(reaper);
        if let Err(error) = self.process.try_exit() {
            tracing::error!(process = %self.id, %error, "cannot reap a process that could not be watched");
        }
    }
}

impl Executor {
    /// Takes in the result of a spawn; the event is for the engine.
    pub fn spawned(&mut self, done: SpawnDone, reactor: &Reactor) -> Event {
        self.starter.done();
        let SpawnDone { id, run, result } = done;
        let result = result.and_then(|spawned| {
            let SpawnedRun { process, hold, folder, logs } = spawned;
            let identity = process.identity();
            let attach = Attach {
                run: run.clone(),
                process: id.clone(),
                folder,
                limits: Limits::from(&logs),
                identity: Some(identity),
            };
            self.add_output(run.clone(), attach, hold);
            self.watch(id.clone(), &run, process, reactor)?;
            Ok(identity.pid)
        });
        let result = result.map_err(|error| {
            tracing::warn!(process = %id, %error, "cannot start");
            error.to_string()
        });
        Event::Spawned { id, run, result }
    }

    /// Holds a run's output, and has the logger read it.
    pub fn add_output(&mut self, run: RunId, attach: Attach, hold: OutputHold) {
        if let Some(logger) = &self.logger {
            attach_to(logger, &attach);
        }
        self.outputs.insert(run, Output { _hold: hold, attach });
    }

    /// Has the reactor tell when `process` ends.
    ///
    /// # Errors
    /// When the system refuses; the process is killed then, because its exit would go unnoticed.
    pub fn watch(
        &mut self,
        id: ProcessId,
        run: &RunId,
        process: Process,
        reactor: &Reactor,
    ) -> Result<(), StartError> {
        let process = Arc::new(process);
        let live = LiveRun { id, tree: Tree::held(&self.layout, run, &process), process };
        let key = self.next_key;
        self.next_key = self.next_key.wrapping_add(1);
        if let Err(error) = reactor.watch(&live.process, key) {
            let pid = live.process.identity().pid;
            let reaper = Arc::clone(&self.reaper);
            self.killers.run(move || live.abandon(&reaper));
            return Err(StartError::Prepare(format!("cannot watch for the exit of pid {pid}: {error}")));
        }
        self.keys.insert(key, run.clone());
        self.live.insert(run.clone(), live);
        Ok(())
    }

    /// The process behind `key` has ended; the event is for the engine.
    pub fn reap(&mut self, key: usize, reactor: &Reactor) -> Option<Event> {
        let run = self.keys.get(&key)?.clone();
        let live = self.live.get(&run)?;
        let exit = match live.process.try_exit() {
            Ok(Some(exit)) => exit,
            Ok(None) => {
                // Not ended after all: a wake-up for nothing. Wait on.
                return match reactor.watch_again(&live.process, key) {
                    Ok(()) => None,
                    Err(error) => {
                        tracing::error!(process = %live.id, %error, "cannot watch for its exit any more");
                        None
                    }
                };
            }
            Err(error) => {
                tracing::error!(process = %live.id, %error, "it ended, and how cannot be told");
                process_monitor_core::exit::Exit::Unknown
            }
        };
        let live = self.live.remove(&run)?;
        self.keys.remove(&key);
        reactor.unwatch(&live.process);
        let leftover = live.tree.may_be_left(&self.reaper);
        if let Err(error) = record::finish(&self.layout.run_record(&live.id), &run, exit, clock::wall()) {
            tracing::warn!(process = %live.id, %error, "cannot note its exit");
        }
        self.tell_exited(&run);
        if let Some(output) = self.outputs.get_mut(&run) {
            output.attach.identity = None;
        }
        tracing::info!(process = %live.id, pid = live.process.identity().pid, %exit, "ended");
        let id = live.id.clone();
        if leftover {
            self.remains.insert(run.clone(), live.tree);
        }
        Some(Event::Exited { id, run, exit, leftover })
    }

    /// A tree that an earlier monitor left.
    pub fn add_remains(&mut self, run: RunId, tree: Tree) {
        self.remains.insert(run, tree);
    }

    /// A child has ended: if it was an orphan that fell to us, it is reaped.
    pub fn reap_orphans(&self) {
        let managed =
            |identity: &Identity| self.live.values().any(|live| live.process.identity() == *identity);
        if let Err(error) = self.reaper.reap_orphans(managed) {
            tracing::warn!(%error, "cannot reap orphans of managed programs");
        }
    }

    /// What was left of `run` is gone.
    pub fn cleared(&mut self, run: &RunId) {
        self.remains.remove(run);
    }

    pub(super) fn signal(&self, run: &RunId, signal: StopSignal, group: bool) {
        let Some(live) = self.live.get(run) else { return };
        let sent = if group { live.process.signal_group(signal) } else { live.process.signal(signal) };
        match sent {
            // Gone already: its exit is on its way to us.
            Ok(_) => {}
            Err(error) => tracing::error!(process = %live.id, %signal, %error, "cannot send the stop signal"),
        }
    }

    pub(super) fn kill(&self, run: &RunId, whole: bool) {
        let Some(live) = self.live.get(run) else { return };
        tracing::warn!(process = %live.id, "did not end in time, killing it");
        self.signal(run, StopSignal::Kill, whole);
        if whole {
            let (tree, reaper) = (live.tree.clone(), Arc::clone(&self.reaper));
            self.killers.run(move || tree.kill(&reaper));
        }
    }

    pub(super) fn clear(&self, id: ProcessId, run: RunId) {
        let inbox = self.inbox.clone();
        let (tree, reaper) = (self.remains.get(&run).cloned(), Arc::clone(&self.reaper));
        self.killers.run(move || {
            tree.iter().for_each(|tree| tree.kill(&reaper));
            inbox.send(Message::Cleared(id, run));
        });
    }
}
