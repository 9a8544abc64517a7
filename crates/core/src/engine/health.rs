//! Whether a live run is ready, and stays well: the schedule of its checks, what they and the program
//! itself say, and what follows.
//!
//! A run whose entry has a startup check is *warming* until that passes. A running one is checked once
//! per interval, at moments that chance spreads over it, so that a thousand processes are not asked in one
//! burst. A check that has no answer yet when the next is due is not overtaken by it.

use super::event::{Action, News};
use super::process::{Context, Process};
use super::state::{KILL_AGAIN, Live, State, StopPhase, Then};
use crate::id::RunId;
use crate::model::{AlivenessCheck, FailAction, Readiness};
use crate::notice::Notice;
use crate::time::{Mono, Now, Wall};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The checks of one live run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// When the next one is due, or for a run that says by itself when it is ready, the end of patience.
    /// `None`: nothing is asked.
    pub(super) next: Option<Mono>,
    /// How many were begun.
    number: u64,
    /// Whether the last one has no answer yet.
    under_way: bool,
    /// When the program must have given a sign of life.
    pub(super) watchdog: Option<Mono>,
    /// Whether it is known which process of the run goes on, or was asked for.
    main_sought: bool,
}

impl Checks {
    fn first_at(due: Mono) -> Self {
        Self { next: Some(due), ..Self::default() }
    }

    /// The periodic checks of a run that is up.
    fn periodic(check: &AlivenessCheck, number: u64, main_sought: bool, now: Now) -> Self {
        let interval = Duration::from_millis(check.interval_ms);
        let phase = f64::from(now.dice) / f64::from(u32::MAX);
        let asks = check.asks() || (check.status_url.is_some() && !main_sought);
        let watchdog = check.watchdog_ms.map(|ms| now.mono + Duration::from_millis(ms));
        let next = asks.then(|| now.mono + interval.mul_f64(phase));
        Self { next, number, under_way: false, watchdog, main_sought }
    }

    pub(super) fn next_deadline(&self) -> Option<Mono> {
        self.next.into_iter().chain(self.watchdog).min()
    }

    /// Whether this is the answer that is waited for.
    fn answered(&mut self, number: u64) -> bool {
        let awaited = self.under_way && self.number == number;
        self.under_way &= !awaited;
        awaited
    }
}

/// What was found out about a process's health, over all its runs; for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Health {
    /// What the last check of the present run said; `None` before there was one.
    pub healthy: Option<bool>,
    /// Checks that passed.
    pub passed: u64,
    /// Checks that failed.
    pub failed: u64,
    /// Checks of the present run that failed since one passed.
    pub in_a_row: u32,
    /// When one last passed.
    pub last_success: Option<Wall>,
    /// When one last failed, and target and reason.
    pub last_failure: Option<(Wall, String)>,
    /// What the program says of itself (`STATUS=`, sd_notify(3)).
    pub text: Option<String>,
}

impl Process {
    /// A run is up: it is ready, or a startup check decides when.
    pub(super) fn come_up(&mut self, live: Live, cx: &mut Context<'_>) {
        self.health.new_run();
        if !live.main_known && self.entry.check().is_some_and(|check| check.pid_file.is_some()) {
            return self.warm_up(live, Readiness::Fork, self.patience(), cx);
        }
        let Some((by, startup)) = self.entry.check().and_then(AlivenessCheck::readiness) else {
            return self.begin_to_run(live, cx);
        };
        let wait = match by {
            Readiness::Check => Duration::from_millis(startup.initial_delay_ms),
            Readiness::Notify | Readiness::Line | Readiness::Fork => startup.patience(),
        };
        if let (Readiness::Line, Some(pattern)) = (by, &startup.log_pattern) {
            let (id, pattern) = (self.entry.id.clone(), pattern.clone());
            cx.actions.push(Action::AwaitLine { id, run: live.run.clone(), pattern });
        }
        self.warm_up(live, by, wait, cx);
    }

    fn warm_up(&mut self, mut live: Live, by: Readiness, wait: Duration, cx: &mut Context<'_>) {
        live.checks = Checks { main_sought: live.checks.main_sought, ..Checks::first_at(cx.now.mono + wait) };
        self.enter(State::Warming { live, by, failures: 0 }, cx);
    }

