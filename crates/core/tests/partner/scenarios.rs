//! One policy, told by hand what happens.

use process_monitor_core::exit::Exit;
use process_monitor_core::partner::{
    Action, Answer, CHECK_INTERVAL, Cause, Event, Farewell, GRACE, Last, Life, Partner, Presence,
    RESTART_CODE, Settings, Sighting,
};
use process_monitor_core::time::{Mono, Now, Wall};
use std::time::Duration;

const SETTINGS: Settings = Settings { paired: true, look_at_start: true, start_if_missing: false };

struct Desk {
    partner: Partner,
    now: Duration,
}

fn life(pid: u32) -> Life {
    Life { pid, start_time: u64::from(pid) * 10, since: Wall::default() }
}

fn running(pid: u32) -> Event {
    Event::Seen(Sighting::Running { life: life(pid), proven: true })
}

fn ended(pid: u32, exit: Exit, farewell: Option<Farewell>) -> Event {
    Event::Ended { life: life(pid), exit, farewell }
}

impl Desk {
    fn new() -> Self {
        Self { partner: Partner::new(false), now: Duration::ZERO }
    }

    /// One that watches `pid`, which has answered.
    fn watching(pid: u32) -> Self {
        let mut desk = Self::new();
        desk.tell(Event::Settings(SETTINGS));
        assert_eq!(desk.tell(running(pid)), [Action::Watch(life(pid)), check(pid, 1)]);
        desk.answer(pid, 1, Answer::Well);
        desk
    }

    fn tell(&mut self, event: Event) -> Vec<Action> {
        let now = Now { mono: Mono::from_zero(self.now), wall: Wall::default(), dice: 0 };
        self.partner.handle(event, now)
    }

    fn answer(&mut self, pid: u32, number: u64, answer: Answer) -> Vec<Action> {
        self.tell(Event::Checked { life: life(pid), number, answer })
    }

    /// Lets time go to the next deadline, and says how long that took.
    fn wait(&mut self) -> (Duration, Vec<Action>) {
        let due = self.partner.next_deadline().expect("something is awaited");
        let wait = due.since(Mono::from_zero(self.now));
        self.now += wait;
        (wait, self.tell(Event::Deadline))
    }

    /// It died and is started at once; the start does not succeed.
    fn start_in_vain(&mut self, cause: Cause) {
        assert_eq!(self.tell(Event::Seen(Sighting::Gone(Last::Cut))), [Action::Start(cause)]);
        assert_eq!(self.tell(Event::Started), [Action::Look]);
        assert_eq!(self.tell(Event::Seen(Sighting::Gone(Last::Cut))), []);
    }
}

fn check(pid: u32, number: u64) -> Action {
    Action::Check { life: life(pid), number }
}

#[test]
fn what_follows_an_end() {
    use Farewell::Stop;
    let killed = Exit::Signal(9);
    let table = [
        (killed, None, Some(Cause::Died(killed))),
        (Exit::Code(1), None, Some(Cause::Died(Exit::Code(1)))),
        (Exit::Unknown, None, Some(Cause::Died(Exit::Unknown))),
        (Exit::Code(RESTART_CODE), None, Some(Cause::Asked)),
        (Exit::Code(RESTART_CODE), Some(Stop), None),
        (Exit::Code(0), None, None),
        (Exit::Code(0), Some(Stop), None),
        (Exit::Unknown, Some(Stop), None),
        // Cut off while it stopped: the stop was wanted all the same.
        (killed, Some(Stop), None),
    ];
    for (exit, farewell, expected) in table {
        let mut desk = Desk::watching(1);
        let actions = desk.tell(ended(1, exit, farewell));
        assert_eq!(desk.partner.cause(), expected, "{exit:?} {farewell:?}");
        assert_eq!(actions, [Action::Look], "{exit:?} {farewell:?}");
        let last = if expected.is_some() { Last::Cut } else { Last::Left };
        let then = desk.tell(Event::Seen(Sighting::Gone(last)));
        assert_eq!(then, Vec::from_iter(expected.map(Action::Start)), "{exit:?} {farewell:?}");
        assert_eq!(desk.partner.presence(), Presence::Stopped);
    }
}

#[test]
fn what_is_found_at_the_start() {
    let missing = Settings { start_if_missing: true, ..SETTINGS };
    let table = [
        (SETTINGS, false, Last::None, None),
        (SETTINGS, false, Last::Left, None),
        (SETTINGS, false, Last::Cut, Some(Cause::Died(Exit::Unknown))),
        (missing, false, Last::None, Some(Cause::Missing)),
        (missing, false, Last::Left, Some(Cause::Missing)),
        // We were cut off after it was stopped: that it is down is still wanted.
        (missing, true, Last::Left, None),
        (missing, true, Last::None, Some(Cause::Missing)),
    ];
    for (settings, continuing, last, expected) in table {
        let mut desk = Desk { partner: Partner::new(continuing), now: Duration::ZERO };
        assert_eq!(desk.tell(Event::Settings(settings)), [Action::Look]);
        let mut actions = desk.tell(Event::Seen(Sighting::Gone(last)));
        if actions == [Action::Look] {
            actions = desk.tell(Event::Seen(Sighting::Gone(last)));
        }
        let expected = Vec::from_iter(expected.map(Action::Start));
        assert_eq!(actions, expected, "{settings:?} {continuing} {last:?}");
    }
}

