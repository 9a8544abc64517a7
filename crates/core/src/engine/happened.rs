//! What happened to one process: spawns that finished, exits, cleared trees, deadlines.

use super::event::Action;
use super::policy::Ending;
use super::process::{Context, Process};
use super::state::{Clearing, KILL_AGAIN, Live, State, StopPhase, Then};
use crate::exit::{Exit, ExitReason};
use crate::id::RunId;
use crate::time::Wall;
use std::time::Duration;

impl Process {
    pub(super) fn spawned(&mut self, of: &RunId, result: Result<u32, String>, cx: &mut Context<'_>) {
        if self.state.run() == Some(of) {
            self.failed_starts = if result.is_ok() { 0 } else { self.failed_starts.saturating_add(1) };
        }
        match (&self.state, result) {
            (State::Starting { run }, Ok(pid)) if run == of => {
                self.last_started = Some(cx.now.wall);
                self.message = None;
                self.come_up(Live::new(of.clone(), pid, cx.now.mono, cx.now.wall), cx);
            }
            (State::Starting { run }, Err(why)) if run == of => {
                self.note_end(of, Exit::Unknown, ExitReason::StartFailed, cx.now.wall);
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

    pub(super) fn exited(&mut self, of: &RunId, exit: Exit, leftover: bool, cx: &mut Context<'_>) {
        if self.state.run() != Some(of) {
            return;
        }
        match &self.state {
            State::Running(live) | State::Warming { live, .. } => {
                if self.goes_on_as_another(exit, leftover, live.main_known) {
                    let started = live.started;
                    return self.seek(of.clone(), started, cx);
                }
                let uptime = live.uptime(cx.now.mono);
                self.ended(of.clone(), exit, uptime, cx.now.wall, leftover, cx);
            }
            State::Stopping { phase, then, cause, .. } if *phase != StopPhase::Clearing => {
                let (then, cause) = (*then, cause.clone());
                self.stopped(of, exit, leftover, then, cause, cx);
            }
            _ => {}
        }
    }

    /// A run that was being taken down has ended.
    fn stopped(
        &mut self,
        run: &RunId,
        exit: Exit,
        leftover: bool,
        then: Then,
        cause: Option<String>,
        cx: &mut Context<'_>,
    ) {
        let reason = match (&cause, then, exit) {
            (None, ..) => ExitReason::Stopped,
            // It ended by itself before it was killed.
            (Some(_), Then::Follow, Exit::Code(_)) => ExitReason::Exited,
            (Some(_), ..) => ExitReason::Unhealthy,
        };
        self.note_end(run, exit, reason, cx.now.wall);
        let leftover = self.clear_leftover(run, leftover, cx);
        match (then, cause) {
            (Then::Follow, cause) => {
                let why = cause.unwrap_or_else(|| format!("ended with {exit}"));
                self.follow(run.clone(), Ending::Exited(exit), cx.now.wall, leftover, why, cx);
            }
            (Then::Fail | Then::Disable, cause @ Some(_)) => {
                self.message = cause;
                self.end_up(run.clone(), leftover, then, cx);
            }
            _ => {
                self.message = None;
                self.end_up(run.clone(), leftover, then, cx);
            }
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
        self.note_end(&run, exit, reason, at);
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

    pub(super) fn cleared(&mut self, of: &RunId, cx: &mut Context<'_>) {
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

    pub(super) fn due(&mut self, cx: &mut Context<'_>) {
        let tree = self.entry.stop().kill_tree;
        let reset_after = self.reset_after();
        let id = self.entry.id.clone();
        match &mut self.state {
            State::Running(live) => {
                if self.attempts > 0 && live.uptime(cx.now.mono) >= reset_after {
                    self.attempts = 0;
                    self.publish(None, false, cx);
                }
                self.checks_due(cx);
            }
            State::Warming { .. } => self.checks_due(cx),
            State::Seeking(_) => self.seek_due(cx),
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
}
