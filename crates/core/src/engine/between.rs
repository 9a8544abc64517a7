//! Between two runs of one process: what the policy says, and what follows a run that is over.

use super::event::Action;
use super::policy::{self, Ending, Verdict};
use super::process::{Context, Process};
use super::state::{KILL_AGAIN, Pause, State, StopPhase, Then};
use crate::exit::{Exit, ExitReason, LastExit};
use crate::id::RunId;
use crate::model::ProcessState;
use crate::time::Wall;
use std::sync::Arc;

impl Process {
    /// Lets the policy say what follows the end, at `at`, of a run or of an attempt at one. `clearing`
    /// says that what is left of its tree is being killed.
    pub(super) fn follow(
        &mut self,
        run: RunId,
        ending: Ending,
        at: Wall,
        clearing: bool,
        why: String,
        cx: &mut Context<'_>,
    ) {
        let policy = self.entry.restart_policy();
        let verdict = policy::after(&policy, ending, self.attempts, cx.now.dice)
            .after_at_least(policy::least_wait(&self.entry, self.failed_starts));
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
                    1 => format!("{why}; given up after 1 restart; mend that, then start it again"),
                    n => format!("{why}; given up after {n} restarts; mend that, then start it again"),
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

    pub(super) fn begin_if_due(&mut self, cx: &mut Context<'_>) {
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
        self.started_with = Arc::clone(&self.entry);
        self.awaited_run_begins(&run);
        self.enter(State::Starting { run }, cx);
    }

    /// It is down and its tree is gone: what was to follow, follows.
    pub(super) fn finish(&mut self, then: Then, cx: &mut Context<'_>) {
        match then {
            Then::Rest => self.rest(State::Stopped, cx),
            Then::Disable => self.rest(State::Disabled, cx),
            Then::Fail => self.rest(State::Failed, cx),
            Then::Start if self.entry.enabled && !cx.shutting_down => self.begin(cx),
            // The policy is asked before a run's tree is cleared, so nothing is left of it here.
            Then::Start | Then::Follow => self.rest(State::Stopped, cx),
            Then::Remove => {
                self.removed = true;
                self.message = Some("it was removed".to_owned());
                cx.actions.push(Action::Forget(self.entry.id.clone()));
                self.answer_waiters(ProcessState::Stopped, cx);
            }
        }
    }

    /// A disabled process rests disabled, whatever was to follow.
    pub(super) fn rest(&mut self, state: State, cx: &mut Context<'_>) {
        let state = if self.entry.enabled { state } else { State::Disabled };
        if self.state != state {
            self.enter(state, cx);
        }
    }

    pub(super) fn note_end(&mut self, run: &RunId, exit: Exit, reason: ExitReason, at: Wall) {
        self.awaited_run_ends(run);
        self.last_stopped = Some(at);
        self.past_run = Some(run.clone());
        self.last_exit = Some(LastExit::new(exit, at, reason));
    }
}