    /// How long a start may take: what its startup check says, or would by default.
    pub(super) fn patience(&self) -> Duration {
        let startup = self.entry.check().and_then(|check| check.startup_check.clone());
        startup.filter(|startup| startup.enabled).unwrap_or_default().patience()
    }

    /// A run is ready, or was when an earlier monitor saw it last.
    pub(super) fn begin_to_run(&mut self, mut live: Live, cx: &mut Context<'_>) {
        self.message = None;
        if live.uptime(cx.now.mono) >= self.reset_after() {
            self.attempts = 0;
        }
        self.arm(&mut live, cx.now);
        self.enter(State::Running(live), cx);
    }

    /// Begins the periodic checks, as the entry has them now.
    fn arm(&self, live: &mut Live, now: Now) {
        let Checks { number, main_sought, .. } = live.checks;
        live.checks = match self.entry.check() {
            Some(check) => Checks::periodic(check, number, main_sought, now),
            None => Checks { number, main_sought, ..Checks::default() },
        };
    }

    /// The entry's check has changed under a live run.
    pub(super) fn check_anew(&mut self, cx: &Context<'_>) {
        if let State::Running(live) = &self.state {
            let mut live = live.clone();
            self.arm(&mut live, cx.now);
            self.state = State::Running(live);
        }
    }

    /// The startup check has passed.
    fn ready(&mut self, cx: &mut Context<'_>) {
        let State::Warming { live, .. } = &self.state else { return };
        let mut live = live.clone();
        self.find_main(&mut live, cx);
        self.begin_to_run(live, cx);
    }

    /// Asks once which process of the run goes on, if the entry says whom to ask.
    fn find_main(&self, live: &mut Live, cx: &mut Context<'_>) {
        let asks = self.entry.check().is_some_and(|check| check.status_url.is_some());
        if asks && !live.checks.main_sought {
            live.checks.main_sought = true;
            cx.actions.push(self.ask_for_main(&live.run, None));
        }
    }

    pub(super) fn ask_for_main(&self, run: &RunId, hint: Option<u32>) -> Action {
        let (id, entry) = (self.entry.id.clone(), Arc::clone(&self.entry));
        Action::FindMain { id, run: run.clone(), entry, hint }
    }

    /// What is due of a live run's checks, is begun; what was due of the program, has not come.
    pub(super) fn checks_due(&mut self, cx: &mut Context<'_>) {
        let now = cx.now.mono;
        let by = match &self.state {
            State::Warming { by, .. } => Some(*by),
            _ => None,
        };
        let Some(live) = self.state.live() else { return };
        if live.checks.watchdog.is_some_and(|due| due <= now) {
            let millis = self.entry.check().and_then(|check| check.watchdog_ms).unwrap_or_default();
            return self.unwell(format!("no WATCHDOG=1 for {millis} ms"), u32::MAX, cx);
        }
        if live.checks.next.is_none_or(|due| due > now) {
            return;
        }
        match by {
            Some(by @ (Readiness::Notify | Readiness::Line)) => self.out_of_patience(by, cx),
            // It stays what it is: then it is no daemon, and up.
            Some(Readiness::Fork) => self.ready(cx),
            _ => self.check(cx),
        }
    }

    fn check(&mut self, cx: &mut Context<'_>) {
        let (id, entry, now) = (self.entry.id.clone(), Arc::clone(&self.entry), cx.now.mono);
        let warming = matches!(self.state, State::Warming { .. });
        let Some(check) = entry.check().filter(|check| check.asks() || check.status_url.is_some()) else {
            // The entry has changed meanwhile: nothing is left to ask.
            return if warming { self.ready(cx) } else { self.check_anew(cx) };
        };
        let interval = match &check.startup_check {
            Some(startup) if warming => startup.check_interval_ms,
            _ => check.interval_ms,
        };
        let Some(live) = self.state.live_mut() else { return };
        // In step with the first one, as long as we are not late by a whole interval.
        let next = live.checks.next.unwrap_or(now) + Duration::from_millis(interval);
        live.checks.next = Some(if next > now { next } else { now + Duration::from_millis(interval) });
        if !check.asks() {
            live.checks.next = None;
            let mut asked = live.clone();
            self.find_main(&mut asked, cx);
            self.state = State::Running(asked);
        } else if !live.checks.under_way {
            live.checks.under_way = true;
            live.checks.number += 1;
            let (run, number) = (live.run.clone(), live.checks.number);
            cx.actions.push(Action::Check { id, run, number, entry });
        }
    }

