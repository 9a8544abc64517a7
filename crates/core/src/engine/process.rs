//! One process: how each event moves it from state to state.

use super::RunIds;
use super::event::{Action, Command, Refusal, Ticket};
use super::policy::{self, Ending, Verdict};
use super::state::{Clearing, KILL_AGAIN, Live, Pause, State, StopPhase, Then};
use crate::exit::{Exit, ExitReason, LastExit};
use crate::id::RunId;
use crate::model::{ProcessEntry, ProcessState, StopSignal};
use crate::time::{Mono, Now, Wall};
use std::sync::Arc;
use std::time::Duration;

/// What a step may use.
pub(super) struct Context<'a> {
    pub now: Now,
    pub actions: &'a mut Vec<Action>,
    pub replies: &'a mut Vec<Action>,
    pub runs: &'a mut RunIds,
    pub shutting_down: bool,
}

/// What clients are shown of a process.
#[derive(Debug, Clone)]
pub struct View {
    /// Its configuration with its runtime fields.
    pub entry: ProcessEntry,
    /// When its live run was started.
    pub up_since: Option<Wall>,
    /// When its next start is due.
    pub due: Option<Wall>,
    /// What a person should know, in words.
    pub message: Option<String>,
    /// Its live run.
    pub run: Option<RunId>,
}

#[derive(Debug)]
enum Waiter {
    Up(Ticket),
    Down(Ticket),
}

#[derive(Debug)]
pub(super) struct Process {
    entry: Arc<ProcessEntry>,
    pub(super) state: State,
    pub(super) attempts: u32,
    pub(super) last_started: Option<Wall>,
    last_stopped: Option<Wall>,
    pub(super) last_exit: Option<LastExit>,
    message: Option<String>,
    waiters: Vec<Waiter>,
    pub(super) removed: bool,
    /// Kept by the engine: the deadline it has noted, and whether it counts this process as active.
    pub(super) deadline: Option<Mono>,
    pub(super) counted_active: bool,
}

impl Process {
    /// As registered: at rest.
    pub fn found(entry: Arc<ProcessEntry>) -> Self {
        Self {
            state: if entry.enabled { State::Stopped } else { State::Disabled },
            attempts: entry.restart_attempts,
            last_started: entry.last_started_at,
            last_stopped: entry.last_stopped_at,
            last_exit: entry.last_exit.clone(),
            message: None,
            waiters: Vec::new(),
            removed: false,
            deadline: None,
            counted_active: false,
            entry,
        }
    }

    /// For the file. A stop that a start follows is written as `starting`, because the file says what
    /// is wanted to the monitor that takes over should this one die in between.
    pub fn entry(&self) -> ProcessEntry {
        let mut entry = ProcessEntry::clone(&self.entry);
        entry.state = match self.state {
            State::Stopping { then: Then::Start, .. } => ProcessState::Starting,
            _ => self.state.public(),
        };
        entry.pid = self.state.pid();
        entry.restart_attempts = self.attempts;
        entry.last_started_at = self.last_started;
        entry.last_stopped_at = self.last_stopped;
        entry.last_exit.clone_from(&self.last_exit);
        entry
    }

    pub fn brief(&self) -> (Option<&str>, Option<u32>) {
        (self.message.as_deref(), self.state.pid())
    }

    pub fn view(&self) -> View {
        let (up_since, due) = match &self.state {
            State::Running(live) => (Some(live.started), None),
            State::Crashed(pause) | State::Retrying(pause) => (None, Some(pause.due_wall)),
            _ => (None, None),
        };
        let run = match &self.state {
            State::Running(Live { run, .. }) | State::Stopping { run, .. } => Some(run.clone()),
            _ => None,
        };
        let entry = ProcessEntry { state: self.state.public(), ..self.entry() };
        View { entry, up_since, due, message: self.message.clone(), run }
    }

    /// When [`Process::due`] is to be called.
    pub fn next_deadline(&self) -> Option<Mono> {
        match &self.state {
            State::Stopping { kill_at, .. } => Some(*kill_at),
            State::Crashed(pause) | State::Retrying(pause) => Some(pause.next_deadline()),
            State::Running(live) if self.attempts > 0 => {
                Some(live.since + self.reset_after().saturating_sub(live.before))
            }
            _ => None,
        }
    }

    fn reset_after(&self) -> Duration {
        Duration::from_millis(self.entry.restart_policy.as_ref().map_or_else(
            || crate::model::RestartPolicy::default().reset_after_ms,
            |policy| policy.reset_after_ms,
        ))
    }

