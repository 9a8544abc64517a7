//! `kill -9` of the monitor at any moment, with programs that stay and programs that crash all the time.

use crate::harness::{World, is_alive, start_time, variable_of};
use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

const STEADY: usize = 12;
const CRASHERS: usize = 8;
const KILLS: usize = 30;

/// Two runs of one process that were alive at the same moment, as far as one look over all shows.
fn doubles(world: &World) -> Vec<String> {
    let mut seen: HashMap<String, (String, u32, Option<u64>)> = HashMap::new();
    let mut found = Vec::new();
    for pid in world.processes() {
        let started = start_time(pid);
        let (Some(id), Some(run)) =
            (variable_of(pid, "TOM_PM_PROCESS_ID"), variable_of(pid, "TOM_PM_RUN_ID"))
        else {
            continue;
        };
        let Some((other_run, other, other_started)) = seen.insert(id.clone(), (run.clone(), pid, started))
        else {
            continue;
        };
        // The other was seen first. That it still lives shows that they lived at the same time.
        if other_run != run && is_alive(pid) && is_alive(other) && start_time(other) == other_started {
            found.push(format!("{id}: {other_run} (pid {other}) and {run} (pid {pid})"));
        }
    }
    found
}

/// Looks for doubles until `done`, and counts its rounds; what it found.
fn watch(world: &World, done: &AtomicBool, rounds: &AtomicUsize) -> Vec<String> {
    let mut found = Vec::new();
    while !done.load(Ordering::Relaxed) {
        found.extend(doubles(world));
        rounds.fetch_add(1, Ordering::Relaxed);
    }
    found
}

/// A moment of up to `bound`, another each time.
fn random(bound: Duration) -> Duration {
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    bound.mul_f64(f64::from(nanos.wrapping_mul(2_654_435_761) % 1000) / 1000.0)
}

fn crasher(n: usize) -> String {
    format!("crasher-{n}")
}

/// Programs that crash until a file is there, and note each of their starts.
fn run_crashers(world: &World) {
    let folder = world.path().display();
    let text = format!(
        "#!/bin/sh\necho start >> {folder}/starts-$1\n[ -e {folder}/calm ] && exec sleep 100000\n\
         sleep 0.0$2\nexit 3\n"
    );
    let program = world.script("crasher", &text);
    for n in 0..CRASHERS {
        let (id, length) = (crasher(n), (n + 1).to_string());
        let words = [
            "run",
            "--name",
            &id,
            "--backoff",
            "0s",
            "--max-attempts",
            "1000000",
            "--",
            &program,
            &id,
            &length,
        ];
        // It may have crashed by the time that somebody looks.
        let _up_or_crashed = world.say(words);
    }
}

#[test]
fn nothing_is_lost_and_nothing_is_there_twice() {
    let world = World::started();
    let steady: Vec<_> = (0..STEADY).map(|n| format!("steady-{n}")).collect();
    for id in &steady {
        world.ok(&["run", "--name", id, "--", "sleep", "100000"]);
    }
    let pids: Vec<_> = steady.iter().map(|id| world.pid_of(id).unwrap()).collect();
    run_crashers(&world);
    let (done, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let found = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&world, &done, &rounds));
        for _ in 0..KILLS {
            thread::sleep(random(Duration::from_millis(60)));
            let looks = rounds.load(Ordering::Relaxed);
            world.kill_monitor();
            world.start();
            // One after each kill, however busy the machine is.
            crate::harness::eventually("somebody looks", || rounds.load(Ordering::Relaxed) > looks);
        }
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert_eq!(found, [""; 0]);

    for (id, pid) in steady.iter().zip(pids) {
        assert_eq!((world.pid_of(id), world.instances(id)), (Some(pid), vec![pid]), "{id}");
        assert_eq!(world.status(id)["restartAttempts"], 0, "{id}");
    }
    fs::write(world.path().join("calm"), "").unwrap();
    for id in (0..CRASHERS).map(crasher) {
        calm_down(&world, &id);
    }
}

/// The crasher stays up now: once, and every one of its starts was counted.
fn calm_down(world: &World, id: &str) {
    let calm = || {
        world.running("sleep").into_iter().find(|pid| {
            crate::harness::command_line(*pid).get(1).is_some_and(|word| word == "100000")
                && variable_of(*pid, "TOM_PM_PROCESS_ID").as_deref() == Some(id)
        })
    };
    crate::harness::eventually(&format!("{id} stays up"), || calm().is_some());
    world.wait_for_state(id, "running");
    assert_eq!((world.pid_of(id), world.instances(id)), (calm(), Vec::from_iter(calm())), "{id}");
    let starts = fs::read_to_string(world.path().join(format!("starts-{id}"))).unwrap().lines().count();
    let status = world.status(id);
    assert_eq!(status["restartAttempts"], starts - 1, "{id}: {status}");
    assert_eq!(status["lastExit"]["code"], 3, "{id}: {status}");
}