    /// A check has its answer.
    pub(super) fn checked(
        &mut self,
        of: &RunId,
        number: u64,
        result: Result<(), String>,
        cx: &mut Context<'_>,
    ) {
        let Some(live) = self.state.live_mut().filter(|live| live.run == *of) else { return };
        if !live.checks.answered(number) {
            return;
        }
        match result {
            Ok(()) => self.passed(cx),
            Err(why) => {
                let target = self.entry.check().and_then(AlivenessCheck::target).unwrap_or_default();
                let limit = self.entry.check().map_or(1, |check| check.consecutive_failures_required);
                match &mut self.state {
                    State::Warming { failures, .. } => {
                        *failures = failures.saturating_add(1);
                        let failures = *failures;
                        self.not_ready_yet(format!("{target}: {why}"), failures, cx);
                    }
                    _ => self.unwell(format!("{target}: {why}"), limit, cx),
                }
            }
        }
    }

    fn passed(&mut self, cx: &mut Context<'_>) {
        let failures = self.health.pass(cx.now.wall);
        let id = self.entry.id.clone();
        if matches!(self.state, State::Warming { .. }) {
            cx.actions.push(Action::Checked { id, news: News::Passed });
            return self.ready(cx);
        }
        if failures > 0 {
            self.message = None;
            self.publish(None, false, cx);
        }
        cx.actions.push(Action::Checked { id, news: News::after(failures) });
        if let State::Running(live) = &self.state {
            let mut live = live.clone();
            self.find_main(&mut live, cx);
            self.state = State::Running(live);
        }
    }

    /// A check of a warming run failed.
    fn not_ready_yet(&mut self, why: String, failures: u32, cx: &mut Context<'_>) {
        let Some((_, startup)) = self.entry.check().and_then(AlivenessCheck::readiness) else {
            // It was taken off the entry meanwhile.
            return self.ready(cx);
        };
        let limit = startup.max_attempts;
        self.note_failure(&why, limit, cx);
        if failures >= limit {
            self.fail_to_start(
                format!("it did not become ready: {failures} checks failed, the last: {why}"),
                cx,
            );
        } else {
            self.message = Some(format!("not ready yet, check {failures} of {limit}: {why}"));
            self.publish(None, false, cx);
        }
    }

    fn out_of_patience(&mut self, by: Readiness, cx: &mut Context<'_>) {
        let Some((_, startup)) = self.entry.check().and_then(AlivenessCheck::readiness) else {
            return self.ready(cx);
        };
        let seconds = startup.patience().as_secs_f64();
        let missing = match (by, &startup.log_pattern) {
            (Readiness::Line, Some(pattern)) => format!("it printed no line that matches {pattern:?}"),
            _ => "it did not say READY=1".to_owned(),
        };
        self.fail_to_start(format!("it did not become ready: {missing} within {seconds} s"), cx);
    }

    /// The startup check has failed for good.
    fn fail_to_start(&mut self, why: String, cx: &mut Context<'_>) {
        let action = self.entry.check().and_then(AlivenessCheck::readiness).map(|(_, s)| s.fail_action);
        let then = match action {
            Some(FailAction::Disable) => {
                Arc::make_mut(&mut self.entry).enabled = false;
                self.publish(None, true, cx);
                Then::Disable
            }
            Some(FailAction::Fail) => Then::Fail,
            Some(FailAction::Restart) | None => return self.kill_unwell(why, cx),
        };
        self.stop(then, cx);
        if let State::Stopping { cause, .. } = &mut self.state {
            *cause = Some(why.clone());
        }
        self.message = Some(why);
        self.publish(None, false, cx);
    }

