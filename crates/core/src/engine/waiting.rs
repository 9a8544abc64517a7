//! Those who wait for an answer, and what decides the matter for each.

use super::answer::{Done, Refusal, Ticket, Wait};
use super::event::Action;
use super::process::{Context, Process};
use super::state::State;
use crate::exit::ExitReason;
use crate::id::RunId;
use crate::model::ProcessState;

/// Somebody waits for an answer.
#[derive(Debug)]
pub(super) struct Waiter {
    ticket: Ticket,
    until: Until,
}

/// For what.
#[derive(Debug)]
enum Until {
    /// It is up, or is known not to come up.
    Up,
    /// It is down.
    Down,
    /// This run, or the next one while there is none yet, has ended and left nothing. `over`: it has ended.
    End { run: Option<RunId>, over: bool },
}

impl Process {
    pub(super) fn answer(&self, ticket: Option<Ticket>, cx: &mut Context<'_>) {
        self.reply(ticket, Ok(Done::state(self.state.public())), cx);
    }

    pub(super) fn refuse(&self, ticket: Option<Ticket>, refusal: Refusal, cx: &mut Context<'_>) {
        self.reply(ticket, Err(refusal), cx);
    }

    pub(super) fn reply(&self, ticket: Option<Ticket>, answer: Result<Done, Refusal>, cx: &mut Context<'_>) {
        cx.replies.extend(ticket.map(|ticket| Action::Reply(ticket, answer)));
    }

    pub(super) fn answer_start(&mut self, ticket: Option<Ticket>, wait: Wait, cx: &mut Context<'_>) {
        let up = matches!(self.state, State::Running(_));
        match wait {
            Wait::Accepted => self.answer(ticket, cx),
            Wait::Ready if up => self.answer(ticket, cx),
            Wait::Ready => self.wait(ticket, Until::Up),
            Wait::Exit => {
                let run = self.upcoming_run().cloned();
                self.wait(ticket, Until::End { run, over: false });
            }
        }
    }

    pub(super) fn answer_when_down(&mut self, ticket: Option<Ticket>, cx: &mut Context<'_>) {
        if self.state.at_rest() {
            self.reply(ticket, Ok(self.with_exit(self.state.public())), cx);
        } else {
            self.wait_until_down(ticket);
        }
    }

    pub(super) fn wait_until_down(&mut self, ticket: Option<Ticket>) {
        self.wait(ticket, Until::Down);
    }

    fn wait(&mut self, ticket: Option<Ticket>, until: Until) {
        self.waiters.extend(ticket.map(|ticket| Waiter { ticket, until }));
    }

    pub(super) fn abandoned(&mut self, ticket: Ticket) {
        self.waiters.retain(|waiter| waiter.ticket != ticket);
    }

    /// The run that is up or coming up. What is being stopped is not what a start leads to.
    fn upcoming_run(&self) -> Option<&RunId> {
        match &self.state {
            State::Starting { .. } | State::Warming { .. } | State::Seeking(_) | State::Running(_) => {
                self.state.run()
            }
            _ => None,
        }
    }

    /// Those who wait for the end of the next run wait for this one.
    pub(super) fn awaited_run_begins(&mut self, begun: &RunId) {
        for waiter in &mut self.waiters {
            if let Until::End { run: run @ None, .. } = &mut waiter.until {
                *run = Some(begun.clone());
            }
        }
    }

    pub(super) fn awaited_run_ends(&mut self, ended: &RunId) {
        for waiter in &mut self.waiters {
            if let Until::End { run: Some(run), over } = &mut waiter.until
                && run == ended
            {
                *over = true;
            }
        }
    }

    /// Answers those for whom entering `state`, or being removed, decides the matter.
    pub(super) fn answer_waiters(&mut self, state: ProcessState, cx: &mut Context<'_>) {
        let waiters = std::mem::take(&mut self.waiters);
        for waiter in waiters {
            match self.decided(&waiter.until, state) {
                Some(answer) => self.reply(Some(waiter.ticket), answer, cx),
                None => self.waiters.push(waiter),
            }
        }
    }

    fn decided(&self, until: &Until, state: ProcessState) -> Option<Result<Done, Refusal>> {
        use ProcessState::{Crashed, Retrying, Running, Starting, Stopping};
        let ended = self.removed || !matches!(state, Starting | Running | Stopping);
        match until {
            Until::Up if state == Running => Some(Ok(Done::state(state))),
            Until::Up if ended => Some(Err(self.not_started(state))),
            Until::Down if ended || state == Starting => Some(Ok(self.with_exit(state))),
            Until::End { over: true, .. } if ended || state != Stopping => Some(self.end_of_run(state)),
            // It never came to the run that was waited for.
            Until::End { .. } if ended && !matches!(state, Crashed | Retrying) => {
                Some(Err(self.not_started(state)))
            }
            _ => None,
        }
    }

    fn end_of_run(&self, state: ProcessState) -> Result<Done, Refusal> {
        match &self.last_exit {
            Some(exit) if exit.reason == ExitReason::StartFailed => Err(self.not_started(state)),
            _ => Ok(self.with_exit(state)),
        }
    }

    fn with_exit(&self, state: ProcessState) -> Done {
        Done { last_exit: self.last_exit.clone(), ..Done::state(state) }
    }

    fn not_started(&self, state: ProcessState) -> Refusal {
        let why = self.message.clone().unwrap_or_else(|| format!("it is {state} now"));
        Refusal::NotStarted { id: self.entry.id.clone(), why }
    }
}
