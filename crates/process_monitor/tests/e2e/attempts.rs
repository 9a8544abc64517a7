//! A program that does not stay up: how often and when it is tried, and what is said of it.

use crate::harness::{World, eventually};
use std::fs;
use std::time::{Duration, Instant};

/// A program that notes when it was started, in nanoseconds, and fails.
fn fails(world: &World) -> String {
    let notes = world.path().join("starts");
    world
        .script("fails", &format!("#!/bin/sh\ndate +%s%N >> {}\necho goodbye >&2\nexit 7\n", notes.display()))
}

fn starts(world: &World) -> Vec<Duration> {
    let text = fs::read_to_string(world.path().join("starts")).unwrap_or_default();
    text.lines().map(|line| Duration::from_nanos(line.parse().unwrap())).collect()
}

#[test]
fn ten_attempts_each_after_its_wait_then_a_word_of_advice() {
    let world = World::started();
    let program = fails(&world);
    world.ok(&["add", "--name", "x", "--backoff", "60ms,20ms", "--max-attempts", "10", "--", &program]);
    let _started_or_crashed = world.say(["start", "x"]);
    world.wait_for_state("x", "failed");
    let starts = starts(&world);
    assert_eq!(starts.len(), 11, "the first and ten more");
    let waits: Vec<_> = starts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    assert!(waits[0] >= Duration::from_millis(60), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait >= Duration::from_millis(20)), "{waits:?}");

    let status = world.status("x");
    assert_eq!((&status["restartAttempts"], &status["lastExit"]["code"]), (&10.into(), &7.into()));
    assert!(status["pid"].is_null());
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("exit code 7") && message.contains("given up after 10 restarts"), "{message}");
    assert!(world.ok(&["list"]).contains(message));
    assert!(world.ok(&["status", "x"]).contains(message));
    let log = world.log_that_says("given up");
    assert!(log.lines().any(|line| line.contains("[ERROR]") && line.contains("given up")), "{log}");
    eventually("its last words are kept", || world.ok(&["logs", "x"]).contains("goodbye"));
}

#[test]
fn a_manual_start_begins_a_new_count() {
    let world = World::started();
    let program = fails(&world);
    world.ok(&["add", "--name", "x", "--backoff", "0s", "--max-attempts", "2", "--", &program]);
    for rounds in 1..=2 {
        let _started_or_crashed = world.say(["start", "x"]);
        world.wait_for_state("x", "failed");
        assert_eq!(starts(&world).len(), rounds * 3);
        assert_eq!(world.status("x")["restartAttempts"], 2);
    }
}

#[test]
fn a_stop_ends_the_waiting_for_the_next_attempt() {
    let world = World::started();
    let program = fails(&world);
    world.ok(&["add", "--name", "x", "--backoff", "1h", "--", &program]);
    let _started_or_crashed = world.say(["start", "x"]);
    world.wait_for_state("x", "crashed");
    world.ok(&["stop", "x"]);
    assert_eq!(world.state_of("x"), "stopped");
    assert_eq!(starts(&world).len(), 1);
    let _started_or_crashed = world.say(["start", "x"]);
    world.wait_for_state("x", "crashed");
    assert_eq!(starts(&world).len(), 2, "a start does not wait for the hour to pass");
}

#[test]
fn who_goes_on_for_good_is_retrying() {
    let world = World::started();
    let program = fails(&world);
    let words =
        ["--backoff", "0s", "--max-attempts", "1", "--retry-indefinitely", "--retry-interval", "50ms"];
    world.ok(&[&["add", "--name", "x"][..], &words[..], &["--", program.as_str()][..]].concat());
    let _started_or_crashed = world.say(["start", "x"]);
    world.wait_for_state("x", "retrying");
    eventually("it is tried again and again", || starts(&world).len() > 4);
    world.ok(&["stop", "x"]);
}

#[test]
fn what_cannot_be_started_is_tried_ever_more_rarely_and_told_of_once() {
    let world = World::started();
    let program = world.path().join("later");
    let words = ["add", "--name", "x", "--backoff", "0s", "--max-attempts", "1000000", "--"];
    world.ok(&[&words[..], &[program.to_str().unwrap()]].concat());
    let begun = Instant::now();
    let _crashed = world.say(["start", "x"]);
    let mut attempts = 0;
    eventually("it has been tried five times again", || {
        let elapsed = begun.elapsed();
        attempts = world.status("x")["restartAttempts"].as_u64().unwrap();
        // One is counted while its wait, each twice as long as the one before, goes on.
        let waits = (1..attempts).map(|nth| (100 << (nth - 1)).min(5000)).sum();
        assert!(begun.elapsed() >= Duration::from_millis(waits), "{attempts} within {elapsed:?}");
        attempts >= 5
    });
    let log = world.log_that_says("2 times in a row");
    let told = log.lines().filter(|line| line.contains("cannot start")).count();
    assert!((2..=4).contains(&told), "{told} of {attempts} attempts are told: {log}");
    assert_eq!(world.state_of("x"), "crashed");
    assert!(world.status("x")["message"].as_str().unwrap().contains("does not exist"));

    world.script("later", "#!/bin/sh\nexec sleep 100000\n");
    world.wait_for_state("x", "running");
    world.log_that_says("started, after");
}