    // ---- commands -------------------------------------------------------------------------------

    pub fn command(&mut self, ticket: Option<Ticket>, command: Command, cx: &mut Context<'_>) {
        let changed = match command {
            Command::Start { wait, .. } => self.start(ticket, wait, cx),
            Command::Restart { wait, .. } => self.restart(ticket, wait, cx),
            Command::Stop(_) => {
                self.stop(Then::Rest, cx);
                self.answer_when_down(ticket, cx);
                true
            }
            Command::Disable(_) => {
                Arc::make_mut(&mut self.entry).enabled = false;
                self.stop(Then::Disable, cx);
                self.answer_when_down(ticket, cx);
                true
            }
            Command::Remove(_) => {
                self.waiters.extend(ticket.map(Waiter::Down));
                self.stop(Then::Remove, cx);
                !self.removed
            }
            Command::Enable(_) => {
                self.enable(cx);
                self.answer(ticket, cx);
                true
            }
            Command::Autostart(_, on) => {
                Arc::make_mut(&mut self.entry).autostart = on;
                self.answer(ticket, cx);
                true
            }
            Command::Configure(entry) => {
                self.configure(entry, cx);
                self.answer(ticket, cx);
                true
            }
            Command::Add(_) => {
                self.answer(ticket, cx);
                true
            }
        };
        if changed {
            self.publish(None, true, cx);
        }
    }

    /// Says whether anything changed.
    fn start(&mut self, ticket: Option<Ticket>, wait: bool, cx: &mut Context<'_>) -> bool {
        if let Some(refusal) = self.start_refused() {
            cx.replies.extend(ticket.map(|ticket| Action::Reply(ticket, Err(refusal))));
            return false;
        }
        let up = matches!(self.state, State::Starting { .. } | State::Running(_));
        let changed = !up || self.attempts > 0;
        self.attempts = 0;
        match &mut self.state {
            State::Stopped | State::Failed | State::Disabled => self.begin(cx),
            State::Crashed(pause) | State::Retrying(pause) => {
                pause.due = cx.now.mono;
                pause.due_wall = cx.now.wall;
                self.begin_if_due(cx);
            }
            State::Stopping { then, .. } => *then = Then::Start,
            State::Starting { .. } | State::Running(_) => {}
        }
        self.answer_start(ticket, wait, cx);
        changed
    }

    fn restart(&mut self, ticket: Option<Ticket>, wait: bool, cx: &mut Context<'_>) -> bool {
        if matches!(self.state, State::Running(_) | State::Starting { .. }) && self.start_refused().is_none()
        {
            self.attempts = 0;
            self.stop(Then::Start, cx);
            self.answer_start(ticket, wait, cx);
            return true;
        }
        self.start(ticket, wait, cx)
    }

    fn start_refused(&self) -> Option<Refusal> {
        let id = self.entry.id.clone();
        match self.state {
            State::Stopping { then: Then::Remove, .. } => Some(Refusal::BeingRemoved { id }),
            _ if !self.entry.enabled => Some(Refusal::Disabled { id }),
            _ => None,
        }
    }

    fn enable(&mut self, cx: &mut Context<'_>) {
        Arc::make_mut(&mut self.entry).enabled = true;
        match &mut self.state {
            State::Disabled => self.enter(State::Stopped, cx),
            State::Stopping { then: then @ Then::Disable, .. } => *then = Then::Rest,
            _ => {}
        }
    }

    fn configure(&mut self, entry: Arc<ProcessEntry>, cx: &mut Context<'_>) {
        let enabled = entry.enabled;
        self.entry = entry;
        if enabled {
            self.enable(cx);
        } else {
            self.stop(Then::Disable, cx);
        }
    }

    /// Takes it down by the shortest way that is safe in its state; `then` is what follows.
    pub(super) fn stop(&mut self, then: Then, cx: &mut Context<'_>) {
        self.message = None;
        match &mut self.state {
            State::Stopping { then: Then::Remove, .. } => {}
            State::Stopping { then: old, .. } => *old = then,
            State::Stopped | State::Failed | State::Disabled => self.finish(then, cx),
            State::Crashed(pause) | State::Retrying(pause) => match pause.clearing.take() {
                Some(Clearing { run, .. }) => {
                    self.enter_stopping(run, None, StopPhase::Clearing, KILL_AGAIN, then, cx);
                }
                None => self.finish(then, cx),
            },
            State::Starting { run } => {
                let run = run.clone();
                let patience = Duration::from_millis(self.entry.stop().timeout_ms);
                self.enter_stopping(run, None, StopPhase::Spawning, patience, then, cx);
            }
            State::Running(live) => {
                let (run, pid) = (live.run.clone(), live.pid);
                self.ask(run, pid, then, cx);
            }
        }
    }

