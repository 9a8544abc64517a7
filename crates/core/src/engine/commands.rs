//! What clients want of one process: how each command moves it.

use super::answer::{Done, Refusal, Ticket, Wait};
use super::event::{Action, Command};
use super::process::{Context, Process};
use super::state::{Clearing, KILL_AGAIN, State, StopPhase, Then};
use crate::id::RunId;
use crate::model::{EntryPatch, ProcessEntry, ProcessState, StopSignal};
use std::sync::Arc;
use std::time::Duration;

impl Process {
    pub(super) fn command(&mut self, ticket: Option<Ticket>, command: Command, cx: &mut Context<'_>) {
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
                self.wait_until_down(ticket);
                self.stop(Then::Remove, cx);
                !self.removed
            }
            Command::Signal { signal, group, .. } => {
                self.signal(ticket, signal, group, cx);
                false
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
            Command::Change { patch, untrusted_peer, .. } => self.change(ticket, &patch, untrusted_peer, cx),
            Command::Add(_) => {
                self.answer(ticket, cx);
                true
            }
        };
        if changed {
            self.publish(None, true, cx);
        }
    }

    fn signal(&self, ticket: Option<Ticket>, signal: StopSignal, group: bool, cx: &mut Context<'_>) {
        let id = self.entry.id.clone();
        match (self.state.run(), self.state.pid()) {
            (Some(run), Some(_)) => {
                cx.actions.push(Action::Signal { id, run: run.clone(), signal, group });
                self.answer(ticket, cx);
            }
            _ => self.refuse(ticket, Refusal::NotUp { id }, cx),
        }
    }

    /// Says whether anything changed.
    pub(super) fn start(&mut self, ticket: Option<Ticket>, wait: Wait, cx: &mut Context<'_>) -> bool {
        if let Some(refusal) = self.start_refused() {
            self.refuse(ticket, refusal, cx);
            return false;
        }
        let up = matches!(self.state.public(), ProcessState::Starting | ProcessState::Running);
        let changed = !up || self.attempts > 0;
        self.count_anew();
        match &mut self.state {
            State::Stopped | State::Failed | State::Disabled => self.begin(cx),
            State::Crashed(pause) | State::Retrying(pause) => match pause.clearing.take() {
                // Not a wait any more: the file is to say that a start follows, whatever the policy.
                Some(Clearing { run, .. }) => {
                    self.enter_stopping(run, None, StopPhase::Clearing, KILL_AGAIN, Then::Start, cx);
                }
                None => self.begin(cx),
            },
            State::Stopping { then, .. } => *then = Then::Start,
            State::Starting { .. } | State::Warming { .. } | State::Seeking(_) | State::Running(_) => {}
        }
        self.answer_start(ticket, wait, cx);
        changed
    }

    pub(super) fn restart(&mut self, ticket: Option<Ticket>, wait: Wait, cx: &mut Context<'_>) -> bool {
        let up = matches!(self.state.public(), ProcessState::Starting | ProcessState::Running);
        if up && self.start_refused().is_none() {
            self.count_anew();
            self.stop(Then::Start, cx);
            self.answer_start(ticket, wait, cx);
            return true;
        }
        self.start(ticket, wait, cx)
    }

    /// Somebody wants it up: what failed before does not count.
    fn count_anew(&mut self) {
        (self.attempts, self.failed_starts) = (0, 0);
    }

    pub(super) fn start_refused(&self) -> Option<Refusal> {
        let id = self.entry.id.clone();
        match self.state {
            State::Stopping { then: Then::Remove, .. } => Some(Refusal::BeingRemoved { id }),
            _ if !self.entry.enabled => Some(Refusal::Disabled { id }),
            _ => None,
        }
    }

    pub(super) fn enable(&mut self, cx: &mut Context<'_>) {
        Arc::make_mut(&mut self.entry).enabled = true;
        match &mut self.state {
            State::Disabled => self.enter(State::Stopped, cx),
            State::Stopping { then: then @ Then::Disable, .. } => *then = Then::Rest,
            _ => {}
        }
    }

    pub(super) fn configure(&mut self, entry: Arc<ProcessEntry>, cx: &mut Context<'_>) {
        let enabled = entry.enabled;
        let other_check = self.entry.aliveness_check != entry.aliveness_check;
        self.entry = entry;
        if other_check {
            self.check_anew(cx);
        }
        if enabled {
            self.enable(cx);
        } else {
            self.stop(Then::Disable, cx);
        }
    }

    /// Says whether anything changed.
    fn change(
        &mut self,
        ticket: Option<Ticket>,
        patch: &EntryPatch,
        by: Option<String>,
        cx: &mut Context<'_>,
    ) -> bool {
        let mut changed = match patch.apply(&self.entry) {
            Ok(changed) => changed,
            Err(problems) => {
                let refusal = Refusal::Invalid { id: self.entry.id.clone(), problems };
                self.refuse(ticket, refusal, cx);
                return false;
            }
        };
        // A trusted peer that changes what a stranger registered vouches for no more than its own change.
        changed.untrusted_peer = by.or(changed.untrusted_peer);
        let differs = changed != *self.entry;
        if differs {
            self.configure(Arc::new(changed), cx);
        }
        let up = matches!(self.state.public(), ProcessState::Starting | ProcessState::Running);
        let restart_for = if up { self.started_with.takes_a_restart(&self.entry) } else { Vec::new() };
        self.reply(ticket, Ok(Done { restart_for, ..Done::state(self.state.public()) }), cx);
        differs
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
            State::Seeking(seek) => {
                let run = seek.run.clone();
                self.clear(run.clone(), cx);
                self.enter_stopping(run, None, StopPhase::Clearing, KILL_AGAIN, then, cx);
            }
            State::Running(live) | State::Warming { live, .. } => {
                let (run, pid) = (live.run.clone(), live.pid);
                self.ask(run, pid, then, cx);
            }
        }
    }

    /// Sends the stop signal, and sets the deadline of the kill.
    pub(super) fn ask(&mut self, run: RunId, pid: u32, then: Then, cx: &mut Context<'_>) {
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

    pub(super) fn enter_stopping(
        &mut self,
        run: RunId,
        pid: Option<u32>,
        phase: StopPhase,
        patience: Duration,
        then: Then,
        cx: &mut Context<'_>,
    ) {
        let kill_at = cx.now.mono + patience;
        self.enter(State::Stopping { run, pid, phase, kill_at, then, cause: None }, cx);
    }

    pub(super) fn shut_down(&mut self, cx: &mut Context<'_>) {
        match &mut self.state {
            State::Stopping { then: then @ (Then::Start | Then::Follow), .. } => *then = Then::Rest,
            State::Stopping { .. } | State::Stopped | State::Failed | State::Disabled => {}
            _ => self.stop(Then::Rest, cx),
        }
    }
}
