//! Telling readers what became of one process.

use super::event::Action;
use super::process::{Context, Process};
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
}
