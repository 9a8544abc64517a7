//! Carries actions out. What is quick is done here and now; what may take long goes to a pool and
//! comes back as a message.

use super::board::Board;
use super::checks::Checker;
use super::events::EventHub;
use super::failed_starts::FailedStarts;
use super::handle::Facts;
use super::inbox::Inbox;
use super::jobs::Pool;
use super::lines::{Awaited, LineWatcher};
use super::logger::LoggerKeeper;
use super::marker;
use super::outputs::Output;
use super::permits::Permits;
use super::replies::Replies;
use super::runs::{LiveRun, Notices, Watched};
use super::starter::Starter;
use super::storage::StorageLink;
use super::telling::{event, log_news};
use super::tree::Tree;
use indexmap::IndexMap;
use process_monitor_client::api::EventKind;
use process_monitor_core::engine::{Action, Done, Engine, Refusal, Ticket};
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::ProcessState;
use process_monitor_core::partner::Farewell;
use process_monitor_host::layout::Layout;
use process_monitor_host::output::link::LoggerLink;
use process_monitor_host::pair::{Owner, farewell};
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::process::{BootId, Process, record};
use process_monitor_host::reactor::Reactor;
use regex_lite::Regex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// How supervision ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything is down.
    ShutDown,
    /// The processes go on, under the monitor that follows.
    Restart,
}

/// What the executor works with.
pub struct Executor {
    pub(super) layout: Layout,
    boot: BootId,
    pub(super) facts: Arc<Facts>,
    pub(super) inbox: Inbox,
    board: Board,
    storage: StorageLink,
    pub(super) keeper: LoggerKeeper,
    pub(super) logger: Option<LoggerLink>,
    pub(super) starter: Starter,
    pub(super) killers: Pool,
    pub(super) reaper: Arc<Reaper>,
    /// Who waits for answers.
    pub replies: Replies,
    pub(super) live: HashMap<RunId, LiveRun>,
    pub(super) keys: HashMap<usize, Watched>,
    pub(super) next_key: usize,
    pub(super) outputs: HashMap<RunId, Output>,
    pub(super) failed_starts: FailedStarts,
    /// Ended runs whose tree is not known to be gone.
    pub(super) remains: HashMap<RunId, Tree>,
    /// Where runs say what they have to say of themselves.
    pub(super) notices: HashMap<RunId, Notices>,
    /// Processes as which runs go on, until the engine has decided to adopt them.
    pub(super) found: HashMap<RunId, Process>,
    pub(super) checker: Checker,
    pub(super) events: EventHub,
    pub(super) lines: LineWatcher,
    /// At rest since this generation: its run record is of no more use once that is saved.
    resting: Vec<Resting>,
    /// Exits that are recorded, and of which the logger is told at the end of this pass.
    pub(super) recorded: Vec<RunId>,
    /// Whether a child has ended that may be an orphan.
    pub(super) orphan_ended: bool,
    /// Since when another monitor is to follow.
    pub(super) restarting: Option<Instant>,
    /// While it takes up what the monitor before in this process had: nothing is news but what has changed.
    pub(super) resuming: bool,
    /// Until all is taken up, the board is left alone: filling it one by one costs the square.
    taking_up: bool,
    /// Whether the marker of supervision is set.
    marked: bool,
    /// Whether a shutdown has begun.
    leaving: bool,
    /// Since when everything is down.
    pub(super) finished: Option<Instant>,
}

/// A process at rest, or removed.
struct Resting {
    id: ProcessId,
    /// Since this generation.
    since: u64,
    /// Another may have its id by now.
    removed: bool,
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
    /// What listeners hear.
    pub events: EventHub,
    /// Keeps the registry.
    pub storage: StorageLink,
    /// Keeps a logger there.
    pub keeper: LoggerKeeper,
    /// Starts programs.
    pub starter: Starter,
    /// Says which programs may be run.
    pub permits: Permits,
    /// Threads that kill trees.
    pub killers: Pool,
    /// To whom orphans fall.
    pub reaper: Arc<Reaper>,
}

