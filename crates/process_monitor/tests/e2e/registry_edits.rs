//! Edits of the registry's file while the monitor runs, one kind at a time.

use crate::files::sleeping;
use crate::harness::{World, command_line, eventually, is_alive, kill};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A monitor with these processes that never looks at the file of its own accord: what it notices,
/// it was notified of.
fn notified(processes: Value) -> World {
    let world = World::new();
    world.save(json!({"monitorIntervalMs": 3_600_000, "processes": processes}).to_string());
    world.start();
    world
}

fn runs(world: &World, id: &str) -> bool {
    world.say(["status", id]).code == Some(0) && world.state_of(id) == "running"
}

#[test]
fn a_new_entry_is_started_at_once() {
    let world = notified(json!({}));
    world.edit(|registry| registry["processes"]["new"] = sleeping("new"));
    // The next look at the file of its own accord is an hour away.
    eventually("it is started", || runs(&world, "new"));
    eventually("what became of it is written", || world.entry("new")["state"] == "running");
    assert_eq!(world.entry("new")["pid"], world.status("new")["pid"]);
}

#[test]
fn a_new_entry_that_is_not_to_start_is_registered_only() {
    let world = notified(json!({}));
    world.edit(|registry| {
        let (mut manual, mut disabled, mut asked) =
            (sleeping("manual"), sleeping("disabled"), sleeping("asked"));
        manual["autostart"] = json!(false);
        disabled["enabled"] = json!(false);
        (asked["autostart"], asked["state"]) = (json!(false), json!("starting"));
        registry["processes"] = json!({"manual": manual, "disabled": disabled, "asked": asked});
    });
    eventually("the one that asks for it runs", || runs(&world, "asked"));
    assert_eq!(world.state_of("manual"), "stopped");
    assert_eq!(world.state_of("disabled"), "disabled");
    eventually("the monitor, its logger, and the one are there", || world.processes().len() == 3);
    assert!(["manual", "disabled"].iter().all(|id| world.instances(id).is_empty()));
}

#[test]
fn a_state_that_is_written_is_a_request() {
    let world = notified(json!({"web": sleeping("web")}));
    world.wait_for_state("web", "running");
    eventually("that is written", || world.entry("web")["state"] == "running");
    let first = world.pid_of("web").unwrap();
    let request = |state: &str| world.edit(|registry| registry["processes"]["web"]["state"] = json!(state));

    request("stopped");
    world.wait_for_state("web", "stopped");
    assert!(!is_alive(first));
    eventually("that is written", || world.entry("web")["pid"].is_null());
    request("starting");
    world.wait_for_state("web", "running");
    let second = world.pid_of("web").unwrap();
    eventually("that is written", || world.entry("web")["state"] == "running");
    request("disabled");
    world.wait_for_state("web", "disabled");
    assert!(!is_alive(second));
    eventually("that is written", || world.entry("web")["enabled"] == false);
}

#[test]
fn a_state_that_only_the_monitor_can_know_is_corrected() {
    let world = notified(json!({"web": sleeping("web")}));
    world.wait_for_state("web", "running");
    let pid = world.pid_of("web").unwrap();
    eventually("that is written", || world.entry("web")["state"] == "running");
    world.edit(|registry| {
        let entry = &mut registry["processes"]["web"];
        (entry["pid"], entry["state"], entry["restartAttempts"]) = (json!(1), json!("crashed"), json!(99));
        entry["name"] = json!("Web");
    });
    eventually("the new name is shown", || world.status("web")["name"] == "Web");
    // A write follows that needs no edit.
    world.ok(&["autostart", "web", "off"]);
    assert_eq!((world.pid_of("web"), world.state_of("web").as_str()), (Some(pid), "running"));
    let entry = world.entry("web");
    assert_eq!(
        (&entry["pid"], &entry["state"], &entry["restartAttempts"]),
        (&json!(pid), &json!("running"), &json!(0))
    );
}

#[test]
fn changed_arguments_take_effect_with_the_next_start() {
    let world = notified(json!({"web": sleeping("web")}));
    world.wait_for_state("web", "running");
    world.await_saved("web", "running");
    let first = world.pid_of("web").unwrap();
    world.edit(|registry| registry["processes"]["web"]["args"] = json!(["200000"]));
    eventually("the edit is seen", || world.status("web")["args"] == json!(["200000"]));
    assert_eq!(world.pid_of("web"), Some(first));
    assert!(command_line(first).contains(&"100000".to_owned()));
    world.ok(&["restart", "web"]);
    let second = world.pid_of("web").unwrap();
    assert!(second != first && command_line(second).contains(&"200000".to_owned()));
}