    /// Sends the stop signal, and sets the deadline of the kill.
    fn ask(&mut self, run: RunId, pid: u32, then: Then, cx: &mut Context<'_>) {
        let stop = self.entry.stop();
        let id = self.entry.id.clone();
        let (action, phase, patience) = if stop.signal == StopSignal::Kill {
            (Action::Kill { id, run: run.clone(), tree: stop.kill_tree }, StopPhase::Killing, KILL_AGAIN)
        } else {
            let signal = Action::Signal { id, run: run.clone(), signal: stop.signal, group: stop.kill_tree };
            (signal, StopPhase::Asked, Duration::from_millis(stop.timeout_ms))
        };
        cx.actions.push(action);
        self.enter_stopping(run, Some(pid), phase, patience, then, cx);
    }

    fn enter_stopping(
        &mut self,
        run: RunId,
        pid: Option<u32>,
        phase: StopPhase,
        patience: Duration,
        then: Then,
        cx: &mut Context<'_>,
    ) {
        let kill_at = cx.now.mono + patience;
        self.enter(State::Stopping { run, pid, phase, kill_at, then }, cx);
    }

    pub fn shut_down(&mut self, cx: &mut Context<'_>) {
        match &mut self.state {
            State::Stopping { then: then @ Then::Start, .. } => *then = Then::Rest,
            State::Stopping { .. } | State::Stopped | State::Failed | State::Disabled => {}
            _ => self.stop(Then::Rest, cx),
        }
    }

    // ---- what happened --------------------------------------------------------------------------

    pub fn spawned(&mut self, of: &RunId, result: Result<u32, String>, cx: &mut Context<'_>) {
        match (&self.state, result) {
            (State::Starting { run }, Ok(pid)) if run == of => {
                let (mono, wall) = (cx.now.mono, cx.now.wall);
                let live = Live { run: of.clone(), pid, since: mono, before: Duration::ZERO, started: wall };
                self.last_started = Some(wall);
                self.message = None;
                self.enter(State::Running(live), cx);
            }
            (State::Starting { run }, Err(why)) if run == of => {
                self.note_end(Exit::Unknown, ExitReason::StartFailed, cx.now.wall);
                self.follow(of.clone(), Ending::NotStarted, cx.now.wall, false, why, cx);
            }
            (State::Stopping { run, phase: StopPhase::Spawning, then, .. }, result) if run == of => {
                let then = *then;
                match result {
                    Ok(pid) => {
                        self.last_started = Some(cx.now.wall);
                        self.ask(of.clone(), pid, then, cx);
                    }
                    Err(why) => {
                        self.message = Some(why);
                        self.finish(then, cx);
                    }
                }
            }
            _ => {}
        }
    }

    pub fn exited(&mut self, of: &RunId, exit: Exit, leftover: bool, cx: &mut Context<'_>) {
        if self.state.run() != Some(of) {
            return;
        }
        match &self.state {
            State::Running(live) => {
                let uptime = live.uptime(cx.now.mono);
                self.ended(of.clone(), exit, uptime, cx.now.wall, leftover, cx);
            }
            State::Stopping { phase, then, .. } if *phase != StopPhase::Clearing => {
                let then = *then;
                self.note_end(exit, ExitReason::Stopped, cx.now.wall);
                self.message = None;
                let leftover = self.clear_leftover(of, leftover, cx);
                self.end_up(of.clone(), leftover, then, cx);
            }
            _ => {}
        }
    }

    /// A run that nobody asked to stop ended at `at`, after `uptime`.
    pub(super) fn ended(
        &mut self,
        run: RunId,
        exit: Exit,
        uptime: Duration,
        at: Wall,
        leftover: bool,
        cx: &mut Context<'_>,
    ) {
        if uptime >= self.reset_after() {
            self.attempts = 0;
        }
        let reason = match exit {
            Exit::Code(_) => ExitReason::Exited,
            Exit::Signal(_) => ExitReason::Signaled,
            Exit::Unknown => ExitReason::Unknown,
        };
        self.note_end(exit, reason, at);
        let leftover = self.clear_leftover(&run, leftover, cx);
        self.follow(run, Ending::Exited(exit), at, leftover, format!("ended with {exit}"), cx);
    }

