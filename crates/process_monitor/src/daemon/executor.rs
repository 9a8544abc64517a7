//! Carries actions out. What is quick is done here and now; what may take long goes to a pool and
//! comes back as a message.

use super::board::Board;
use super::handle::Facts;
use super::inbox::{Inbox, Message};
use super::jobs::{Pool, SpawnDone, SpawnedRun, StartError};
use super::logger::LoggerKeeper;
use super::marker;
use super::replies::Replies;
use super::starter::Starter;
use super::storage::StorageLink;
use super::tree::Tree;
use process_monitor_core::engine::{Action, Engine, Event};
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{ProcessState, StopSignal};
use process_monitor_host::clock;
use process_monitor_host::layout::Layout;
use process_monitor_host::output::link::{LoggerEvent, LoggerLink};
use process_monitor_host::output::protocol::{Attach, Limits};
use process_monitor_host::output::run::OutputHold;
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::process::{BootId, Identity, Process, record};
use process_monitor_host::reactor::Reactor;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// How supervision ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything is down.
    ShutDown,
    /// The processes go on, under the monitor that follows.
    Restart,
}

/// A run that is up.
struct LiveRun {
    id: ProcessId,
    process: Arc<Process>,
    tree: Tree,
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

/// A run's output, as long as the logger is not through with it.
struct Output {
    /// Keeps what was written from being lost while no logger has it open.
    _hold: OutputHold,
    /// What the logger is to know.
    attach: Attach,
}

/// What the executor works with.
pub struct Executor {
    layout: Layout,
    boot: BootId,
    facts: Arc<Facts>,
    inbox: Inbox,
    board: Board,
    storage: StorageLink,
    keeper: LoggerKeeper,
    logger: Option<LoggerLink>,
    starter: Starter,
    killers: Pool,
    reaper: Arc<Reaper>,
    /// Who waits for answers.
    pub replies: Replies,
    live: HashMap<RunId, LiveRun>,
    keys: HashMap<usize, RunId>,
    next_key: usize,
    outputs: HashMap<RunId, Output>,
    /// Ended runs whose tree is not known to be gone.
    remains: HashMap<RunId, Tree>,
    /// At rest since this generation: its run record is of no more use once that is saved.
    resting: Vec<(u64, ProcessId)>,
    restart: Option<oneshot::Sender<()>>,
    restarting: bool,
    /// Until all is taken up, the board is left alone: filling it one by one costs the square.
    taking_up: bool,
    /// Whether the marker of supervision is set.
    marked: bool,
    /// Whether a shutdown has begun.
    leaving: bool,
    finished: bool,
}

/// What an [`Executor`] is made of.
pub struct Parts {
    /// Where it works.
    pub layout: Layout,
    /// Which boot this is.
    pub boot: BootId,
    /// What the API shows of the monitor.
    pub facts: Arc<Facts>,
    /// The supervising thread's inbox.
    pub inbox: Inbox,
    /// What readers see.
    pub board: Board,
    /// Keeps the registry.
    pub storage: StorageLink,
    /// Keeps a logger there.
    pub keeper: LoggerKeeper,
    /// Starts programs.
    pub starter: Starter,
    /// Threads that kill trees.
    pub killers: Pool,
    /// To whom orphans fall.
    pub reaper: Arc<Reaper>,
}

impl Executor {
    /// An executor without runs.
    pub fn new(parts: Parts) -> Self {
        let Parts { layout, boot, facts, inbox, board, storage, keeper, starter, killers, reaper } = parts;
        Self {
            layout,
            boot,
            facts,
            inbox,
            board,
            storage,
            keeper,
            logger: None,
            starter,
            killers,
            reaper,
            replies: Replies::default(),
            live: HashMap::new(),
            keys: HashMap::new(),
            next_key: 0,
            outputs: HashMap::new(),
            remains: HashMap::new(),
            resting: Vec::new(),
            restart: None,
            restarting: false,
            taking_up: true,
            marked: false,
            leaving: false,
            finished: false,
        }
    }