#[test]
fn without_discovery_at_the_start_it_is_seen_when_it_makes_itself_known() {
    let mut desk = Desk::new();
    let settings = Settings { look_at_start: false, start_if_missing: true, ..SETTINGS };
    assert_eq!(desk.tell(Event::Settings(settings)), []);
    assert_eq!(desk.partner.presence(), Presence::Unknown);
    assert_eq!(desk.tell(running(1)), [Action::Watch(life(1)), check(1, 1)]);
    assert_eq!(desk.partner.presence(), Presence::Running(life(1)));
}

#[test]
fn alone_nothing_is_done_and_a_change_counts_at_once() {
    let mut desk = Desk::new();
    assert_eq!(desk.tell(Event::Settings(Settings { paired: false, ..SETTINGS })), []);
    assert_eq!(desk.tell(running(1)), []);
    assert_eq!(desk.tell(Event::Settings(SETTINGS)), [Action::Look]);
    desk.tell(running(1));
    assert_eq!(desk.tell(Event::Settings(Settings { paired: false, ..SETTINGS })), []);
    assert_eq!(desk.tell(ended(1, Exit::Signal(9), None)), []);
    assert_eq!(desk.partner.next_deadline(), None);
}

#[test]
fn start_if_missing_counts_at_once_but_does_not_undo_a_stop() {
    let wanted = Settings { start_if_missing: true, ..SETTINGS };
    let mut desk = Desk::new();
    desk.tell(Event::Settings(SETTINGS));
    desk.tell(Event::Seen(Sighting::Gone(Last::None)));
    assert_eq!(desk.tell(Event::Settings(wanted)), [Action::Look]);
    assert_eq!(desk.tell(Event::Seen(Sighting::Gone(Last::None))), [Action::Start(Cause::Missing)]);

    let mut desk = Desk::watching(1);
    desk.tell(ended(1, Exit::Code(0), Some(Farewell::Stop)));
    desk.tell(Event::Seen(Sighting::Gone(Last::Left)));
    assert_eq!(desk.tell(Event::Settings(wanted)), []);
}

#[test]
fn two_failed_checks_in_a_row_mean_that_it_hangs() {
    let mut desk = Desk::watching(1);
    assert_eq!(desk.wait(), (CHECK_INTERVAL, vec![check(1, 2)]));
    assert_eq!(desk.partner.next_deadline(), None, "one check at a time");
    assert_eq!(desk.answer(1, 2, Answer::Failed), []);
    assert_eq!(desk.wait(), (CHECK_INTERVAL, vec![check(1, 3)]));
    assert_eq!(desk.answer(1, 3, Answer::Well), [], "one good answer, and the count begins anew");
    desk.wait();
    desk.answer(1, 4, Answer::Failed);
    desk.wait();
    assert_eq!(desk.answer(1, 4, Answer::Failed), [], "an answer that was given already");
    assert_eq!(desk.answer(1, 5, Answer::Failed), [Action::Kill(life(1))]);
    // It does not die at once.
    assert_eq!(desk.wait().1, [Action::Kill(life(1))]);
    assert_eq!(desk.tell(ended(1, Exit::Signal(9), None)), [Action::Look]);
    assert_eq!(desk.partner.cause(), Some(Cause::Hung));
}

#[test]
fn one_that_leaves_or_wants_no_partner_is_left_alone() {
    for answer in [Answer::Leaving, Answer::Alone] {
        let mut desk = Desk::watching(1);
        desk.wait();
        desk.answer(1, 2, answer);
        assert_eq!(desk.partner.next_deadline(), None, "{answer:?}");
    }
    let mut desk = Desk::watching(1);
    desk.wait();
    desk.answer(1, 2, Answer::Alone);
    assert_eq!(desk.tell(ended(1, Exit::Signal(9), None)), []);
    assert_eq!(desk.partner.cause(), None);
}

#[test]
fn one_that_is_still_starting_has_its_time() {
    let mut desk = Desk::new();
    desk.tell(Event::Settings(SETTINGS));
    desk.tell(running(1));
    let mut number = 1;
    let killed = loop {
        let actions = desk.answer(1, number, Answer::Failed);
        if actions == [Action::Kill(life(1))] {
            break desk.now;
        }
        desk.wait();
        number += 1;
    };
    assert!(killed >= GRACE && killed <= GRACE + 2 * CHECK_INTERVAL, "{killed:?}");
}

