//! Long random histories of the engine in virtual time. A simulated machine spawns, kills and tells;
//! people give commands; the monitor dies and returns. After every step the named invariants of
//! `invariants` are checked.

#![allow(clippy::unwrap_used, reason = "all of it is a test")]

mod books;
mod entries;
mod invariants;
mod machine;
mod world;

use process_monitor_core::engine::Wait;
use process_monitor_core::exit::Exit;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{FailurePersistence, FileFailurePersistence};
use std::time::Duration;
use world::World;

/// Histories per property, of which there are four, unless `PROPTEST_CASES` asks for more.
const CASES: u32 = 2_500;

/// One thing that happens, by chance.
#[derive(Debug, Clone)]
enum Step {
    /// A client wants something of one of the processes.
    Command { process: usize, wish: Wish, ticket: bool },
    /// Time passes; deadlines are kept, or all handled late, at its end.
    Pass { time: Duration, late: bool },
    /// The shell wakes up before anything is due.
    EarlyDeadline,
    /// A program ends by itself.
    Exit { process: usize, exit: Exit },
    /// A result is told again, as it was or as one of a run that never was.
    Stale { which: usize, made_up: bool },
    /// Somebody sets the clock, by so many seconds.
    SetClock(i64),
    /// SIGTERM to the monitor.
    Shutdown,
    /// SIGKILL to the monitor; after this long it returns.
    Crash { away: Duration },
}

/// What is wanted.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Add { form: usize },
    Remove,
    Start { wait: Wait },
    Stop,
    Restart { wait: Wait },
    Enable,
    Disable,
    Autostart(bool),
    ChangeAutostart(bool),
    Configure { form: usize },
}

fn waiting() -> impl Strategy<Value = Wait> {
    select(vec![Wait::Accepted, Wait::Ready, Wait::Exit])
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        1 => (0..entries::FORMS).prop_map(|form| Wish::Add { form }),
        1 => Just(Wish::Remove),
        6 => waiting().prop_map(|wait| Wish::Start { wait }),
        3 => Just(Wish::Stop),
        3 => waiting().prop_map(|wait| Wish::Restart { wait }),
        2 => Just(Wish::Enable),
        1 => Just(Wish::Disable),
        1 => any::<bool>().prop_map(Wish::Autostart),
        1 => any::<bool>().prop_map(Wish::ChangeAutostart),
        1 => (0..entries::FORMS).prop_map(|form| Wish::Configure { form }),
    ]
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => 0..60_u64,
        4 => 0..3_000_u64,
        2 => 0..15_000_u64,
        1 => 0..320_000_u64,
    ]
    .prop_map(Duration::from_millis)
}

fn exit() -> impl Strategy<Value = Exit> {
    prop_oneof![
        Just(Exit::Code(0)),
        Just(Exit::Code(1)),
        Just(Exit::Code(3)),
        Just(Exit::Signal(11)),
        Just(Exit::Unknown)
    ]
}

/// Steps for `processes` processes, with these odds of a shutdown and of a crash of the monitor.
fn steps(processes: usize, shutdown: u32, crash: u32) -> impl Strategy<Value = Vec<Step>> {
    let command = (0..processes, wish(), any::<bool>()).prop_map(|(process, wish, ticket)| Step::Command {
        process,
        wish,
        ticket,
    });
    let step = prop_oneof![
        30 => command,
        30 => (time(), prop::bool::weighted(0.2)).prop_map(|(time, late)| Step::Pass { time, late }),
        2 => Just(Step::EarlyDeadline),
        12 => (0..processes, exit()).prop_map(|(process, exit)| Step::Exit { process, exit }),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(which, made_up)| Step::Stale { which, made_up }),
        3 => (-100_000..100_000_i64).prop_map(Step::SetClock),
        shutdown => Just(Step::Shutdown),
        crash => time().prop_map(|away| Step::Crash { away }),
    ];
    vec(step, 1..60)
}

/// Where the seeds of histories that failed are kept, so that they are run first ever after.
fn kept() -> Option<Box<dyn FailurePersistence>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proptest-regressions/engine_histories.txt");
    Some(Box::new(FileFailurePersistence::Direct(path)))
}

fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(CASES), failure_persistence: kept(), ..asked }
}

fn live(processes: usize, seed: u64, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new(processes, seed);
    world.populate()?;
    for step in steps {
        world.step(step)?;
    }
    world.come_to_rest()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn one_process(seed: u64, steps in steps(1, 1, 1)) {
        live(1, seed, &steps)?;
    }

    #[test]
    fn three_processes(seed: u64, steps in steps(3, 1, 2)) {
        live(3, seed, &steps)?;
    }

    #[test]
    fn a_monitor_that_dies_often(seed: u64, steps in steps(2, 1, 15)) {
        live(2, seed, &steps)?;
    }

    #[test]
    fn shutdowns(seed: u64, steps in steps(3, 8, 5)) {
        live(3, seed, &steps)?;
    }
}
