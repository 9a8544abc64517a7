//! Answers to commands, held back until what they answer for is on disk.

use super::inbox::{Answer, CommandError};
use process_monitor_core::engine::{Done, Refusal, Ticket};
use std::collections::HashMap;
use tokio::sync::oneshot;

struct Held {
    until: u64,
    to: oneshot::Sender<Answer>,
    answer: Answer,
}

/// Who waits for an answer, and which answers wait for the disk.
#[derive(Default)]
pub struct Replies {
    waiting: HashMap<Ticket, oneshot::Sender<Answer>>,
    held: Vec<Held>,
    /// The last generation handed to storage, and the last that is on disk.
    given: u64,
    saved: u64,
}

impl Replies {
    /// Somebody waits behind `reply` for the answer to `ticket`.
    pub fn wait(&mut self, ticket: Ticket, reply: oneshot::Sender<Answer>) {
        self.waiting.insert(ticket, reply);
    }

    /// Nobody waits for the answer to `ticket` any more.
    pub fn abandoned(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// A new generation: answers given from now on wait until it is saved.
    pub fn next_generation(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    /// Answers `ticket`, at once if nothing is unsaved.
    pub fn answer(&mut self, ticket: Ticket, result: Result<Done, Refusal>) {
        let Some(to) = self.waiting.remove(&ticket) else { return };
        let answer = result.map_err(CommandError::from);
        if answer.is_err() || self.saved >= self.given {
            deliver(to, answer);
        } else {
            self.held.push(Held { until: self.given, to, answer });
        }
    }

    /// Whether all who wait, wait for the disk alone.
    pub fn wait_for_disk(&self) -> bool {
        self.waiting.is_empty() && !self.held.is_empty()
    }

    /// Everything up to `generation` is on disk, or could not be written.
    pub fn saved(&mut self, generation: u64, result: &Result<(), String>) {
        if result.is_ok() {
            self.saved = self.saved.max(generation);
        }
        let (due, held) =
            std::mem::take(&mut self.held).into_iter().partition(|held: &Held| held.until <= generation);
        self.held = held;
        for Held { to, answer, .. } in due {
            deliver(to, result.clone().map_err(CommandError::NotSaved).and(answer));
        }
    }

    /// Everything is on disk.
    pub fn all_saved(&mut self) {
        self.saved(self.given, &Ok(()));
    }

    /// Whoever still waits is told that another image of the monitor carries it on.
    pub fn followed(&mut self) {
        self.waiting.drain().for_each(|(_, to)| deliver(to, Err(CommandError::Followed)));
    }
}

fn deliver(to: oneshot::Sender<Answer>, answer: Answer) {
    // The client may have hung up; what it asked for is done all the same.
    let _gone = to.send(answer);
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::model::ProcessState;

    #[test]
    fn all_wait_for_the_disk_when_nobody_waits_for_a_decision() {
        let mut replies = Replies::default();
        let waits = || oneshot::channel().0;
        let (first, second) = (Ticket(1), Ticket(2));
        replies.wait(first, waits());
        replies.wait(second, waits());
        let generation = replies.next_generation();
        replies.answer(first, Ok(Done::state(ProcessState::Stopped)));
        assert!(!replies.wait_for_disk(), "the second may have something that goes with it");
        replies.answer(second, Ok(Done::state(ProcessState::Stopped)));
        assert!(replies.wait_for_disk());
        replies.saved(generation, &Ok(()));
        assert!(!replies.wait_for_disk(), "nobody waits any more");
    }
}