    /// Kills what is left of the tree of a run that ended, unless it is to be spared. Says whether
    /// that is under way now.
    pub(super) fn clear_leftover(&self, run: &RunId, leftover: bool, cx: &mut Context<'_>) -> bool {
        let clearing = leftover && self.entry.stop().kill_tree;
        if clearing {
            self.clear(run.clone(), cx);
        }
        clearing
    }

    pub fn cleared(&mut self, of: &RunId, cx: &mut Context<'_>) {
        match &mut self.state {
            State::Crashed(pause) | State::Retrying(pause) if pause.clearing_run() == Some(of) => {
                pause.clearing = None;
                self.begin_if_due(cx);
            }
            State::Stopping { run, phase: StopPhase::Clearing, then, .. } if run == of => {
                let then = *then;
                self.finish(then, cx);
            }
            _ => {}
        }
    }

    pub fn due(&mut self, cx: &mut Context<'_>) {
        let tree = self.entry.stop().kill_tree;
        let reset_after = self.reset_after();
        let id = self.entry.id.clone();
        match &mut self.state {
            State::Running(live) if live.uptime(cx.now.mono) >= reset_after => {
                self.attempts = 0;
                self.publish(None, false, cx);
            }
            State::Stopping { run, phase, kill_at, .. } if *kill_at <= cx.now.mono => {
                *kill_at = cx.now.mono + KILL_AGAIN;
                let run = run.clone();
                cx.actions.push(match phase {
                    StopPhase::Clearing => Action::Clear { id, run },
                    StopPhase::Spawning => Action::Kill { id, run, tree },
                    StopPhase::Asked | StopPhase::Killing => {
                        *phase = StopPhase::Killing;
                        Action::Kill { id, run, tree }
                    }
                });
            }
            State::Crashed(pause) | State::Retrying(pause) => match &mut pause.clearing {
                Some(Clearing { run, again }) if *again <= cx.now.mono => {
                    *again = cx.now.mono + KILL_AGAIN;
                    cx.actions.push(Action::Clear { id, run: run.clone() });
                }
                _ => self.begin_if_due(cx),
            },
            _ => {}
        }
    }

    // ---- between runs ---------------------------------------------------------------------------

    /// Lets the policy say what follows the end, at `at`, of a run or of an attempt at one. `clearing`
    /// says that what is left of its tree is being killed.
    fn follow(
        &mut self,
        run: RunId,
        ending: Ending,
        at: Wall,
        clearing: bool,
        why: String,
        cx: &mut Context<'_>,
    ) {
        let policy = self.entry.restart_policy();
        let verdict = policy::after(&policy, ending, self.attempts, cx.now.dice);
        let cleared_run = clearing.then(|| run.clone());
        let pause = |wait| Pause::from(at, wait, cleared_run, cx.now);
        match verdict {
            Verdict::Restart(wait) => {
                self.attempts = self.attempts.saturating_add(1);
                self.message = Some(format!("{why}; restart {} of {}", self.attempts, policy.max_attempts));
                let pause = pause(wait);
                self.enter(State::Crashed(pause), cx);
                self.begin_if_due(cx);
            }
            Verdict::RetryLater(wait) => {
                self.message =
                    Some(format!("{why}; {} restarts are used up, it is tried again later", self.attempts));
                let pause = pause(wait);
                self.enter(State::Retrying(pause), cx);
                self.begin_if_due(cx);
            }
            Verdict::Done => {
                self.message = None;
                self.end_up(run, clearing, Then::Rest, cx);
            }
            Verdict::Fail => {
                self.message = Some(match self.attempts {
                    0 => format!("{why}; its policy does not restart it"),
                    n => format!("{why}; given up after {n} restarts"),
                });
                self.end_up(run, clearing, Then::Fail, cx);
            }
        }
    }

    pub(super) fn end_up(&mut self, run: RunId, clearing: bool, then: Then, cx: &mut Context<'_>) {
        if clearing {
            self.enter_stopping(run, None, StopPhase::Clearing, KILL_AGAIN, then, cx);
        } else {
            self.finish(then, cx);
        }
    }

    pub(super) fn clear(&self, run: RunId, cx: &mut Context<'_>) {
        cx.actions.push(Action::Clear { id: self.entry.id.clone(), run });
    }