#[test]
fn a_mere_number_is_neither_killed_nor_replaced_before_it_has_answered() {
    let mut desk = Desk::new();
    desk.tell(Event::Settings(SETTINGS));
    desk.tell(Event::Seen(Sighting::Running { life: life(1), proven: false }));
    assert_eq!(desk.partner.presence(), Presence::Unknown);
    for number in 1..100 {
        assert_eq!(desk.answer(1, number, Answer::Failed), []);
        desk.wait();
    }
    assert_eq!(desk.tell(ended(1, Exit::Signal(9), None)), []);

    let mut desk = Desk::new();
    desk.tell(Event::Settings(SETTINGS));
    desk.tell(Event::Seen(Sighting::Running { life: life(1), proven: false }));
    desk.answer(1, 1, Answer::Well);
    assert_eq!(desk.partner.presence(), Presence::Running(life(1)));
    assert_eq!(desk.tell(ended(1, Exit::Signal(9), None)), [Action::Look]);
}

#[test]
fn one_that_wants_no_partner_is_left_alone_also_before_it_has_answered() {
    let mut desk = Desk::new();
    desk.tell(Event::Settings(SETTINGS));
    desk.tell(running(1));
    assert_eq!(desk.tell(ended(1, Exit::Signal(9), Some(Farewell::Alone))), []);
    assert_eq!(desk.partner.presence(), Presence::Unknown);
}

#[test]
fn a_restart_in_place_is_a_life_of_its_own() {
    let mut desk = Desk::watching(1);
    desk.wait();
    desk.answer(1, 2, Answer::Failed);
    desk.wait();
    let again = Life { since: Wall::from_unix_millis(1), ..life(1) };
    let seen = desk.tell(Event::Seen(Sighting::Running { life: again, proven: true }));
    assert_eq!(seen, [Action::Watch(again), Action::Check { life: again, number: 4 }]);
    assert_eq!(desk.answer(1, 3, Answer::Failed), [], "of the life before");
    // Who watches may have kept the earlier name of the same process.
    assert_eq!(desk.tell(ended(1, Exit::Signal(9), None)), [Action::Look]);
}

#[test]
fn starts_that_follow_each_other_wait() {
    let mut desk = Desk::watching(1);
    let cause = Cause::Died(Exit::Signal(9));
    assert_eq!(desk.tell(ended(1, Exit::Signal(9), None)), [Action::Look]);
    let waits: Vec<_> = (0..6)
        .map(|_| {
            desk.start_in_vain(cause);
            let (wait, actions) = desk.wait();
            assert_eq!(actions, [Action::Look]);
            wait.as_millis()
        })
        .collect();
    assert_eq!(waits, [1000, 2000, 5000, 10_000, 30_000, 30_000]);

    // It comes up, and dies soon, and dies late.
    desk.tell(running(2));
    assert_eq!(desk.tell(ended(2, Exit::Signal(9), None)), [], "too soon to count as stable");
    desk.wait();
    desk.tell(running(3));
    desk.now += Duration::from_secs(60);
    assert_eq!(desk.tell(ended(3, Exit::Signal(9), None)), [Action::Look], "at once");
}

#[test]
fn a_stop_or_a_start_by_somebody_else_ends_the_trying() {
    let mut desk = Desk::watching(1);
    desk.tell(ended(1, Exit::Signal(9), None));
    desk.start_in_vain(Cause::Died(Exit::Signal(9)));
    assert_eq!(desk.wait().1, [Action::Look]);
    assert_eq!(desk.tell(Event::Seen(Sighting::Gone(Last::Left))), []);
    assert_eq!((desk.partner.cause(), desk.partner.next_deadline()), (None, None));

    let mut desk = Desk::watching(1);
    desk.tell(ended(1, Exit::Signal(9), None));
    desk.start_in_vain(Cause::Died(Exit::Signal(9)));
    assert_eq!(desk.tell(running(2)), [Action::Watch(life(2)), check(2, 2)]);
    assert_eq!(desk.partner.presence(), Presence::Running(life(2)));
}

#[test]
fn a_life_that_nobody_could_watch_is_not_overlooked() {
    // It was stopped; before we could tell, another came and was cut off.
    let mut desk = Desk::watching(1);
    assert_eq!(desk.tell(ended(1, Exit::Code(0), Some(Farewell::Stop))), [Action::Look]);
    desk.tell(Event::Seen(Sighting::Gone(Last::Cut)));
    assert_eq!(desk.partner.cause(), Some(Cause::Died(Exit::Unknown)));
    // It made itself known, and was gone when we looked.
    let mut desk = Desk::new();
    desk.tell(Event::Settings(SETTINGS));
    desk.tell(Event::Seen(Sighting::Gone(Last::None)));
    desk.tell(Event::Seen(Sighting::Gone(Last::Cut)));
    assert_eq!(desk.partner.cause(), Some(Cause::Died(Exit::Unknown)));
}

#[test]
fn who_leaves_does_nothing_more() {
    let mut desk = Desk::watching(1);
    desk.tell(ended(1, Exit::Signal(9), None));
    assert_eq!(desk.tell(Event::Leave), []);
    assert_eq!(desk.tell(Event::Seen(Sighting::Gone(Last::Cut))), []);
    assert_eq!(desk.tell(Event::Settings(SETTINGS)), []);
    assert_eq!(desk.partner.next_deadline(), None);
}
