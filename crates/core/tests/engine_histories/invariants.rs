//! The named invariants.

use crate::books::{Backoff, Books, Wanted};
use crate::entries::{self, LONGEST_PATIENCE, MOST_ATTEMPTS};
use crate::machine::Life;
use crate::world::{DOWN, World};
use process_monitor_core::engine::{
    Action, Command, Done, Event, Finding, Refusal, Ticket, state::may_follow,
};
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{ProcessEntry, ProcessState, RestartPolicy};
use process_monitor_core::time::Mono;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Whether an invariant held.
pub type Held = Result<(), TestCaseError>;

// ---- invariants of one step ---------------------------------------------------------------------

impl Books {
    /// Every transition is in the table, and begins where the last one ended. At boot the first one
    /// begins anywhere: it leads from what the file said to what was found.
    pub fn published(
        &mut self,
        id: &ProcessId,
        transition: Option<(ProcessState, ProcessState)>,
        booting: bool,
        policy: Option<RestartPolicy>,
        now: Duration,
    ) -> Held {
        let (Some((from, to)), Some(book)) = (transition, self.processes.get_mut(id)) else { return Ok(()) };
        if let Some(shown) = book.shown {
            prop_assert_eq!(from, shown, "only_legal_transitions: {} does not go on from where it was", id);
            prop_assert!(may_follow(from, to), "only_legal_transitions: {id} from {from} to {to}");
        } else {
            let first = booting || may_follow(from, to);
            prop_assert!(first, "only_legal_transitions: {id} begins with {from} to {to}");
        }
        book.shown = Some(to);
        match to {
            ProcessState::Stopping => book.pushed = now,
            ProcessState::Crashed | ProcessState::Retrying if !booting => {
                let retrying = to == ProcessState::Retrying;
                let failed_starts = book.failed_starts;
                book.wait = policy.map(|policy| Backoff { from: now, retrying, policy, failed_starts });
            }
            _ => {}
        }
        Ok(())
    }

    /// What was published last is what is shown.
    pub fn only_legal_transitions(&mut self, shown: &[(ProcessId, Arc<ProcessEntry>)]) -> Held {
        for (id, entry) in shown {
            let Some(book) = self.processes.get_mut(id) else { continue };
            if let Some(published) = book.shown {
                prop_assert_eq!(published, entry.state, "only_legal_transitions: {} moved unpublished", id);
            }
            book.shown = Some(entry.state);
        }
        Ok(())
    }

    pub fn delay_within_policy_bounds(&mut self, id: &ProcessId, attempts: u32, now: Duration) -> Held {
        let Some(book) = self.processes.get_mut(id) else { return Ok(()) };
        let Some(Backoff { from, retrying, policy, failed_starts }) = book.wait.take() else { return Ok(()) };
        prop_assert!(
            retrying || attempts > 0,
            "delay_within_policy_bounds: {id} restarts, and no attempt is counted"
        );
        let (shortest, longest) = if retrying {
            let interval = Duration::from_millis(policy.indefinite_interval_ms);
            (interval, interval)
        } else {
            entries::bounds(&policy, attempts.saturating_sub(1))
        };
        let floor = entries::floor_of_failed_starts(failed_starts);
        let (shortest, longest) = (shortest.max(floor), longest.max(floor));
        let (waited, slack) = (now - from, Duration::from_micros(1));
        prop_assert!(
            waited + slack >= shortest,
            "delay_within_policy_bounds: {id} started {waited:?} after its end, {shortest:?} is the least"
        );
        let latest = (from + longest).max(book.cleared).max(self.late);
        prop_assert!(
            now <= latest + slack,
            "delay_within_policy_bounds: {id} started {waited:?} after its end, {longest:?} is the most"
        );
        Ok(())
    }

    /// The invariants of a start that are about what is wanted and about the tree before it.
    pub fn may_start(&self, entry: &ProcessEntry) -> Held {
        let id = &entry.id;
        let Some(book) = self.processes.get(id) else {
            return Err(TestCaseError::fail(format!("what_is_not_registered_never_starts: {id} is started")));
        };
        prop_assert!(entry.enabled && book.enabled, "disabled_never_starts: {id} is started");
        prop_assert!(book.wanted != Some(Wanted::Down), "wanted_down_never_starts: {id} is started");
        prop_assert_eq!(&book.clearing, &None, "no_start_before_the_old_tree_is_gone: {} is started", id);
        Ok(())
    }

