//! Nothing that a program prints is lost or doubled, whoever is killed.

use crate::Test;
use crate::world::{World, eventually, kill};
use process_monitor_host::process::Identity;
use std::fs;
use std::path::Path;

pub const TESTS: &[Test] = &[(
    "output::no_line_is_lost_when_program_and_monitor_are_killed",
    no_line_is_lost_when_program_and_monitor_are_killed,
)];

fn no_line_is_lost_when_program_and_monitor_are_killed() {
    let world = World::alone();
    world.run("web", "count");
    let first = world.running("web");
    let lines = || numbers(&world.runs("web")[0]).len();
    eventually("it prints", || lines() > 20);
    world.kill_monitor("default");
    let at_death = lines();
    eventually("its output is read while no monitor is there", || lines() > at_death + 50);
    world.start();
    assert_eq!(world.running("web"), first);
    kill(Identity::of(first).unwrap().expect("it runs"));
    world.running_as_other_than("web", first);
    world.ok(["stop", "web"]);
    let runs = world.runs("web");
    assert_eq!(runs.len(), 2, "{runs:?}");
    for run in runs {
        let numbers = numbers(&run);
        let expected: Vec<u64> = (0..numbers.len() as u64).collect();
        assert_eq!(numbers, expected, "in {}", run.display());
    }
    // All: how much is printed until it is stopped is a matter of time, and the last 100 lines are shown otherwise.
    let shown = world.ok(["logs", "web", "--run", "all", "--lines", "all"]);
    assert_eq!(shown.matches("line 0000000 of").count(), 2, "both can be shown");
}

/// The numbers of the lines of a run that are whole: who is killed may have been printing.
fn numbers(run: &Path) -> Vec<u64> {
    let text = fs::read_to_string(run.join("stdout.log")).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}