impl Executor {
    /// An executor without runs.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            layout,
            boot,
            facts,
            inbox,
            board,
            events,
            storage,
            keeper,
            starter,
            permits,
            killers,
            reaper,
        } = parts;
        Self {
            checker: Checker::new(inbox.clone(), Arc::clone(&reaper), permits),
            lines: LineWatcher::new(layout.clone(), inbox.clone()),
            notices: HashMap::new(),
            found: HashMap::new(),
            events,
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
            failed_starts: FailedStarts::default(),
            remains: HashMap::new(),
            resting: Vec::new(),
            recorded: Vec::new(),
            orphan_ended: false,
            restarting: None,
            resuming: false,
            taking_up: true,
            marked: false,
            leaving: false,
            finished: None,
        }
    }

    /// Carries out `actions` in their order.
    pub fn carry_out(&mut self, actions: Vec<Action>, engine: &Engine, reactor: &Reactor) {
        // Of several changes of one process at once, readers need only the last.
        let mut changed: IndexMap<ProcessId, bool> = IndexMap::new();
        let (mut transitions, mut forgotten, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        for action in actions {
            match action {
                Action::Record { run, attempts, .. } => self.starter.record(run, attempts),
                Action::Spawn { run, entry } => self.starter.spawn(run, entry),
                Action::Signal { run, signal, group, .. } => self.signal(&run, signal, group),
                Action::Kill { run, tree, .. } => self.kill(&run, tree),
                Action::Clear { id, run } => self.clear(id, run),
                Action::Check { id, run, number, entry } => self.checker.check(id, run, number, &entry),
                Action::FindMain { id, run, entry, hint } => self.find_main(id, run, &entry, hint),
                Action::Adopt { id, run, .. } => self.adopt(id, &run, reactor),
                Action::AwaitLine { id, run, pattern } => self.await_line(id, run, &pattern, engine),
                Action::Checked { id, news } => {
                    log_news(&id, &news);
                    self.tell_news(&id, news);
                    self.show(&id, engine);
                }
                Action::Publish { id, transition, durable } => {
                    self.log_transition(&id, transition, engine);
                    let rests = transition.is_some_and(|(_, to)| rests(to));
                    transitions.extend(transition.map(|(from, to)| (id.clone(), from, to)));
                    *changed.entry(id).or_default() |= durable || rests;
                }
                Action::Forget(id) => forgotten.push(id),
                Action::Reply(ticket, result) => replies.push((ticket, result)),
                Action::Finished => self.finished = Some(Instant::now()),
            }
        }
        for (id, urgent) in changed {
            self.publish(&id, urgent, engine);
        }
        // Whoever hears of it and looks shall see it.
        for (id, from, to) in transitions {
            self.tell_transition(&id, from, to, engine);
        }
        forgotten.into_iter().for_each(|id| self.forget(id));
        self.answer(replies);
    }

    /// All that woke the supervising thread is dealt with: what is cheaper for many at once than for each.
    pub fn end_pass(&mut self) {
        if std::mem::take(&mut self.orphan_ended) {
            self.reap_orphans();
        }
        self.tell_recorded();
    }

    fn answer(&mut self, replies: Vec<(Ticket, Result<Done, Refusal>)>) {
        let some = !replies.is_empty();
        for (ticket, result) in replies {
            self.replies.answer(ticket, result);
        }
        if some && self.replies.wait_for_disk() {
            self.storage.hurry();
        }
    }

    fn publish(&mut self, id: &ProcessId, urgent: bool, engine: &Engine) {
        let Some(view) = engine.view(id) else { return };
        let generation = urgent.then(|| self.replies.next_generation());
        if let Some(generation) = generation
            && rests(view.entry.state)
        {
            self.resting.push(Resting { id: id.clone(), since: generation, removed: false });
        }
        // Not the view's entry: the file says what is wanted where the two differ (a restart under way).
        if let Some(entry) = engine.to_save(&view) {
            self.storage.put(entry, generation);
        }
        if !self.taking_up {
            if self.board.get(id).is_none() {
                self.events.add(event(EventKind::Registered, id));
            }
            self.board.put(view);
        }
    }

    /// Shows readers what files do not have.
    fn show(&self, id: &ProcessId, engine: &Engine) {
        if let (false, Some(view)) = (self.taking_up, engine.view(id)) {
            self.board.put(view);
        }
    }

    fn await_line(&mut self, id: ProcessId, run: RunId, pattern: &str, engine: &Engine) {
        let folder = self.outputs.get(&run).and_then(|output| output.attach.folder.file_name());
        let folder = folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stamped = engine.entry(&id).is_some_and(|entry| entry.logs().timestamps);
        let process = id.clone();
        let begun = Regex::new(pattern)
            .map_err(|error| error.to_string())
            .and_then(|pattern| self.lines.wait_for(Awaited { id, run, folder, pattern, stamped }));
        if let Err(error) = begun {
            tracing::error!(%process, %error, "cannot wait for the line that says it is ready; its start will fail");
        }
    }

    /// Everything that was there is taken up: readers may see it.
    pub fn taken_up(&mut self, engine: &Engine) {
        self.taking_up = false;
        self.board.fill(engine.ids().filter_map(|id| engine.view(id)));
    }

    fn forget(&mut self, id: ProcessId) {
        tracing::info!(process = %id, "removed");
        self.failed_starts.forget(&id);
        self.board.remove(&id);
        self.events.add(event(EventKind::Removed, &id));
        let generation = self.replies.next_generation();
        self.resting.push(Resting { id: id.clone(), since: generation, removed: true });
        self.storage.forget(id, generation);
    }

    /// Storage has told how far it is.
    pub fn saved(&mut self, generation: u64, result: &Result<(), String>, engine: &Engine) {
        if result.is_ok() {
            self.mark();
            // Before the answer: whoever is told that it is gone, and kills us then, must not find it coming back.
            self.drop_records(generation, engine, |resting| resting.removed);
        }
        self.replies.saved(generation, result);
        if result.is_ok() {
            // After it: the registry says what came of these, so nobody has to wait.
            self.drop_records(generation, engine, |_| true);
        }
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
        self.say_farewell();
        if let Err(error) = marker::clear(&self.layout) {
            tracing::error!(%error, "cannot note that this is a wanted end; the next start goes on as after a crash");
        }
    }

    /// Before anything is stopped: from here on the partner must not start us again.
    fn say_farewell(&self) {
        let said = Owner::this_process().map_err(|error| error.to_string()).and_then(|owner| {
            farewell::leave(&self.layout, owner, Farewell::Stop).map_err(|e| e.to_string())
        });
        if let Err(error) = said {
            tracing::error!(%error, "cannot leave word of this wanted end; the partner may start this monitor again");
        }
    }

    /// What it will be asked afterwards: not all of what is true is in the registry.
    pub fn say_unsaved(&self, why: &str) {
        let said = Owner::this_process()
            .map_err(|error| error.to_string())
            .and_then(|owner| farewell::leave_unsaved(&self.layout, owner, why).map_err(|e| e.to_string()));
        if let Err(error) = said {
            tracing::error!(%error, "cannot leave word of that, either");
        }
    }

    /// Removes the records of runs whose outcome is on disk since `saved`, of those that `which` names.
    fn drop_records(&mut self, saved: u64, engine: &Engine, which: impl Fn(&Resting) -> bool) {
        let stock = self.starter.stock();
        for Resting { id, .. } in self.resting.extract_if(.., |one| one.since <= saved && which(one)) {
            if engine.state(&id).is_none_or(rests)
                && let Err(error) = record::remove(&self.layout.run_record(&id), stock)
            {
                tracing::warn!(process = %id, %error, "cannot remove a run record that is of no more use");
            }
        }
    }

    // ---- the end --------------------------------------------------------------------------------

    /// Begins to hand over to a fresh monitor; spawns under way are waited for, and a logger that is away for a while.
    pub fn begin_restart(&mut self) {
        self.restarting = Some(Instant::now());
    }

    /// Whether supervision is over, and how.
    pub fn ending(&mut self) -> Option<Ending> {
        let (ending, since) = self.all_but_outputs()?;
        self.may_leave_outputs(since).then_some(ending)
    }

    /// How supervision ends as soon as the outputs may be left, and since when it is to end.
    pub(super) fn all_but_outputs(&self) -> Option<(Ending, Instant)> {
        let restart = self.restarting.filter(|_| !self.leaving && self.starter.idle());
        // A stop that was asked for meanwhile goes before a restart.
        let stop = self.finished.map(|since| (Ending::ShutDown, since));
        stop.or(restart.map(|since| (Ending::Restart, since)))
    }

    /// Writes what is not written yet.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn flush(&mut self, engine: &Engine) -> Result<(), String> {
        self.storage.flush()?;
        self.mark();
        // Before the answers, as in `saved`.
        self.drop_records(u64::MAX, engine, |_| true);
        self.replies.all_saved();
        Ok(())
    }
}

/// Whether nothing is to follow by itself.
pub(super) fn rests(state: ProcessState) -> bool {
    matches!(state, ProcessState::Stopped | ProcessState::Failed | ProcessState::Disabled)
}
