//! Telling readers and waiting clients what became of one process.

use super::event::{Action, Refusal, Ticket};
use super::process::{Context, Process, Waiter};
use super::state::State;
use crate::model::ProcessState;

impl Process {
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

    pub(super) fn answer(&self, ticket: Option<Ticket>, cx: &mut Context<'_>) {
        cx.replies.extend(ticket.map(|ticket| Action::Reply(ticket, Ok(self.state.public()))));
    }

    pub(super) fn answer_start(&mut self, ticket: Option<Ticket>, wait: bool, cx: &mut Context<'_>) {
        let settled = matches!(self.state, State::Running(_));
        match ticket {
            Some(ticket) if wait && !settled => self.waiters.push(Waiter::Up(ticket)),
            ticket => self.answer(ticket, cx),
        }
    }

    pub(super) fn answer_when_down(&mut self, ticket: Option<Ticket>, cx: &mut Context<'_>) {
        if self.state.at_rest() {
            self.answer(ticket, cx);
        } else {
            self.waiters.extend(ticket.map(Waiter::Down));
        }
    }

    /// Answers those for whom entering `state`, or being removed, decides the matter.
    pub(super) fn answer_waiters(&mut self, state: ProcessState, cx: &mut Context<'_>) {
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