    /// Carries out `actions` in their order.
    pub fn carry_out(&mut self, actions: Vec<Action>, engine: &Engine) {
        // Of several changes of one process at once, readers need only the last.
        let mut changed: Vec<(ProcessId, bool)> = Vec::new();
        let mut replies = Vec::new();
        for action in actions {
            match action {
                Action::Record { run, attempts, .. } => self.starter.record(run, attempts),
                Action::Spawn { run, entry } => self.starter.spawn(run, entry),
                Action::Signal { run, signal, group, .. } => self.signal(&run, signal, group),
                Action::Kill { run, tree, .. } => self.kill(&run, tree),
                Action::Clear { id, run } => self.clear(id, run),
                Action::Publish { id, transition, durable } => {
                    log_transition(&id, transition, engine);
                    let rests = transition.is_some_and(|(_, to)| rests(to));
                    match changed.iter_mut().find(|(known, _)| *known == id) {
                        Some((_, urgent)) => *urgent |= durable || rests,
                        None => changed.push((id, durable || rests)),
                    }
                }
                Action::Forget(id) => self.forget(id),
                Action::Reply(ticket, result) => replies.push((ticket, result)),
                Action::Finished => self.finished = true,
            }
        }
        for (id, urgent) in changed {
            self.publish(&id, urgent, engine);
        }
        for (ticket, result) in replies {
            self.replies.answer(ticket, result);
        }
    }

    fn publish(&mut self, id: &ProcessId, urgent: bool, engine: &Engine) {
        let Some(view) = engine.view(id) else { return };
        let generation = urgent.then(|| self.replies.next_generation());
        if let Some(generation) = generation
            && rests(view.entry.state)
        {
            self.resting.push((generation, id.clone()));
        }
        // Not the view's entry: the file says what is wanted where the two differ (a restart under way).
        if let Some(entry) = engine.entry(id) {
            self.storage.put(Arc::new(entry), generation);
        }
        if !self.taking_up {
            self.board.put(view);
        }
    }

    /// Everything that was there is taken up: readers may see it.
    pub fn taken_up(&mut self, engine: &Engine) {
        self.taking_up = false;
        self.board.fill(engine.ids().filter_map(|id| engine.view(id)));
    }

    fn forget(&mut self, id: ProcessId) {
        tracing::info!(process = %id, "removed");
        self.board.remove(&id);
        let generation = self.replies.next_generation();
        self.resting.push((generation, id.clone()));
        self.storage.forget(id, generation);
    }

    /// Storage has told how far it is.
    pub fn saved(&mut self, generation: u64, result: &Result<(), String>, engine: &Engine) {
        self.replies.saved(generation, result);
        if result.is_ok() {
            self.mark();
        }
        self.drop_records(self.replies.last_saved(), engine);
    }

    /// What is wanted up is on disk: from here on a successor may go on from it.
    fn mark(&mut self) {
        if self.marked || self.leaving {
            return;
        }
        match marker::set(&self.layout, &self.boot) {
            Ok(()) => self.marked = true,
            Err(error) => {
                tracing::warn!(%error, "cannot note that supervision has begun; after a crash autostart decides")
            }
        }
    }

    /// A shutdown begins. Should it be cut off, the next monitor begins anew: what is being stopped now
    /// was not stopped by anybody who wants it down.
    pub fn begin_shutdown(&mut self) {
        self.leaving = true;
        if let Err(error) = marker::clear(&self.layout) {
            tracing::error!(%error, "cannot note that this is a wanted end; the next start goes on as after a crash");
        }
    }

    /// Removes the records of runs whose outcome is on disk since `saved`.
    fn drop_records(&mut self, saved: u64, engine: &Engine) {
        let (done, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.resting).into_iter().partition(|(since, _)| *since <= saved);
        self.resting = waiting;
        for (_, id) in done {
            if engine.view(&id).is_none_or(|view| rests(view.entry.state))
                && let Err(error) = record::remove(&self.layout.run_record(&id))
            {
                tracing::warn!(process = %id, %error, "cannot remove a run record that is of no more use");
            }
        }
    }

    // ---- runs -----------------------------------------------------------------------------------

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
        if let Some(logger) = &self.logger
            && let Err(error) = logger.exited(&run)
        {
            tracing::debug!(%error, "the logger is on its way out");
        }
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

    fn signal(&self, run: &RunId, signal: StopSignal, group: bool) {
        let Some(live) = self.live.get(run) else { return };
        let sent = if group { live.process.signal_group(signal) } else { live.process.signal(signal) };
        match sent {
            // Gone already: its exit is on its way to us.
            Ok(_) => {}
            Err(error) => tracing::error!(process = %live.id, %signal, %error, "cannot send the stop signal"),
        }
    }

