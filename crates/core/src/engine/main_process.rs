//! Programs that go on as another process than the one that was started: daemons, whose launcher ends
//! when they are up, and children of a wrapper that tell their pid.
//!
//! When a launcher ends with code 0, leaves others, and its entry says how to learn which of them matters,
//! that one is *sought* for as long as a startup check would have patience. The host vouches for a pid that
//! it tells: it exists, belongs to us, and belongs to the run's tree.

use super::event::{Action, NoMain};
use super::policy::Ending;
use super::process::{Context, Process};
use super::state::{Live, State};
use crate::exit::{Exit, ExitReason};
use crate::id::RunId;
use crate::model::AlivenessCheck;
use crate::time::{Mono, Wall};
use std::time::Duration;

/// From one look for the process that goes on to the next: a daemon writes its pid within moments.
const SEEK_EVERY: Duration = Duration::from_millis(200);

/// A run whose launcher has ended, and whose process is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seek {
    /// Which run.
    pub run: RunId,
    /// When it was started.
    pub started: Wall,
    /// The next look; `None` while one is under way.
    next: Option<Mono>,
    /// When it is given up.
    pub(super) until: Mono,
    /// Why the last look found nothing.
    why: Option<String>,
}

impl Seek {
    pub(super) fn next_deadline(&self) -> Mono {
        self.next.map_or(self.until, |next| next.min(self.until))
    }
}

impl Process {
    /// Whether an exit of a run's first process means that the program goes on as another.
    pub(super) fn goes_on_as_another(&self, exit: Exit, leftover: bool, main_known: bool) -> bool {
        let daemonises = self.entry.check().is_some_and(AlivenessCheck::daemonises);
        daemonises && exit == Exit::Code(0) && leftover && !main_known
    }

    pub(super) fn seek(&mut self, run: RunId, started: Wall, cx: &mut Context<'_>) {
        let patience = self.patience();
        cx.actions.push(self.ask_for_main(&run, None));
        let seek = Seek { run, started, next: None, until: cx.now.mono + patience, why: None };
        self.enter(State::Seeking(seek), cx);
    }

    pub(super) fn seek_due(&mut self, cx: &mut Context<'_>) {
        let State::Seeking(seek) = &mut self.state else { return };
        if seek.until <= cx.now.mono {
            let (run, why) = (seek.run.clone(), seek.why.take());
            return self.not_found(run, why, cx);
        }
        if seek.next.is_some_and(|next| next <= cx.now.mono) {
            seek.next = None;
            let run = seek.run.clone();
            cx.actions.push(self.ask_for_main(&run, None));
        }
    }

    fn not_found(&mut self, run: RunId, why: Option<String>, cx: &mut Context<'_>) {
        let why = why.unwrap_or_else(|| "nothing answered".to_owned());
        let why = format!("its launcher ended, and the process that goes on was not found: {why}");
        self.note_end(&run, Exit::Code(0), ExitReason::StartFailed, cx.now.wall);
        let clearing = self.clear_leftover(&run, true, cx);
        self.follow(run, Ending::NotStarted, cx.now.wall, clearing, why, cx);
    }

    /// The process that goes on was looked for.
    pub(super) fn main_found(&mut self, of: &RunId, result: Result<u32, NoMain>, cx: &mut Context<'_>) {
        let id = self.entry.id.clone();
        match (&mut self.state, result) {
            (State::Seeking(seek), Err(NoMain::Gone)) if seek.run == *of => {
                let (run, uptime) = (seek.run.clone(), cx.now.wall.since(seek.started));
                self.ended(run, Exit::Code(0), uptime, cx.now.wall, false, cx);
            }
            (State::Seeking(seek), Err(NoMain::Unknown(why))) if seek.run == *of => {
                seek.why = Some(why);
                seek.next = Some(cx.now.mono + SEEK_EVERY);
            }
            (State::Seeking(seek), Ok(pid)) if seek.run == *of => {
                let (run, started, since) = (seek.run.clone(), seek.started, cx.now.mono);
                let live = Live { before: cx.now.wall.since(started), ..Live::new(run, pid, since, started) };
                cx.actions.push(Action::Adopt { id, run: of.clone(), pid });
                self.come_up(Live { main_known: true, ..live }, cx);
            }
            (State::Running(live) | State::Warming { live, .. }, Ok(pid)) if live.run == *of => {
                (live.pid, live.main_known) = (pid, true);
                cx.actions.push(Action::Adopt { id, run: of.clone(), pid });
                self.publish(None, false, cx);
            }
            _ => {}
        }
    }
}