#[test]
fn a_crash_takes_up_changed_arguments_and_policy() {
    let world = notified(json!({"web": sleeping("web")}));
    world.wait_for_state("web", "running");
    world.await_saved("web", "running");
    let first = world.pid_of("web").unwrap();
    world.edit(|registry| {
        registry["processes"]["web"]["args"] = json!(["200000"]);
        registry["processes"]["web"]["restartPolicy"] = json!({"backoffIntervalsMs": []});
    });
    eventually("the edit is seen", || world.status("web")["args"] == json!(["200000"]));
    kill(first);
    let second = world.wait_for_new_pid("web", first);
    assert!(command_line(second).contains(&"200000".to_owned()));
}

#[test]
fn what_is_not_known_survives_at_every_level() {
    let fixture = "../core/tests/fixtures/registries/good/unknown-fields.json";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture)).unwrap();
    let mut before: Value = serde_json::from_str(&text).unwrap();
    let entry = &mut before["processes"]["web"];
    (entry["command"], entry["args"], entry["alivenessCheck"]["enabled"]) =
        (json!("sleep"), json!(["100000"]), json!(false));
    let world = World::new();
    world.save(before.to_string());
    world.start();
    world.wait_for_state("web", "running");
    eventually("the file tells its pid", || world.entry("web")["pid"] == world.status("web")["pid"]);
    world.await_saved("web", "running");
    world.edit(|registry| registry["processes"]["web"]["x-later"] = json!({"a": [null]}));
    before["processes"]["web"]["x-later"] = json!({"a": [null]});
    world.ok(&["restart", "web"]);
    world.ok(&["autostart", "web", "off"]);
    world.ok(&["--restart"]);
    world.ok(&["disable", "web"]);
    world.await_saved("web", "disabled");
    let after = world.document();
    // What the last run's end says is the last run's.
    before["processes"]["web"].as_object_mut().unwrap().remove("lastExit");
    assert_kept(&before, &after, "");
}

#[track_caller]
fn assert_kept(before: &Value, after: &Value, path: &str) {
    match before.as_object() {
        Some(fields) => {
            fields
                .iter()
                .for_each(|(name, value)| assert_kept(value, &after[name], &format!("{path}.{name}")));
        }
        None => assert_eq!(before, after, "{path}"),
    }
}