    fn kill(&self, run: &RunId, whole: bool) {
        let Some(live) = self.live.get(run) else { return };
        tracing::warn!(process = %live.id, "did not end in time, killing it");
        self.signal(run, StopSignal::Kill, whole);
        if whole {
            let (tree, reaper) = (live.tree.clone(), Arc::clone(&self.reaper));
            self.killers.run(move || tree.kill(&reaper));
        }
    }

    fn clear(&self, id: ProcessId, run: RunId) {
        let inbox = self.inbox.clone();
        let (tree, reaper) = (self.remains.get(&run).cloned(), Arc::clone(&self.reaper));
        self.killers.run(move || {
            tree.iter().for_each(|tree| tree.kill(&reaper));
            inbox.send(Message::Cleared(id, run));
        });
    }

    // ---- logger ---------------------------------------------------------------------------------

    /// A logger is there: it is given every run whose output it may not have read to the end.
    pub fn logger_up(&mut self, link: LoggerLink) {
        self.facts.logger_pid.store(link.logger_pid(), Ordering::Relaxed);
        tracing::info!(pid = link.logger_pid(), runs = self.outputs.len(), "the logger is there");
        self.outputs.values().for_each(|output| attach_to(&link, &output.attach));
        self.logger = Some(link);
    }

    /// The logger has something to say.
    pub fn logger_says(&mut self, event: LoggerEvent) {
        match event {
            LoggerEvent::Closed { run } => drop(self.outputs.remove(&run)),
            LoggerEvent::Gone => {
                tracing::warn!("the logger is gone; another is started, output waits meanwhile");
                self.logger = None;
                self.facts.logger_pid.store(0, Ordering::Relaxed);
                self.keeper.lost();
            }
            LoggerEvent::Attached { .. } | LoggerEvent::Exited(_) | LoggerEvent::Pong => {}
        }
    }

    // ---- the end --------------------------------------------------------------------------------

    /// Begins to hand over to a fresh monitor; spawns under way are waited for.
    pub fn begin_restart(&mut self, reply: oneshot::Sender<()>) {
        self.restarting = true;
        self.restart = Some(reply);
    }

    /// Whether supervision is over, and how.
    pub fn ending(&mut self) -> Option<Ending> {
        if self.finished {
            return Some(Ending::ShutDown);
        }
        if self.restarting && self.starter.idle() {
            if let Some(reply) = self.restart.take() {
                let _gone = reply.send(());
            }
            return Some(Ending::Restart);
        }
        None
    }

    /// Writes what is not written yet.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn flush(&mut self, engine: &Engine) -> Result<(), String> {
        self.storage.flush()?;
        self.mark();
        self.drop_records(u64::MAX, engine);
        Ok(())
    }

    /// Tells the logger that no more output will come.
    pub fn dismiss_logger(&mut self) {
        if let Some(logger) = self.logger.take()
            && let Err(error) = logger.quit(false)
        {
            tracing::debug!(%error, "the logger leaves by itself");
        }
    }
}

/// A link that is broken says so by [`LoggerEvent::Gone`], and the next logger is given every run.
fn attach_to(logger: &LoggerLink, attach: &Attach) {
    if let Err(error) = logger.attach(attach.clone()) {
        tracing::debug!(run = %attach.run, %error, "the run waits for the next logger");
    }
}

fn rests(state: ProcessState) -> bool {
    matches!(state, ProcessState::Stopped | ProcessState::Failed | ProcessState::Disabled)
}

fn log_transition(id: &ProcessId, transition: Option<(ProcessState, ProcessState)>, engine: &Engine) {
    let Some((from, to)) = transition else { return };
    let (message, pid) = engine.brief(id);
    match to {
        ProcessState::Failed => tracing::error!(process = %id, message, "{from} → {to}"),
        ProcessState::Crashed | ProcessState::Retrying => {
            tracing::warn!(process = %id, message, "{from} → {to}")
        }
        ProcessState::Running => tracing::info!(process = %id, pid, "{from} → {to}"),
        _ => tracing::info!(process = %id, "{from} → {to}"),
    }
}
