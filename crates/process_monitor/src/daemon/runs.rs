//! Runs as the executor has them: from the result of a spawn to the end of what is left of their tree.

use super::executor::Executor;
use super::inbox::Message;
use super::jobs::{Captured, SpawnDone, SpawnedRun, StartError};
use super::tree::{self, Tree};
use process_monitor_core::engine::{Event, NoMain};
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::StopSignal;
use process_monitor_host::clock;
use process_monitor_host::handover::Heirloom;
use process_monitor_host::notify::NotifySocket;
use process_monitor_host::output::protocol::{Attach, Limits};
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::process::{Identity, Process, record};
use process_monitor_host::reactor::Reactor;
use std::sync::Arc;

/// A run that is up.
pub(super) struct LiveRun {
    pub(super) id: ProcessId,
    pub(super) process: Arc<Process>,
    pub(super) tree: Tree,
    key: usize,
}

/// What a key of the reactor stands for.
pub(super) enum Watched {
    /// The exit of a run's process.
    Exit(RunId),
    /// The exit of a process that started a run's process; it only is to be reaped.
    Launcher(Arc<Process>),
    /// What a run says of itself.
    Notices(RunId),
}

/// Where a run says what it has to say of itself.
pub(super) struct Notices {
    id: ProcessId,
    key: usize,
    socket: NotifySocket,
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
        let SpawnDone { id, run, result, unrecorded } = done;
        let result = result.and_then(|spawned| {
            let SpawnedRun { process, captured, notices } = spawned;
            let identity = process.identity();
            let fifos = captured.as_ref().map(|_| tree::fifos(&self.layout, &run));
            if let Some(Captured { hold, folder, logs }) = captured {
                let attach = Attach {
                    run: run.clone(),
                    process: id.clone(),
                    folder,
                    limits: Limits::from(&logs),
                    identity: Some(identity),
                };
                self.add_output(run.clone(), attach, hold);
            }
            let process = Arc::new(process);
            let tree = Tree::held(fifos, &run, &process);
            self.watch(id.clone(), &run, process, tree, reactor)?;
            self.drop_notices(reactor, |notices, _| notices.id == id);
            if let Some(socket) = notices {
                self.listen(id.clone(), &run, socket, reactor);
            }
            Ok(identity.pid)
        });
        let result = result.map_err(|error| error.to_string());
        self.failed_starts.note(&id, &result, unrecorded);
        Event::Spawned { id, run, result }
    }

    fn new_key(&mut self) -> usize {
        let key = self.next_key;
        self.next_key = self.next_key.wrapping_add(1);
        key
    }

    /// Has the reactor tell when `process` ends.
    ///
    /// # Errors
    /// When the system refuses; the process is killed then, because its exit would go unnoticed.
    pub fn watch(
        &mut self,
        id: ProcessId,
        run: &RunId,
        process: Arc<Process>,
        tree: Tree,
        reactor: &Reactor,
    ) -> Result<(), StartError> {
        let key = self.new_key();
        let live = LiveRun { id, tree, process, key };
        if let Err(error) = reactor.watch(&*live.process, key) {
            let pid = live.process.identity().pid;
            let reaper = Arc::clone(&self.reaper);
            self.killers.run(move || live.abandon(&reaper));
            return Err(StartError::Prepare(format!("cannot watch for the exit of pid {pid}: {error}")));
        }
        self.keys.insert(key, Watched::Exit(run.clone()));
        self.live.insert(run.clone(), live);
        Ok(())
    }

    /// Hears what a run says of itself.
    pub fn listen(&mut self, id: ProcessId, run: &RunId, socket: NotifySocket, reactor: &Reactor) {
        let key = self.new_key();
        if let Err(error) = reactor.watch(&socket, key) {
            return tracing::error!(process = %id, %error, "cannot hear what it says of itself (sd_notify)");
        }
        self.keys.insert(key, Watched::Notices(run.clone()));
        self.notices.insert(run.clone(), Notices { id, key, socket });
    }

    /// Something happened to what `key` stands for; the events are for the engine.
    pub fn woken(&mut self, key: usize, reactor: &Reactor) -> Vec<Event> {
        match self.keys.get(&key) {
            Some(Watched::Exit(run)) => {
                let run = run.clone();
                self.reap(key, run, reactor).into_iter().collect()
            }
            Some(Watched::Notices(run)) => {
                let run = run.clone();
                self.hear(key, &run, reactor)
            }
            Some(Watched::Launcher(process)) => {
                match process.try_exit() {
                    Ok(exit) => {
                        self.reaper.reaped(process.identity().pid);
                        tracing::debug!(pid = process.identity().pid, ?exit, "the launcher ended");
                    }
                    Err(error) => tracing::warn!(%error, "cannot reap a launcher"),
                }
                reactor.unwatch(&**process);
                self.keys.remove(&key);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn hear(&mut self, key: usize, run: &RunId, reactor: &Reactor) -> Vec<Event> {
        let Some(notices) = self.notices.get_mut(run) else { return Vec::new() };
        let heard = notices.socket.receive().unwrap_or_else(|error| {
            tracing::warn!(process = %notices.id, %error, "cannot hear what it says of itself (sd_notify)");
            Vec::new()
        });
        if let Err(error) = reactor.watch_again(&notices.socket, key) {
            tracing::error!(process = %notices.id, %error, "cannot hear what it says of itself any more");
        }
        let id = &notices.id;
        heard.into_iter().map(|notice| Event::Noticed { id: id.clone(), run: run.clone(), notice }).collect()
    }

    /// The process of `run`, behind `key`, has ended; the event is for the engine.
    fn reap(&mut self, key: usize, run: RunId, reactor: &Reactor) -> Option<Event> {
        let live = self.live.get(&run)?;
        let exit = match live.process.try_exit() {
            Ok(Some(exit)) => exit,
            Ok(None) => {
                // Not ended after all: a wake-up for nothing. Wait on.
                return match reactor.watch_again(&*live.process, key) {
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
        self.reaper.reaped(live.process.identity().pid);
        self.keys.remove(&key);
        reactor.unwatch(&*live.process);
        let leftover = live.tree.may_be_left(&self.reaper);
        if let Err(error) = record::finish(&self.layout.run_record(&live.id), &run, exit, clock::wall()) {
            tracing::warn!(process = %live.id, %error, "cannot note its exit");
        }
        if live.tree.has_output() {
            self.recorded.push(run.clone());
            self.output_ended(&run);
        }
        self.lines.forget(&run);
        tracing::info!(process = %live.id, pid = live.process.identity().pid, %exit, "ended");
        let id = live.id.clone();
        if leftover {
            self.remains.insert(run.clone(), live.tree);
        } else {
            self.drop_notices(reactor, |_, of| *of == run);
        }
        Some(Event::Exited { id, run, exit, leftover })
    }

    /// Where runs say how they are, for the monitor that follows in this process: what is said meanwhile waits there.
    pub fn give_notices_away(&mut self) -> Vec<Heirloom> {
        self.notices.drain().map(|(_, notices)| Arc::new(notices.socket) as Heirloom).collect()
    }

    fn drop_notices(&mut self, reactor: &Reactor, which: impl Fn(&Notices, &RunId) -> bool) {
        let keys = &mut self.keys;
        self.notices.retain(|run, notices| {
            let over = which(notices, run);
            if over {
                reactor.unwatch(&notices.socket);
                keys.remove(&notices.key);
                if let Err(error) = notices.socket.remove() {
                    tracing::warn!(process = %notices.id, %error, "cannot remove its notify socket");
                }
            }
            !over
        });
    }

    // ---- a run that goes on as another process ----------------------------------------------------

    /// Keeps the process that was found until the engine has decided; what it is told is the pid.
    pub fn found_main(&mut self, run: &RunId, result: Result<Process, NoMain>) -> Result<u32, NoMain> {
        result.map(|process| {
            let pid = process.identity().pid;
            self.found.insert(run.clone(), process);
            pid
        })
    }

    /// The engine has decided.
    pub fn drop_found(&mut self, run: &RunId) {
        self.found.remove(run);
    }

    /// From now on the run's process is the one that was found.
    pub(super) fn adopt(&mut self, id: ProcessId, run: &RunId, reactor: &Reactor) {
        let Some(process) = self.found.remove(run) else { return };
        let main = process.identity();
        if let Err(error) = record::adopt(&self.layout.run_record(&id), run, main) {
            tracing::error!(process = %id, %error, "should the monitor die, the process as which it goes on is not found again");
        }
        if self.live.get(run).is_some_and(|live| live.process.identity() == main) {
            return;
        }
        let tree = match self.live.remove(run) {
            Some(old) => {
                self.become_launcher(old.key, &old.process, reactor);
                old.tree
            }
            None => match self.remains.remove(run) {
                Some(tree) => tree,
                None => return,
            },
        };
        tracing::info!(process = %id, pid = main.pid, "it goes on as another process, which is supervised from now on");
        self.output_goes_on(run, main);
        if let Err(error) = self.watch(id.clone(), run, Arc::new(process), tree.with_main(main), reactor) {
            tracing::error!(process = %id, %error, "it is killed");
            let (run, exit) = (run.clone(), process_monitor_core::exit::Exit::Unknown);
            let lost = Event::Exited { id, run, exit, leftover: false };
            self.inbox.send(Message::Event(Box::new(lost)));
        }
    }

    /// It is no longer the run's process, but still our child: it is to be reaped.
    fn become_launcher(&mut self, key: usize, process: &Arc<Process>, reactor: &Reactor) {
        self.keys.remove(&key);
        reactor.unwatch(&**process);
        let key = self.new_key();
        match reactor.watch(&**process, key) {
            Ok(()) => drop(self.keys.insert(key, Watched::Launcher(Arc::clone(process)))),
            Err(error) => tracing::warn!(%error, "a launcher will not be reaped before the monitor ends"),
        }
    }

    /// A tree that an earlier monitor left.
    pub fn add_remains(&mut self, run: RunId, tree: Tree) {
        self.remains.insert(run, tree);
    }

    /// A child has ended: if it was an orphan that fell to us, it is reaped.
    pub fn reap_orphans(&self) {
        let launchers = || {
            self.keys.values().filter_map(|watched| match watched {
                Watched::Launcher(process) => Some(process),
                _ => None,
            })
        };
        let known = |identity: &Identity| launchers().any(|process| process.identity() == *identity);
        let managed = |identity: &Identity| {
            self.live.values().any(|live| live.process.identity() == *identity) || known(identity)
        };
        if let Err(error) = self.reaper.reap_orphans(managed) {
            tracing::warn!(%error, "cannot reap orphans of managed programs");
        }
    }

    /// What was left of `run` is gone.
    pub fn cleared(&mut self, run: &RunId, reactor: &Reactor) {
        self.remains.remove(run);
        if !self.live.contains_key(run) {
            self.drop_notices(reactor, |_, of| of == run);
        }
    }

    pub(super) fn signal(&self, run: &RunId, signal: StopSignal, group: bool) {
        let Some(live) = self.live.get(run) else { return };
        let sent = if group { live.tree.signal(&live.process, signal) } else { live.process.signal(signal) };
        match sent {
            // Gone already: its exit is on its way to us.
            Ok(_) => {}
            Err(error) => tracing::error!(process = %live.id, %signal, %error, "cannot send the stop signal"),
        }
    }

    pub(super) fn kill(&self, run: &RunId, whole: bool) {
        let Some(live) = self.live.get(run) else { return };
        tracing::warn!(process = %live.id, "killing it");
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