#[test]
fn while_it_cannot_be_read_all_goes_on_and_one_line_says_so() {
    for broken in [
        "{ this is no registry".to_owned(),
        json!({"version": 2}).to_string(),
        json!({"instanceId": "other"}).to_string(),
        json!({"processes": {"web": {"id": "web", "name": "web", "command": ""}}}).to_string(),
    ] {
        let mut web = sleeping("web");
        web["restartPolicy"] = json!({"backoffIntervalsMs": []});
        let world = notified(json!({"web": web}));
        world.wait_for_state("web", "running");
        eventually("that is written", || world.entry("web")["state"] == "running");
        let (good, first) = (world.document(), world.pid_of("web").unwrap());
        world.save(&broken);
        let complaints = || world.monitor_log().matches("[ERROR]").count();
        eventually("the log says so", || complaints() == 1);
        let log = world.monitor_log();
        assert!(log.contains("processes_default.json") && log.contains("line 1"), "{log}");
        assert_eq!(world.doctor("registry").0, "bad");

        // Two changes that would be written, one of which is waited for.
        kill(first);
        let second = world.wait_for_new_pid("web", first);
        let said = world.say(["add", "--name", "own", "--", "sleep", "100000"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("saved") && said.stderr.contains("line 1"), "{}", said.stderr);
        assert_eq!(fs::read_to_string(world.registry()).unwrap(), broken, "it was overwritten");

        let mut mended = good;
        mended["processes"]["theirs"] = sleeping("theirs");
        world.save(mended.to_string());
        eventually("their entry runs", || runs(&world, "theirs"));
        eventually("ours is written", || world.entry("own")["command"] == "sleep");
        eventually("the new pid is written", || world.entry("web")["pid"] == json!(second));
        assert_eq!(complaints(), 1, "{}", world.monitor_log());
        assert_eq!(world.pid_of("web"), Some(second));
    }
}

#[test]
fn a_link_put_in_its_place_is_not_written_through() {
    let world = notified(json!({"web": sleeping("web")}));
    world.wait_for_state("web", "running");
    world.await_saved("web", "running");
    let elsewhere = world.path().join("elsewhere.json");
    fs::write(&elsewhere, "{}").unwrap();
    let link = world.path().join("link");
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    fs::rename(link, world.registry()).unwrap();
    eventually("the log says so", || world.monitor_log().contains("symbolic link"));
    let said = world.say(["autostart", "web", "off"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "{}");
    assert_eq!(world.state_of("web"), "running");
}

#[test]
fn an_emptied_list_stops_everything() {
    let world = notified(json!({"a": sleeping("a"), "b": sleeping("b")}));
    world.wait_for_state("a", "running");
    world.wait_for_state("b", "running");
    ["a", "b"].iter().for_each(|id| world.await_saved(id, "running"));
    world.edit(|registry| registry["processes"] = json!({}));
    eventually("nothing runs", || world.running("100000").is_empty());
    eventually("they are forgotten", || {
        ["a", "b"].iter().all(|id| world.say(["status", *id]).code == Some(4))
    });
}

#[test]
fn the_sweep_notices_what_nobody_notified_of() {
    let world = World::behind_link();
    world.save(json!({"monitorIntervalMs": 50, "processes": {"old": sleeping("old")}}).to_string());
    world.start();
    world.wait_for_state("old", "running");
    eventually("that is written", || world.entry("old")["state"] == "running");
    // The link is turned to another folder with the same content: who watches a folder watches the old one.
    let here = world.path().parent().unwrap();
    let (old, new) = (here.join("real"), here.join("new"));
    fs::create_dir(&new).unwrap();
    fs::hard_link(world.registry(), new.join("processes_default.json")).unwrap();
    std::os::unix::fs::symlink("new", here.join("turned")).unwrap();
    fs::rename(here.join("turned"), world.path()).unwrap();
    for name in ["default_state", "default_logs"] {
        fs::rename(old.join(name), new.join(name)).unwrap();
    }
    // A notification from before may still be on its way, so the first edit proves nothing.
    for id in ["first", "second"] {
        world.edit(|registry| registry["processes"][id] = sleeping(id));
        eventually("it is started", || runs(&world, id));
    }
}

#[test]
fn a_change_waits_for_the_lock_and_a_stale_one_is_broken() {
    let world = notified(json!({"web": sleeping("web")}));
    world.wait_for_state("web", "running");
    world.await_saved("web", "running");
    let lock = |pid: u32| {
        let text = json!({"lockedBy": "x", "lockedAt": "2100-01-01T00:00:00Z", "pid": pid, "operation": "y"});
        let mine = world.path().join("mine");
        fs::write(&mine, text.to_string()).unwrap();
        eventually("the lock is free", || fs::hard_link(&mine, world.lock_file()).is_ok());
        fs::remove_file(mine).unwrap();
    };
    // This very process lives.
    lock(std::process::id());
    let mut waiting = world.command(["autostart", "web", "off"]).stdout(Stdio::null()).spawn().unwrap();
    eventually("the change is shown", || world.status("web")["autostart"] == false);
    assert!(waiting.try_wait().unwrap().is_none(), "it was answered before it was on disk");
    assert_ne!(world.entry("web")["autostart"], false, "it was written in spite of the lock");
    fs::remove_file(world.lock_file()).unwrap();
    assert!(waiting.wait().unwrap().success());
    assert_eq!(world.entry("web")["autostart"], false);

    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    lock(dead.id());
    assert_eq!(world.doctor("registry lock").0, "warn");
    world.ok(&["autostart", "web", "on"]);
    assert_eq!(world.entry("web")["autostart"], true);
    assert!(!world.lock_file().exists());
}

#[test]
fn of_many_breakers_of_a_stale_lock_none_undoes_the_others_change() {
    let world = World::new();
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let text =
        json!({"lockedBy": "x", "lockedAt": "2026-01-24T10:30:00Z", "pid": dead.id(), "operation": "y"});
    fs::write(world.lock_file(), text.to_string()).unwrap();
    let add =
        |n: u32| world.command(["add", "--name", &format!("p{n}"), "--", "sleep", "1"]).spawn().unwrap();
    let mut adding: Vec<_> = (0..12).map(add).collect();
    assert!(adding.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(world.document()["processes"].as_object().unwrap().len(), 12);
    assert!(!world.lock_file().exists());
}
