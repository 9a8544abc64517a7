//! How much is measured: what each option of the command line stands for.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What a run measures.
pub struct Plan {
    /// With how many processes.
    pub sizes: &'static [usize],
    /// How often one is killed, for each latency.
    pub kills: usize,
    /// For how long a monitor is watched of which nobody wants anything.
    pub idle_seconds: u64,
    /// How many clients ask the API at the same time; none: only the list is asked for, by one.
    pub clients: &'static [usize],
    /// For how long each of them asks, in milliseconds.
    pub asked_ms: u64,
    /// How many are killed at once, at most; 0: none.
    pub at_once: usize,
    /// How often all are stopped, from rest.
    pub stops: usize,
    /// For how long checks are counted; 0: there are none.
    pub checked_seconds: u64,
    /// How many monitors are killed, and how many made hang.
    pub pairs: (usize, usize),
    /// How often a monitor replaces itself under load.
    pub switches: usize,
    /// What is written to logs.
    pub outputs: &'static [Output],
    /// After so many seconds no other part is begun.
    pub most_seconds: u64,
}

impl Plan {
    /// For how long each client asks.
    pub fn asked(&self) -> Duration {
        Duration::from_millis(self.asked_ms)
    }
}

/// So many programs write at once.
#[derive(Clone, Copy)]
pub struct Output {
    pub writers: usize,
    /// By each.
    pub bytes: u64,
}

const MIB: u64 = 1 << 20;

/// But for the floor.
const NOTHING: Plan = Plan {
    sizes: &[],
    kills: 1,
    idle_seconds: 0,
    clients: &[],
    asked_ms: 0,
    at_once: 0,
    stops: 1,
    checked_seconds: 0,
    pairs: (0, 0),
    switches: 0,
    outputs: &[],
    most_seconds: u64::MAX,
};

const FULL: Plan = Plan {
    sizes: &[1, 10, 100, 1000],
    kills: 300,
    idle_seconds: 10,
    clients: &[1, 16, 64],
    asked_ms: 2000,
    at_once: 1000,
    stops: 5,
    checked_seconds: 30,
    pairs: (30, 5),
    switches: 20,
    outputs: CAPTURE.outputs,
    most_seconds: u64::MAX,
};

/// For each change: is everything there, and of its usual order of magnitude?
const QUICK: Plan = Plan {
    sizes: &[1, 100],
    kills: 50,
    idle_seconds: 2,
    clients: &[1, 16],
    asked_ms: 500,
    at_once: 1000,
    stops: 1,
    checked_seconds: 7,
    pairs: (3, 1),
    switches: 3,
    outputs: &[Output { writers: 1, bytes: 100 * MIB }, Output { writers: 100, bytes: MIB }],
    most_seconds: 90,
};

const PAIR: Plan = Plan { pairs: (30, 5), ..NOTHING };

const SWITCH: Plan = Plan { switches: 20, ..NOTHING };

const CAPTURE: Plan = Plan {
    kills: 300,
    outputs: &[Output { writers: 1, bytes: 1024 * MIB }, Output { writers: 100, bytes: 100 * MIB }],
    ..NOTHING
};

/// As many processes as SPEC 8 knows: it needs descriptors (`ulimit -Hn`) and pids for them.
const HUGE: Plan = Plan { sizes: &[10_000], clients: &[1, 16], at_once: 1000, ..GROWTH };

/// The table of growth alone.
const GROWTH: Plan =
    Plan { sizes: &[1, 10, 100, 1000, 10_000], kills: 300, idle_seconds: 10, asked_ms: 2000, ..NOTHING };

/// The API, and what its load leaves to a crash.
const LOAD: Plan =
    Plan { sizes: FULL.sizes, kills: 300, clients: FULL.clients, asked_ms: FULL.asked_ms, ..NOTHING };

const PLANS: [(&str, &Plan); 7] = [
    ("--quick", &QUICK),
    ("--growth", &GROWTH),
    ("--pair", &PAIR),
    ("--switch", &SWITCH),
    ("--capture", &CAPTURE),
    ("--load", &LOAD),
    ("--huge", &HUGE),
];

/// What the command line asks for, and where its figures go for programs.
pub fn asked(args: &[&str]) -> io::Result<(&'static Plan, Option<PathBuf>)> {
    let named = |which: &str| PLANS.iter().find(|(name, _)| *name == which).map(|(_, plan)| *plan);
    match args {
        [] => Ok((&FULL, None)),
        ["--json", file] => Ok((&FULL, Some(file.into()))),
        [which] => Ok((named(which).ok_or_else(usage)?, None)),
        [which, "--json", file] => Ok((named(which).ok_or_else(usage)?, Some(file.into()))),
        _ => Err(usage()),
    }
}

fn usage() -> io::Error {
    let names = PLANS.map(|(name, _)| name).join(" | ");
    io::Error::other(format!(
        "usage: cargo run --release -p process-monitor-bench [-- [{names}] [--json FILE]]"
    ))
}
