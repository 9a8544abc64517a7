//! What cannot be started says why, to everybody who asks.

use crate::files::sleeping;
use crate::harness::{World, eventually};
use serde_json::{Value, json};
use std::fs;

/// Registers a program that cannot be started, and returns what `run` said.
fn refused(world: &World, id: &str, words: &[&str]) -> String {
    let mut all = vec!["run", "--name", id, "--max-attempts", "0"];
    all.extend(words);
    let said = world.say(all);
    assert_eq!(said.code, Some(1), "{id}: {}", said.stdout);
    said.stderr
}

#[test]
fn the_reason_reaches_run_status_and_log() {
    let world = World::started();
    let plain = world.path().join("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    let plain = plain.display().to_string();
    let folder = world.path().display().to_string();
    let no_shebang = world.script("no-shebang", "echo hello\n");
    let bad_interpreter = world.script("bad-interpreter", "#!/opt/nothing/here\n");
    let table: [(&str, Vec<&str>, Vec<&str>); 7] = [
        ("absolute", vec!["--", "/opt/x/run"], vec!["/opt/x/run", "does not exist"]),
        ("in-path", vec!["--", "nginxx-is-nothing"], vec!["nginxx-is-nothing", "not found in PATH"]),
        ("plain", vec!["--", &plain], vec![&plain, "permission denied"]),
        ("folder", vec!["--", &folder], vec![&folder, "is a directory"]),
        ("no-shebang", vec!["--", &no_shebang], vec![&no_shebang, "#!/bin/sh"]),
        ("interpreter", vec!["--", &bad_interpreter], vec!["/opt/nothing/here", "does not exist"]),
        (
            "directory",
            vec!["--cwd", "/y/is/nothing", "--", "sleep", "1"],
            vec!["working directory /y/is/nothing", "does not exist"],
        ),
    ];
    for (id, words, expected) in &table {
        let said = refused(&world, id, words);
        let message = world.status(id)["message"].as_str().unwrap_or_default().to_owned();
        for part in expected {
            assert!(said.contains(part), "{id}: {said}");
            assert!(message.contains(part), "{id}: {message}");
        }
        assert_eq!(world.state_of(id), "failed");
        assert_eq!(world.status(id)["lastExit"]["reason"], "startFailed");
    }
    let log = || {
        let logs = fs::read_dir(world.path().join("default_logs")).unwrap().flatten();
        logs.filter_map(|file| fs::read_to_string(file.path()).ok()).collect::<String>()
    };
    eventually("the log has them all", || {
        let log = log();
        table.iter().all(|(_, _, expected)| expected.iter().all(|part| log.contains(part)))
    });
}

#[test]
fn a_program_that_exits_at_once_is_given_up_after_its_attempts() {
    let world = World::started();
    world.ok(&[
        "add",
        "--name",
        "x",
        "--backoff",
        "0s",
        "--max-attempts",
        "10",
        "--",
        "/bin/sh",
        "-c",
        "echo run; exit 4",
    ]);
    let _started_or_crashed = world.say(["start", "x"]);
    world.wait_for_state("x", "failed");
    let status = world.status("x");
    assert_eq!(status["restartAttempts"], 10);
    assert_eq!(status["lastExit"]["code"], 4);
    assert!(status["message"].as_str().unwrap().contains("given up after 10 restarts"), "{status}");
    eventually("ten and one runs printed", || world.logs("x").read_dir().unwrap().count() == 10);
}

#[test]
fn secrets_of_the_environment_are_shown_nowhere() {
    let world = World::started();
    let words = ["run", "--name", "s", "--env", "TOKEN=hunter2-secret", "--", "/bin/sh", "-c", "exit 3"];
    // It may have ended by the time that its start is told.
    let said = world.say(words);
    assert!(!said.stdout.contains("hunter2") && !said.stderr.contains("hunter2"), "{said:?}");
    let everywhere = [
        &["list"][..],
        &["list", "--json"][..],
        &["status", "s"][..],
        &["status", "s", "--json"][..],
        &["doctor"][..],
    ];
    for words in everywhere {
        let said = world.say(words.iter());
        assert!(!said.stdout.contains("hunter2") && !said.stderr.contains("hunter2"), "{words:?}");
    }
    for file in fs::read_dir(world.path().join("default_logs")).unwrap().flatten() {
        assert!(!fs::read_to_string(file.path()).unwrap_or_default().contains("hunter2"), "{file:?}");
    }
}

#[test]
fn without_a_home_the_directory_must_be_given() {
    let world = World::new();
    let homeless = |words: &[&str]| {
        let mut command = world.command(words);
        command.env_remove("HOME").env_remove("USERPROFILE").env_remove("TOM_PM_DIRECTORY");
        crate::harness::said(command.output().unwrap())
    };
    let said = homeless(&["list"]);
    assert_ne!(said.code, Some(0));
    assert!(said.stderr.contains("HOME") && said.stderr.contains("--directory"), "{}", said.stderr);
    let directory = world.path().display().to_string();
    assert_eq!(homeless(&["--directory", &directory, "list"]).code, Some(0));
}

#[test]
fn arguments_arrive_byte_for_byte_and_no_descriptor_does() {
    let world = World::started();
    let script = "for a in \"$@\"; do printf '<%s>' \"$a\"; done; ls /proc/$$/fd; exec sleep 1000";
    let words = [
        "run",
        "--name",
        "a",
        "--",
        "/bin/sh",
        "-c",
        script,
        "x",
        "",
        "a b",
        "$HOME",
        "*",
        "\"'\\",
        "line\nbreak",
        "ä",
    ];
    world.ok(&words);
    let expected = "<><a b><$HOME><*><\"'\\><line\nbreak><ä>0\n1\n2\n";
    eventually("the program has printed", || world.output("a", "stdout").len() >= expected.len());
    assert_eq!(String::from_utf8_lossy(&world.output("a", "stdout")), expected);
}

#[test]
fn arguments_that_are_too_long_are_counted_and_refused() {
    let world = World::started();
    let (mut one, mut many) = (sleeping("one"), sleeping("many"));
    (one["args"], one["autostart"]) = (json!(["x".repeat(200_000)]), json!(false));
    (many["args"], many["autostart"]) = (json!(vec!["x".repeat(100_000); 70]), json!(false));
    let processes = json!({"one": one, "many": many, "fits": sleeping("fits")});
    world.save(json!({"processes": processes}).to_string());
    eventually("they are registered", || world.say(["status", "fits"]).code == Some(0));
    for (id, bytes) in [("one", "the longest 20000"), ("many", "have 7")] {
        let said = world.say(["start", id]);
        assert_eq!(said.code, Some(1), "{id}");
        let message = world.status(id)["message"].as_str().unwrap_or_default().to_owned();
        for text in [&said.stderr, &message, &world.monitor_log()] {
            let short = text.chars().take(2000).collect::<String>();
            assert!(text.contains("argument list too long") && text.contains(bytes), "{id}: {short}");
        }
    }
    world.wait_for_state("fits", "running");
}

#[test]
fn what_is_wrong_stands_in_the_list_the_status_and_the_log() {
    let world = World::started();
    let said = refused(&world, "x", &["--", "/opt/x/run"]);
    let words = "/opt/x/run does not exist";
    let shown = [said, world.ok(&["list"]), world.ok(&["status", "x"]), world.monitor_log()];
    for text in shown {
        assert!(text.contains(words), "{text}");
    }
    let listed: Value = serde_json::from_str(&world.ok(&["list", "--json"])).unwrap();
    assert!(listed.to_string().contains(words), "{listed}");
    assert!(world.doctor("monitor's log").1.contains(words));
    // Mended, it starts; and nothing is said any more.
    let status = world.say(["start", "x"]);
    assert_eq!(status.code, Some(1));
    world.await_saved("x", "failed");
    world.edit(|registry| {
        registry["processes"]["x"]["command"] = json!("sleep");
        registry["processes"]["x"]["args"] = json!(["100000"]);
    });
    eventually("the edit is seen", || world.status("x")["command"] == "sleep");
    world.ok(&["start", "x"]);
    assert!(world.status("x")["message"].is_null());
}

#[test]
fn a_command_is_looked_up_in_the_path_of_the_entry() {
    let world = World::started();
    let folder = world.path().join("bin");
    fs::create_dir(&folder).unwrap();
    let program = world.script("own-program", "#!/bin/sh\nexec sleep 100000\n");
    fs::rename(program, folder.join("own-program")).unwrap();
    let path = format!("PATH={}:/usr/bin:/bin", folder.display());
    world.ok(&["run", "--name", "x", "--env", &path, "--", "own-program"]);
    let said = refused(&world, "y", &["--env", "PATH=/nowhere", "--", "own-program"]);
    assert!(said.contains("own-program: not found in PATH (/nowhere)"), "{said}");
}

#[test]
fn without_a_home_the_monitor_starts_only_where_it_is_told_to() {
    let world = World::new();
    let homeless = |variables: &[(&str, &str)], words: &[&str]| {
        let mut command = world.command(words);
        command.env_remove("HOME").env_remove("USERPROFILE").env_remove("TOM_PM_DIRECTORY");
        crate::harness::said(command.envs(variables.iter().copied()).output().unwrap())
    };
    for variables in [&[][..], &[("HOME", "")]] {
        for words in [&[][..], &["--foreground"], &["run", "--", "true"], &["--stop"], &["doctor"]] {
            let said = homeless(variables, words);
            assert_eq!(said.code, Some(1), "{variables:?} {words:?}: {said:?}");
            let helps = said.stderr.contains("HOME") && said.stderr.contains("--directory");
            assert!(helps, "{variables:?} {words:?}: {}", said.stderr);
        }
    }
    let place = world.path().display().to_string();
    let said = homeless(&[("USERPROFILE", &place)], &["add", "--name", "x", "--", "true"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(world.path().join(".tom/process_monitor/processes_default.json").exists());

    // It is found in the environment of all that runs here, so that it is stopped at the end.
    let said = homeless(&[("TOM_PM_DIRECTORY", &place)], &["run", "--name", "x", "--", "sleep", "100000"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(homeless(&[], &["--directory", &place, "status", "x"]).code, Some(0));
    assert_eq!(homeless(&[], &["--directory", &place, "--stop"]).code, Some(0));
}
