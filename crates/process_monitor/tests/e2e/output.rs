//! What programs print is kept: every line once, in order, whole.

use crate::harness::{PATIENCE, World, eventually, is_alive, kill};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirEntryExt;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

/// The lines `0`, `1`, `2`, … of `text`; with `stamped`, each behind its time.
fn check_numbered(text: &[u8], stamped: bool, whose: &str) -> usize {
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{whose}: the last line is torn");
    for (expected, line) in text.lines().enumerate() {
        let line = if stamped { line.split_once(' ').map_or(line, |(_, line)| line) } else { line };
        assert_eq!(line, format!("line {expected} of {whose}"), "{whose}, line {expected}");
    }
    text.lines().count()
}

#[test]
fn every_line_once_while_monitor_and_logger_are_killed_and_files_rotate() {
    let world = World::started();
    let program = world.script(
        "numbers",
        "#!/bin/bash\ntrap 'exit 0' TERM\ni=0\nwhile :; do echo \"line $i of $1\"; i=$((i+1)); done\n",
    );
    let ids: Vec<String> = (0..8).map(|n| format!("writer-{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        let mut words = vec!["run", "--name", id, "--max-log-size", "200k", "--keep-files", "100000"];
        if n % 2 == 1 {
            words.push("--timestamps");
        }
        words.extend(["--", &program, id]);
        world.ok(&words);
    }
    for round in 0..20_u64 {
        thread::sleep(std::time::Duration::from_millis(20 + round * 37 % 60));
        if round % 3 != 0 {
            world.logger_pid().into_iter().for_each(kill);
        }
        if round % 3 != 1 {
            world.kill_monitor();
            world.start();
        }
    }
    world.ok(&["stop", "all"]);
    let mut files = 0;
    for (n, id) in ids.iter().enumerate() {
        // The logger may still be reading what they left; nothing is written any more once it is through.
        eventually("all is copied", || world.files_of_runs().is_empty());
        let lines = check_numbered(&world.output(id, "stdout"), n % 2 == 1, id);
        assert!(lines > 1000, "{id} wrote {lines} lines only");
        let runs: Vec<_> = fs::read_dir(world.logs(id)).unwrap().flatten().collect();
        assert_eq!(runs.len(), 1, "{id} was restarted");
        files += fs::read_dir(runs[0].path()).unwrap().count();
    }
    assert!(files > 2 * ids.len(), "nothing was rotated");
}

#[test]
fn what_was_printed_while_no_logger_was_there_outlives_a_stop_of_everything() {
    let world = World::started();
    // With each death in succession the next logger is waited for longer.
    for _ in 0..4 {
        let mut logger = None;
        eventually("a logger is there", || {
            logger = world.logger_pid();
            logger.is_some()
        });
        kill(logger.unwrap());
    }
    world.ok(&[
        "run",
        "--name",
        "web",
        "--restart",
        "never",
        "--",
        "sh",
        "-c",
        "echo precious; exec sleep 1000",
    ]);
    world.ok(&["--stop"]);
    eventually("it is kept", || world.output("web", "stdout") == b"precious\n");
}

#[test]
fn endless_lines_are_bounded_and_disturb_nobody() {
    let world = World::started();
    world.ok(&[
        "run",
        "--name",
        "endless",
        "--max-log-size",
        "1m",
        "--keep-files",
        "2",
        "--restart",
        "never",
        "--",
        "head",
        "-c",
        "100000000",
        "/dev/zero",
    ]);
    world.ok(&["run", "--name", "other", "--", "/bin/sh", "-c", "echo here; exec sleep 1000"]);
    let sizes = || {
        let runs = fs::read_dir(world.logs("endless")).unwrap().flatten();
        let files = runs.flat_map(|run| fs::read_dir(run.path()).unwrap().flatten());
        files.filter_map(|file| Some(file.metadata().ok()?.len())).collect::<Vec<_>>()
    };
    eventually("it has written all of it", || {
        // Nothing but a line's end begins a new file, so a file may be larger by one bounded line.
        let sizes = sizes();
        assert!(sizes.len() <= 4 && sizes.iter().all(|size| *size <= 3 << 20), "{sizes:?}");
        world.state_of("endless") == "stopped"
    });
    eventually("the other's line is kept", || world.output("other", "stdout") == b"here\n");
    assert!(sizes().iter().any(|size| *size > 0), "nothing is kept");
}

#[test]
fn binary_output_is_kept_byte_for_byte() {
    let world = World::started();
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    let file = world.path().join("bytes");
    fs::write(&file, &bytes).unwrap();
    let script = "cat \"$0\"; cat \"$0\" >&2; exec sleep 1000";
    world.ok(&["run", "--name", "b", "--", "/bin/sh", "-c", script, file.to_str().unwrap()]);
    eventually("stdout is kept", || world.output("b", "stdout") == bytes);
    eventually("stderr is kept", || world.output("b", "stderr") == bytes);
}

#[test]
fn a_program_that_closes_its_output_runs_on() {
    let world = World::started();
    let script = "echo before; exec >&- 2>&-; exec sleep 1000";
    world.ok(&["run", "--name", "c", "--", "/bin/sh", "-c", script]);
    let pid = world.pid_of("c").unwrap();
    eventually("what it wrote before is kept", || world.output("c", "stdout") == b"before\n");
    assert_eq!(world.pid_of("c"), Some(pid));
}

#[test]
fn a_grandchild_with_the_output_does_not_hide_the_exit_and_is_still_read() {
    let world = World::started();
    let go = world.path().join("go");
    let script = format!("( while [ ! -e {} ]; do sleep 0.01; done; echo late ) & echo early", go.display());
    world.ok(&["run", "--name", "g", "--restart", "never", "--no-kill-tree", "--", "/bin/sh", "-c", &script]);
    world.wait_for_state("g", "stopped");
    assert_eq!(world.status("g")["lastExit"]["code"], 0);
    fs::write(&go, "").unwrap();
    eventually("the grandchild's line is kept", || world.output("g", "stdout") == b"early\nlate\n");
}

#[test]
fn following_survives_rotation_and_restarts() {
    let world = World::started();
    let program = world
        .script("talks", "#!/bin/bash\nfor i in $(seq 300); do echo \"$1 $$ $i\"; done\nexec sleep 1000\n");
    for id in ["a", "b"] {
        let words = [
            "run",
            "--name",
            id,
            "--backoff",
            "0s",
            "--max-log-size",
            "1k",
            "--keep-files",
            "1000",
            "--",
            &program,
            id,
        ];
        world.ok(&words);
    }
    let words = ["logs", "a", "b", "-f", "-n", "100000"];
    let mut follower = world.command(words).stdout(Stdio::piped()).spawn().unwrap();
    let (sender, lines) = mpsc::channel();
    let stdout = BufReader::new(follower.stdout.take().unwrap());
    // Ends with the follower, or with the test.
    thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
    let mut pids = Vec::new();
    for round in 0..2 {
        pids = ["a", "b"].map(|id| world.pid_of(id).unwrap()).to_vec();
        let mut wanted: Vec<String> = ["a", "b"]
            .iter()
            .zip(&pids)
            .flat_map(|(id, pid)| (1..=300).map(move |n| format!("{id} {pid} {n}")))
            .collect();
        while !wanted.is_empty() {
            let next = lines.recv_timeout(PATIENCE);
            let line = next.unwrap_or_else(|_| panic!("round {round}: these are missing: {wanted:?}"));
            let found = wanted.iter().position(|text| line.ends_with(text.as_str()));
            let found = found.unwrap_or_else(|| panic!("round {round}: unexpected line {line:?}"));
            let text = wanted.remove(found);
            assert!(line.starts_with(&text[..1]), "{line:?} lacks its process");
        }
        for (id, pid) in ["a", "b"].iter().zip(&pids) {
            kill(*pid);
            world.wait_for_new_pid(id, *pid);
        }
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

/// Making a file can take half a millisecond; renaming one does not.
#[test]
fn a_restart_is_made_of_files_that_were_there_before() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    let files = |folder: &str| {
        let entries = fs::read_dir(world.state().join(folder)).unwrap().flatten();
        entries.map(|entry| (entry.file_name(), entry.ino())).collect::<Vec<_>>()
    };
    let is_spare = |name: &OsString| name.to_string_lossy().ends_with(".spare");
    let spares = |folder: &str| files(folder).iter().filter(|(name, _)| is_spare(name)).count();
    for _ in 0..3 {
        eventually("it is quiet", || spares("runs") >= 32 && spares("fifo") >= 32);
        // Those of the run that ends may serve the next.
        let before: Vec<_> = ["runs", "fifo"].into_iter().flat_map(files).collect();
        let pid = world.pid_of("web").unwrap();
        kill(pid);
        world.wait_for_new_pid("web", pid);
        let used = |folder: &str, ends: &str| {
            let of_run = |name: &OsString| name.to_string_lossy().ends_with(ends);
            let mut new = files(folder).into_iter().filter(|file| of_run(&file.0) && !before.contains(file));
            new.any(|(_, ino)| before.iter().any(|file| file.1 == ino))
        };
        assert!(used("runs", ".run") && used("fifo", ".out") && used("fifo", ".err"));
    }
}