    fn begin_if_due(&mut self, cx: &mut Context<'_>) {
        if let State::Crashed(pause) | State::Retrying(pause) = &self.state
            && pause.clearing.is_none()
            && pause.due <= cx.now.mono
        {
            self.begin(cx);
        }
    }

    /// Starts a run: first the record, then the spawn.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>) {
        if !self.entry.enabled || cx.shutting_down {
            return;
        }
        let run = cx.runs.next();
        let id = self.entry.id.clone();
        cx.actions.push(Action::Record { id, run: run.clone(), attempts: self.attempts });
        cx.actions.push(Action::Spawn { run: run.clone(), entry: Arc::clone(&self.entry) });
        self.enter(State::Starting { run }, cx);
    }

    /// It is down and its tree is gone: what was to follow, follows.
    fn finish(&mut self, then: Then, cx: &mut Context<'_>) {
        match then {
            Then::Rest => self.rest(State::Stopped, cx),
            Then::Disable => self.rest(State::Disabled, cx),
            Then::Fail => self.rest(State::Failed, cx),
            Then::Start if self.entry.enabled && !cx.shutting_down => self.begin(cx),
            Then::Start => self.rest(State::Stopped, cx),
            Then::Remove => {
                self.removed = true;
                self.message = Some("it was removed".to_owned());
                cx.actions.push(Action::Forget(self.entry.id.clone()));
                self.answer_waiters(ProcessState::Stopped, cx);
            }
        }
    }

    /// A disabled process rests disabled, whatever was to follow.
    fn rest(&mut self, state: State, cx: &mut Context<'_>) {
        let state = if self.entry.enabled { state } else { State::Disabled };
        if self.state != state {
            self.enter(state, cx);
        }
    }

    pub(super) fn note_end(&mut self, exit: Exit, reason: ExitReason, at: Wall) {
        self.last_stopped = Some(at);
        self.last_exit = Some(LastExit::new(exit, at, reason));
    }

    // ---- telling --------------------------------------------------------------------------------

    pub(super) fn enter(&mut self, state: State, cx: &mut Context<'_>) {
        let (from, to) = (self.state.public(), state.public());
        self.state = state;
        self.publish((from != to).then_some((from, to)), false, cx);
        self.answer_waiters(to, cx);
    }

    pub(super) fn publish(
        &self,
        transition: Option<(ProcessState, ProcessState)>,
        durable: bool,
        cx: &mut Context<'_>,
    ) {
        cx.actions.push(Action::Publish { id: self.entry.id.clone(), transition, durable });
    }

    fn answer(&self, ticket: Option<Ticket>, cx: &mut Context<'_>) {
        cx.replies.extend(ticket.map(|ticket| Action::Reply(ticket, Ok(self.state.public()))));
    }

    fn answer_start(&mut self, ticket: Option<Ticket>, wait: bool, cx: &mut Context<'_>) {
        let settled = matches!(self.state, State::Running(_));
        match ticket {
            Some(ticket) if wait && !settled => self.waiters.push(Waiter::Up(ticket)),
            ticket => self.answer(ticket, cx),
        }
    }

    fn answer_when_down(&mut self, ticket: Option<Ticket>, cx: &mut Context<'_>) {
        if self.state.at_rest() {
            self.answer(ticket, cx);
        } else {
            self.waiters.extend(ticket.map(Waiter::Down));
        }
    }

    /// Answers those for whom entering `state`, or being removed, decides the matter.
    fn answer_waiters(&mut self, state: ProcessState, cx: &mut Context<'_>) {
        use ProcessState::{Running, Starting, Stopping};
        let removed = self.removed;
        let ended = removed || !matches!(state, Starting | Running | Stopping);
        let waiters = std::mem::take(&mut self.waiters);
        for waiter in waiters {
            match waiter {
                Waiter::Up(ticket) if state == Running => cx.replies.push(Action::Reply(ticket, Ok(state))),
                Waiter::Up(ticket) if ended => {
                    let why = self.message.clone().unwrap_or_else(|| format!("it is {state} now"));
                    let refusal = Refusal::NotStarted { id: self.entry.id.clone(), why };
                    cx.replies.push(Action::Reply(ticket, Err(refusal)));
                }
                Waiter::Down(ticket) if ended || state == Starting => {
                    cx.replies.push(Action::Reply(ticket, Ok(state)));
                }
                waiter => self.waiters.push(waiter),
            }
        }
    }
}
