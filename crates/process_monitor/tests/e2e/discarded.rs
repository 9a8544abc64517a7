//! Programs whose output is discarded: nothing is kept of it, nothing is held for it, and everything else is as ever.

use crate::harness::{World, eventually, is_alive, kill};
use crate::http::Connection;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// How to call a program that prints, and says where its output goes.
fn talker(world: &World) -> String {
    let places = world.path().join("places").display().to_string();
    world.script(
        "talks",
        &format!(
            "#!/bin/bash\necho \"$(readlink /proc/$$/fd/1) $(readlink /proc/$$/fd/2)\" >> {places}\n\
             echo said; echo loudly >&2\nexec sleep 100000\n"
        ),
    )
}

/// Where the output of each run went.
fn places(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.path().join("places")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// What the descriptors of `pid` are.
fn descriptors(pid: u32) -> Vec<PathBuf> {
    let all = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    all.filter_map(|descriptor| fs::read_link(descriptor.path()).ok()).collect()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[test]
fn nothing_is_kept_and_one_descriptor_is_held() {
    let world = World::started();
    let program = talker(&world);
    world.ok(&["run", "--name", "first", "--output", "discard", "--", &program]);
    eventually("everything is open", || {
        let status = world.monitor_status();
        ["loggerPid", "apiPort", "alivenessPort"].iter().all(|part| status[part].is_u64())
    });
    let monitor = world.monitor_pid().unwrap();
    let (before, logger) = (descriptors(monitor), descriptors(world.logger_pid().unwrap()));
    for n in 0..10 {
        world.ok(&["run", "--name", &format!("p{n}"), "--output", "discard", "--", &program]);
    }
    eventually("all have printed", || places(&world).len() == 11);
    assert!(places(&world).iter().all(|place| place == "/dev/null /dev/null"), "{:?}", places(&world));
    let pidfds = |all: &[PathBuf]| all.iter().filter(|path| path.to_string_lossy().contains("pidfd")).count();
    eventually("the monitor holds one descriptor more for each", || {
        let now = descriptors(monitor);
        pidfds(&now) == pidfds(&before) + 10 && now.len() <= before.len() + 10
    });
    assert_eq!(descriptors(world.logger_pid().unwrap()).len(), logger.len(), "the logger holds none");
    assert!(world.files_of_runs().is_empty());
    assert!(!world.logs("p0").exists());
    assert_eq!(world.entry("p0")["output"], "discard");
    assert_eq!(world.status("p0")["output"], "discard");
    assert!(world.ok(&["status", "p0"]).contains("Output: discarded"));
}

#[test]
fn an_entry_that_says_nothing_of_it_says_nothing_of_it() {
    let world = World::started();
    world.ok(&["add", "--name", "plain", "--", "true"]);
    world.ok(&["add", "--name", "captured", "--output", "capture", "--", "true"]);
    for id in ["plain", "captured"] {
        assert_eq!(world.entry(id).get("output"), None, "{id}");
        assert_eq!(world.status(id)["output"], "capture", "{id}");
    }
}

#[test]
fn logs_tell_that_there_are_none_and_how_to_have_some() {
    let world = World::started();
    let program = talker(&world);
    world.ok(&["run", "--name", "web", "--output", "discard", "--", &program]);
    let told = |words: &[&str]| {
        let said = world.say(words);
        assert_eq!(said.code, Some(1), "{words:?} {said:?}");
        assert!(said.stderr.contains("the output of web is discarded"), "{words:?}: {}", said.stderr);
        assert!(said.stderr.contains("update web --output capture"), "{words:?}: {}", said.stderr);
    };
    told(&["logs", "web"]);
    told(&["logs", "web", "-f"]);
    let answer = Connection::to(&world).ask("GET", "/processes/web/logs", None);
    assert_eq!((answer.status, &answer.body["code"]), (409, &json!("output_discarded")), "{:?}", answer.body);
    assert!(answer.body["error"].as_str().unwrap().contains("PATCH /processes/web"), "{:?}", answer.body);
    // Another's are shown all the same.
    world.ok(&["run", "--name", "loud", "--", &program]);
    eventually("it has printed", || world.output("loud", "stdout") == b"said\n");
    let both = world.say(["logs", "web", "loud"]);
    assert_eq!(both.code, Some(0), "{both:?}");
    assert!(both.stdout.contains("said") && both.stderr.contains("web is discarded"), "{both:?}");
    world.ok(&["--stop"]);
    told(&["logs", "web"]);
}

#[test]
fn a_change_takes_effect_at_the_next_start_and_what_was_captured_stays() {
    let world = World::started();
    let program = talker(&world);
    world.ok(&["run", "--name", "web", "--", &program]);
    eventually("it has printed", || world.output("web", "stdout") == b"said\n");
    let answer = Connection::to(&world).ask("PATCH", "/processes/web", Some(&json!({"output": "discard"})));
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(
        (&answer.body["restartNeeded"], &answer.body["restartFields"]),
        (&json!(true), &json!(["output"]))
    );
    assert_eq!(places(&world).len(), 1);
    assert!(!world.files_of_runs().is_empty(), "the run that is up is captured on");

    world.ok(&["restart", "web"]);
    eventually("it has printed again", || places(&world).len() == 2);
    assert_eq!(places(&world)[1], "/dev/null /dev/null");
    eventually("the FIFOs of the first run are gone", || world.files_of_runs().is_empty());
    let said = world.say(["logs", "web"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout.matches("said").count(), 1, "{said:?}");
    assert!(said.stderr.contains("this is of runs in which it was captured"), "{said:?}");

    world.ok(&["update", "web", "--output", "capture", "--now"]);
    eventually("the third is kept", || world.output("web", "stdout") == b"said\nsaid\n");
    assert_eq!(world.say(["logs", "web"]).stderr, "");
}

#[test]
fn a_line_cannot_be_waited_for() {
    let world = World::started();
    let words = ["add", "--name", "web", "--output", "discard", "--ready-log", "listening", "--", "true"];
    let said = world.say(words);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("output: expected \"capture\""), "{}", said.stderr);
    let body = json!({"id": "web", "name": "web", "command": "true", "output": "nowhere"});
    let answer = Connection::to(&world).ask("POST", "/processes", Some(&body));
    assert_eq!(
        (answer.status, &answer.body["problems"][0]["path"]),
        (400, &json!("output")),
        "{:?}",
        answer.body
    );
}

#[test]
fn it_survives_the_monitor_and_its_exit_is_known() {
    let world = World::started();
    let program = talker(&world);
    let go = world.path().join("go").display().to_string();
    let ends =
        world.script("ends", &format!("#!/bin/bash\nwhile [ ! -e {go} ]; do sleep 0.01; done\nexit 7\n"));
    world.ok(&["run", "--name", "web", "--output", "discard", "--", &program]);
    world.ok(&["run", "--name", "ends", "--output", "discard", "--restart", "never", "--", &ends]);
    eventually("a logger is there", || world.logger_pid().is_some());
    let pid = world.pid_of("web").unwrap();
    let ending = world.pid_of("ends").unwrap();
    world.kill_monitor();
    world.await_logger_of(pid);
    world.await_logger_of(ending);
    fs::write(&go, "").unwrap();
    eventually("it has ended", || !is_alive(ending));
    eventually("its exit is noted", || !is_empty(&world.state().join("exits")));
    world.start();
    assert_eq!(world.pid_of("web"), Some(pid), "it runs on");
    world.wait_for_state("ends", "failed");
    let code: &Value = &world.status("ends")["lastExit"]["code"];
    assert!(*code == 7 || code.is_null(), "{code}: known where the system tells it");
    let logger = world.logger_pid().unwrap();
    eventually("the logger lets go of it", || {
        !descriptors(logger).iter().any(|path| path.to_string_lossy().contains("pidfd"))
    });
    kill(pid);
    let new = world.wait_for_new_pid("web", pid);
    world.ok(&["--restart"]);
    assert_eq!(world.pid_of("web"), Some(new));
    world.ok(&["stop", "web"]);
    eventually("nothing of it is left", || world.instances("web").is_empty());
    assert_eq!(places(&world), ["/dev/null /dev/null"; 2]);
}