    pub fn answered(&mut self, ticket: Ticket, answer: &Result<Done, Refusal>) -> Held {
        let open = self.open.remove(&ticket).is_some();
        prop_assert!(open, "every_ticket_is_answered_exactly_once: {ticket:?} again: {answer:?}");
        Ok(())
    }
}

pub fn refused_exactly_when_forbidden(
    command: &Command,
    ticket: Option<Ticket>,
    expected: Option<&Refusal>,
    actions: &[Action],
) -> Held {
    let answer = actions.iter().find_map(|action| match action {
        Action::Reply(of, answer) if Some(*of) == ticket => Some(answer),
        _ => None,
    });
    let refused = answer.and_then(|answer| answer.as_ref().err());
    let refused = refused.filter(|refusal| !matches!(refusal, Refusal::NotStarted { .. }));
    let expected_here = expected.filter(|_| ticket.is_some());
    prop_assert_eq!(refused, expected_here, "refused_exactly_when_forbidden: {:?}", command);
    if expected.is_some() {
        let acted = actions.iter().any(|action| !matches!(action, Action::Reply(..)));
        prop_assert!(!acted, "refused_exactly_when_forbidden: {command:?} did {actions:?}");
    }
    Ok(())
}

pub fn replies_come_last(actions: &[Action]) -> Held {
    let rest = actions.iter().skip_while(|action| !matches!(action, Action::Reply(..)));
    let late = rest.clone().find(|action| !matches!(action, Action::Reply(..) | Action::Finished));
    prop_assert!(late.is_none(), "replies_come_last: {late:?} comes after a reply");
    Ok(())
}

pub fn no_start_before_its_record(world: &World, id: &ProcessId, run: &RunId) -> Held {
    let recorded = world.records.get(id).is_some_and(|record| record.run == *run);
    prop_assert!(recorded, "no_start_before_its_record: {id} run {run}");
    Ok(())
}

pub fn at_most_one_live_run_per_process(world: &World, id: &ProcessId) -> Held {
    let others = world.machine.potential_runs(id);
    prop_assert_eq!(others, 0, "at_most_one_live_run_per_process: {} is started beside another run", id);
    Ok(())
}

pub fn every_stop_has_a_kill_deadline(world: &World, shown: &[(ProcessId, Arc<ProcessEntry>)]) -> Held {
    for (id, _) in shown.iter().filter(|(_, entry)| entry.state == ProcessState::Stopping) {
        let pushed = world.books.processes.get(id).map_or(Duration::ZERO, |book| book.pushed);
        let latest = Mono::from_zero(pushed + LONGEST_PATIENCE);
        let due = world.engine.next_deadline();
        prop_assert!(
            due.is_some_and(|due| due <= latest),
            "every_stop_has_a_kill_deadline: {id} has none by {latest:?}, but {due:?}"
        );
    }
    Ok(())
}

pub fn attempts_stay_within_the_policy(shown: &[(ProcessId, Arc<ProcessEntry>)]) -> Held {
    for (id, entry) in shown {
        let ProcessEntry { restart_attempts, .. } = &**entry;
        let within = *restart_attempts <= MOST_ATTEMPTS;
        prop_assert!(within, "attempts_stay_within_the_policy: {id} has {restart_attempts}");
    }
    Ok(())
}

pub fn next_deadline_is_never_in_the_past(world: &World) -> Held {
    let next = world.engine.next_deadline();
    let later = next.is_none_or(|due| due > world.mono());
    prop_assert!(
        later,
        "next_deadline_is_never_in_the_past: {next:?} after all was handled at {:?}",
        world.mono()
    );
    Ok(())
}

pub fn results_of_earlier_runs_change_nothing<T: PartialEq + std::fmt::Debug>(
    event: &Event,
    actions: &[Action],
    before: &T,
    after: &T,
) -> Held {
    prop_assert!(actions.is_empty(), "results_of_earlier_runs_change_nothing: {event:?} led to {actions:?}");
    prop_assert_eq!(before, after, "results_of_earlier_runs_change_nothing: {:?}", event);
    Ok(())
}

// ---- invariants of a boot -----------------------------------------------------------------------

pub fn boot_never_starts_a_process_whose_run_is_alive(finding: &Finding, actions: &[Action]) -> Held {
    let started = actions.iter().any(|action| matches!(action, Action::Spawn { .. }));
    let alive = matches!(finding, Finding::Alive { .. });
    prop_assert!(!(alive && started), "boot_never_starts_a_process_whose_run_is_alive: {finding:?}");
    Ok(())
}