    /// A sign of trouble of a running process; the `limit`th in a row is its end.
    fn unwell(&mut self, why: String, limit: u32, cx: &mut Context<'_>) {
        let silent = limit == u32::MAX;
        self.note_failure(&why, if silent { 1 } else { limit }, cx);
        let failures = self.health.in_a_row;
        if silent || failures >= limit {
            let times = if failures == 1 { String::new() } else { format!(" ({failures} times in a row)") };
            return self.kill_unwell(format!("unhealthy: {why}{times}"), cx);
        }
        self.message = Some(format!("check {failures} of {limit} failed: {why}"));
        self.publish(None, false, cx);
    }

    fn note_failure(&mut self, why: &str, limit: u32, cx: &mut Context<'_>) {
        self.health.fail(why.to_owned(), cx.now.wall);
        let (id, in_a_row) = (self.entry.id.clone(), self.health.in_a_row);
        let news = News::Failed { why: why.to_owned(), in_a_row, limit };
        cx.actions.push(Action::Checked { id, news });
    }

    /// Kills it with its tree; its policy says what follows.
    fn kill_unwell(&mut self, why: String, cx: &mut Context<'_>) {
        let Some(live) = self.state.live() else { return };
        if live.uptime(cx.now.mono) >= self.reset_after() {
            self.attempts = 0;
        }
        let (run, pid) = (live.run.clone(), Some(live.pid));
        let (id, tree) = (self.entry.id.clone(), self.entry.stop().kill_tree);
        cx.actions.push(Action::Kill { id, run: run.clone(), tree });
        self.message = Some(why.clone());
        let (phase, kill_at) = (StopPhase::Killing, cx.now.mono + KILL_AGAIN);
        self.enter(State::Stopping { run, pid, phase, kill_at, then: Then::Follow, cause: Some(why) }, cx);
    }

    /// The program says something of itself, or has printed the line that was waited for.
    pub(super) fn noticed(&mut self, of: &RunId, notice: Notice, cx: &mut Context<'_>) {
        let watchdog = self.entry.check().and_then(|check| check.watchdog_ms);
        let by = match &self.state {
            State::Warming { by, .. } => Some(*by),
            _ => None,
        };
        let Some(live) = self.state.live_mut().filter(|live| live.run == *of) else { return };
        match notice {
            Notice::Ready if by == Some(Readiness::Notify) => self.ready(cx),
            Notice::Line if by == Some(Readiness::Line) => self.ready(cx),
            Notice::Ready | Notice::Line => {}
            Notice::Alive => {
                if live.checks.watchdog.is_some() {
                    live.checks.watchdog = watchdog.map(|ms| cx.now.mono + Duration::from_millis(ms));
                }
            }
            Notice::Distress => self.unwell("it says so (WATCHDOG=trigger)".to_owned(), u32::MAX, cx),
            Notice::Stopping => {
                // It is on its way down by itself: that it answers no more is as it should be.
                live.checks.next = None;
                live.checks.watchdog = None;
                self.message = Some("it says that it is stopping".to_owned());
                self.publish(None, false, cx);
            }
            Notice::Status(text) => {
                self.health.text = Some(text);
                let id = self.entry.id.clone();
                cx.actions.push(Action::Checked { id, news: News::Passed });
            }
            Notice::MainPid(pid) if pid != live.pid => {
                let run = live.run.clone();
                cx.actions.push(self.ask_for_main(&run, Some(pid)));
            }
            Notice::MainPid(_) => {}
        }
    }
}

impl Health {
    fn new_run(&mut self) {
        (self.healthy, self.in_a_row, self.text) = (None, 0, None);
    }

    /// Says how many had failed before.
    fn pass(&mut self, at: Wall) -> u32 {
        self.healthy = Some(true);
        self.passed = self.passed.saturating_add(1);
        self.last_success = Some(at);
        std::mem::take(&mut self.in_a_row)
    }

    fn fail(&mut self, why: String, at: Wall) {
        self.healthy = Some(false);
        self.failed = self.failed.saturating_add(1);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.last_failure = Some((at, why));
    }
}