/// And it is stopped only if that was wanted.
pub fn adopted_process_keeps_its_pid(world: &World, id: &ProcessId, finding: &Finding) -> Held {
    let Finding::Alive { pid, .. } = finding else { return Ok(()) };
    let shown = world.engine.entry(id).and_then(|entry| entry.pid);
    prop_assert_eq!(shown, Some(*pid), "adopted_process_keeps_its_pid: {}", id);
    // Starting: its startup check has not passed yet.
    let book = world.books.processes.get(id);
    let expected: &[ProcessState] = match book.and_then(|book| book.wanted) {
        // The restart of it was under way.
        Some(Wanted::Up) if book.is_some_and(|book| book.owed) => &[ProcessState::Stopping],
        Some(Wanted::Up) if book.is_some_and(|book| book.cut_off) => return Ok(()),
        Some(Wanted::Up) => &[ProcessState::Running, ProcessState::Starting],
        Some(Wanted::Down) => &[ProcessState::Stopping],
        None => return Ok(()),
    };
    let state = world.state(id);
    let as_wanted = state.is_some_and(|state| expected.contains(&state));
    prop_assert!(as_wanted, "adopted_process_is_stopped_only_if_wanted: {id} is {state:?}");
    Ok(())
}

// ---- invariants of the end ----------------------------------------------------------------------

pub fn wanted_down_ends_down(world: &World) -> Held {
    for (id, book) in &world.books.processes {
        if book.wanted == Some(Wanted::Down) {
            let down = world.state(id).is_some_and(|state| DOWN.contains(&state));
            prop_assert!(down, "wanted_down_ends_down: {id} is {:?}", world.state(id));
            prop_assert_eq!(world.machine.live_run(id), None, "wanted_down_ends_down: {} runs", id);
        }
    }
    Ok(())
}

/// Also when the monitor died between the stop of a restart and the start.
pub fn an_accepted_start_ends_with_a_new_run(world: &World) -> Held {
    let owed = world.books.processes.iter().find(|(_, book)| book.owed);
    prop_assert!(owed.is_none(), "an_accepted_start_ends_with_a_new_run: {owed:?}");
    Ok(())
}

/// Also when the monitor died while what was left of it was being cleared.
pub fn given_up_stays_given_up(world: &World) -> Held {
    for (id, _) in world.books.processes.iter().filter(|(_, book)| book.given_up && book.enabled) {
        let state = world.state(id);
        prop_assert_eq!(state, Some(ProcessState::Failed), "given_up_stays_given_up: {}", id);
    }
    Ok(())
}

pub fn what_was_removed_is_gone(world: &World) -> Held {
    let left = world.books.processes.iter().find(|(_, book)| book.removing);
    prop_assert!(left.is_none(), "what_was_removed_is_gone: {left:?}");
    Ok(())
}

pub fn wanted_up_ends_up(world: &World, id: &ProcessId) -> Held {
    let enabled = world.books.processes.get(id).is_some_and(|book| book.enabled);
    let up = world.state(id) == Some(ProcessState::Running) && world.machine.live_run(id).is_some();
    prop_assert_eq!(up, enabled, "wanted_up_ends_up: {} is {:?}", id, world.state(id));
    Ok(())
}

pub fn every_ticket_is_answered_exactly_once(world: &World) -> Held {
    // Who waits for a run to end waits for as long as it runs.
    let for_exit = |id: &ProcessId| world.state(id) == Some(ProcessState::Running);
    let open = world.books.open.iter().filter(|(_, id)| !id.as_ref().is_some_and(for_exit));
    let open: Vec<_> = open.collect();
    prop_assert!(open.is_empty(), "every_ticket_is_answered_exactly_once: {open:?} never were");
    Ok(())
}

pub fn finished_once_and_when_all_is_down(world: &mut World) -> Held {
    prop_assert!(!world.books.finished, "shutdown_finishes: twice");
    prop_assert!(world.books.shutting_down, "shutdown_finishes: without a shutdown");
    let alive = world.machine.runs.values().find(|run| matches!(run.life, Life::Alive | Life::Unborn));
    prop_assert!(alive.is_none(), "shutdown_finishes: while {alive:?} runs");
    world.books.finished = true;
    Ok(())
}

pub fn shutdown_finishes(world: &World) -> Held {
    prop_assert!(world.books.finished, "shutdown_finishes: it did not");
    every_ticket_is_answered_exactly_once(world)?;
    wanted_down_ends_down(world)
}
