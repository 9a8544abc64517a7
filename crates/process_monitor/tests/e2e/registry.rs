//! The registry's file: bad ones are refused and left alone, edits are noticed, nothing is lost.

use crate::harness::{World, eventually, is_alive};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A registry with these entries.
fn registry(processes: Value) -> Value {
    json!({"version": 1, "instanceId": "default", "processes": processes})
}

fn sleeper(id: &str) -> Value {
    json!({"id": id, "name": id, "command": "sleep", "args": ["100000"]})
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Replaces the file as an editor does.
fn edit(world: &World, change: impl FnOnce(&mut Value)) {
    let mut value = read(&world.registry());
    change(&mut value);
    let temporary = world.path().join("edited");
    fs::write(&temporary, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
    fs::rename(temporary, world.registry()).unwrap();
}

#[test]
fn bad_registries_are_refused_named_and_left_alone() {
    let entry = |text: &str| format!("{{\"version\":1,\n\"processes\":{{\n{text}\n}}}}");
    let table: Vec<(&str, String, Vec<&str>)> = vec![
        ("not JSON", "hello".into(), vec!["line 1"]),
        ("cut off", "{\"version\":1,".into(), vec!["line 1"]),
        (
            "a wrong type",
            entry(r#""a":{"id":"a","name":"a","command":5}"#),
            vec!["line 3", "processes.a.command"],
        ),
        ("a larger version", "{\"version\":2}".into(), vec!["newer"]),
        (
            "an id twice",
            entry(
                "\"a\":{\"id\":\"a\",\"name\":\"a\",\"command\":\"x\"},\n\"a\":{\"id\":\"a\",\"name\":\"a\",\"command\":\"y\"}",
            ),
            vec!["line 4", "a"],
        ),
        (
            "an id with a slash",
            entry(r#""a/b":{"id":"a/b","name":"a","command":"x"}"#),
            vec!["line 3", "a/b"],
        ),
        ("an id that climbs", entry(r#""..":{"id":"..","name":"a","command":"x"}"#), vec!["line 3"]),
        (
            "an id with a control character",
            entry(r#""a\u0007":{"id":"a\u0007","name":"a","command":"x"}"#),
            vec!["line 3"],
        ),
        (
            "an empty command",
            entry(r#""a":{"id":"a","name":"a","command":""}"#),
            vec!["line 3", "processes.a.command"],
        ),
        (
            "a negative number",
            entry(r#""a":{"id":"a","name":"a","command":"x","restartPolicy":{"maxAttempts":-1}}"#),
            vec!["line 3", "processes.a.restartPolicy.maxAttempts"],
        ),
        ("another instance's", r#"{"version":1,"instanceId":"other"}"#.into(), vec!["instanceId", "other"]),
    ];
    for (what, text, expected) in table {
        let world = World::new();
        fs::write(world.registry(), &text).unwrap();
        for words in
            [&[][..], &["--foreground"][..], &["list"][..], &["add", "--name", "b", "--", "sleep"][..]]
        {
            let said = world.say(words.iter());
            assert_eq!(said.code, Some(1), "{what} {words:?}: {}{}", said.stdout, said.stderr);
            let named =
                expected.iter().chain(&["processes_default.json"]).all(|part| said.stderr.contains(part));
            assert!(named, "{what} {words:?}: {}", said.stderr);
        }
        assert_eq!(fs::read_to_string(world.registry()).unwrap(), text, "{what}");
        assert_eq!(world.monitor_pid(), None, "{what}");
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let world = World::new();
    let real = world.path().join("real.json");
    fs::write(&real, registry(json!({})).to_string()).unwrap();
    std::os::unix::fs::symlink(&real, world.registry()).unwrap();
    let said = world.say::<&str>([]);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stderr.contains("symbolic link") || said.stderr.contains("symlink"), "{}", said.stderr);
    fs::remove_file(world.registry()).unwrap();
    fs::create_dir(world.registry()).unwrap();
    let said = world.say::<&str>([]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("processes_default.json"), "{}", said.stderr);
}

#[test]
fn a_file_of_a_hundred_megabytes_is_refused_quickly() {
    let world = World::new();
    fs::File::create(world.registry()).unwrap().set_len(100 << 20).unwrap();
    let said = world.say::<&str>([]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("processes_default.json"), "{}", said.stderr);
    assert_eq!(fs::metadata(world.registry()).unwrap().len(), 100 << 20);
}

#[test]
fn edits_from_outside_are_noticed() {
    let world = World::new();
    fs::write(world.registry(), registry(json!({"a": sleeper("a"), "gone": sleeper("gone")})).to_string())
        .unwrap();
    world.start();
    world.wait_for_state("a", "running");
    world.wait_for_state("gone", "running");
    let (first, gone) = (world.pid_of("a").unwrap(), world.pid_of("gone").unwrap());
    ["a", "gone"].iter().for_each(|id| world.await_saved(id, "running"));

    edit(&world, |value| {
        value["processes"]["new"] = sleeper("new");
        value["processes"]["new"]["ours"] = json!({"kept": [1, 2]});
        value["ofTomorrow"] = json!("kept");
        value["processes"].as_object_mut().unwrap().remove("gone");
    });
    eventually("the new one runs", || {
        world.say(["status", "new"]).code == Some(0) && world.state_of("new") == "running"
    });
    eventually("the removed one is gone", || {
        !is_alive(gone) && world.say(["status", "gone"]).code == Some(4)
    });
    assert_eq!(world.pid_of("a"), Some(first), "an edit elsewhere disturbs nobody");
    world.await_saved("new", "running");

    edit(&world, |value| value["processes"]["a"]["enabled"] = json!(false));
    world.wait_for_state("a", "disabled");
    assert!(!is_alive(first));
    world.await_saved("a", "disabled");
    edit(&world, |value| value["processes"]["a"]["enabled"] = json!(true));
    world.wait_for_state("a", "stopped");
    world.await_saved("a", "stopped");
    edit(&world, |value| {
        value["processes"]["a"]["state"] = json!("starting");
        value["processes"]["a"]["args"] = json!(["200000"]);
    });
    world.wait_for_state("a", "running");
    assert_eq!(world.running("200000"), [world.pid_of("a").unwrap()]);

    // The monitor has written the file since, and kept what it does not know.
    world.ok(&["autostart", "a", "off"]);
    let value = read(&world.registry());
    assert_eq!(value["ofTomorrow"], "kept");
    assert_eq!(value["processes"]["new"]["ours"], json!({"kept": [1, 2]}));
    assert_eq!(value["processes"]["a"]["autostart"], false);
}

#[test]
fn a_file_that_becomes_unreadable_is_left_alone_until_it_is_mended() {
    let world = World::started();
    world.ok(&["run", "--name", "a", "--", "sleep", "100000"]);
    let pid = world.pid_of("a").unwrap();
    world.await_saved("a", "running");
    let good = fs::read_to_string(world.registry()).unwrap();
    fs::write(world.registry(), "{ this is no registry").unwrap();
    let refused = world.say(["add", "--name", "b", "--", "sleep", "1"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("saved"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(world.registry()).unwrap(), "{ this is no registry");
    assert_eq!(world.pid_of("a"), Some(pid));
    fs::write(world.registry(), good).unwrap();
    eventually("what was not saved is saved", || {
        let text = fs::read_to_string(world.registry()).unwrap();
        serde_json::from_str::<Value>(&text).is_ok_and(|value| value["processes"]["b"].is_object())
    });
    assert_eq!(world.pid_of("a"), Some(pid));
}

#[test]
fn a_file_that_is_removed_is_written_again() {
    let world = World::started();
    world.ok(&["run", "--name", "a", "--", "sleep", "100000"]);
    let pid = world.pid_of("a").unwrap();
    world.await_saved("a", "running");
    fs::remove_file(world.registry()).unwrap();
    eventually("the file is back", || world.registry().exists());
    assert!(read(&world.registry())["processes"]["a"].is_object());
    assert_eq!(world.pid_of("a"), Some(pid));
}

/// Another implementation's client: takes the lock file, reads, changes, replaces, releases.
const FOREIGN_CLIENT: &str = r#"
import json, os, sys, datetime, time
directory, process = sys.argv[1], sys.argv[2]
lock, registry = directory + "/processes_default.lock", directory + "/processes_default.json"
content = json.dumps({"lockedBy": "foreign", "lockedAt": datetime.datetime.now(datetime.timezone.utc).isoformat(),
                      "pid": os.getpid(), "operation": "register"})
mine = lock + "." + str(os.getpid())
open(mine, "w").write(content)
while True:
    try:
        os.link(mine, lock); break
    except FileExistsError: time.sleep(0.002)
os.unlink(mine)
value = json.load(open(registry))
value["processes"][process] = {"id": process, "name": process, "command": "sleep", "args": ["100000"]}
open(registry + ".foreign." + process, "w").write(json.dumps(value))
os.rename(registry + ".foreign." + process, registry)
os.unlink(lock)
"#;

#[test]
fn clients_that_obey_the_lock_lose_nothing_to_each_other() {
    let world = World::started();
    world.ok(&["add", "--name", "first", "--", "sleep", "100000"]);
    let directory = world.path().display().to_string();
    let foreign = |n: u32| {
        let args = ["-c", FOREIGN_CLIENT, &directory, &format!("foreign-{n}")];
        Command::new("python3").args(args).spawn().unwrap()
    };
    let mut clients: Vec<_> = (0..5).map(foreign).collect();
    for n in 0..5 {
        world.ok(&["add", "--name", &format!("own-{n}"), "--", "sleep", "100000"]);
    }
    assert!(clients.iter_mut().all(|client| client.wait().unwrap().success()));
    for n in 0..5 {
        let id = format!("foreign-{n}");
        eventually("it is started", || {
            world.say(["status", &id]).code == Some(0) && world.state_of(&id) == "running"
        });
        assert_eq!(world.say(["status", &format!("own-{n}")]).code, Some(0));
    }
    let value = read(&world.registry());
    assert_eq!(value["processes"].as_object().unwrap().len(), 11);
}

#[test]
fn a_lock_of_a_dead_holder_is_broken_and_a_live_one_is_named() {
    let world = World::new();
    let lock = world.path().join("processes_default.lock");
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let text = |pid: u32, at: &str| {
        json!({"lockedBy": "x", "lockedAt": at, "pid": pid, "operation": "testing"}).to_string()
    };
    fs::write(&lock, text(dead.id(), "2026-01-24T10:30:00.000Z")).unwrap();
    world.ok(&["add", "--name", "a", "--", "sleep", "1"]);
    assert!(!lock.exists());

    // This very process, which started before that time.
    fs::write(&lock, text(std::process::id(), "2100-01-01T00:00:00.000Z")).unwrap();
    let said = world.say(["add", "--name", "b", "--", "sleep", "1"]);
    assert_eq!(said.code, Some(1));
    let pid = std::process::id().to_string();
    assert!(said.stderr.contains("testing") && said.stderr.contains(&pid), "{}", said.stderr);
    assert!(lock.exists());
    fs::remove_file(lock).unwrap();
}

#[test]
fn without_a_monitor_the_file_is_changed() {
    let world = World::new();
    world.ok(&["add", "--name", "a", "--", "sleep", "100000"]);
    world.ok(&["autostart", "a", "off"]);
    world.ok(&["disable", "a"]);
    assert_eq!(world.state_of("a"), "disabled");
    world.ok(&["enable", "a"]);
    assert_eq!(world.say(["start", "a"]).code, Some(3));
    assert_eq!(world.say(["start", "nobody"]).code, Some(3));
    assert_eq!(world.say(["enable", "nobody"]).code, Some(4));
    world.ok(&["remove", "a"]);
    assert!(read(&world.registry())["processes"].as_object().unwrap().is_empty());
}

#[test]
fn registries_of_the_earlier_implementation_are_run_and_kept() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/fixtures/registries/good");
    let mut seen = 0;
    for file in fs::read_dir(fixtures).unwrap().flatten().map(|file| file.path()) {
        let Some(mut value) =
            fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok())
        else {
            continue;
        };
        if value.get("instanceId").is_some_and(|id| id != "default") {
            continue;
        }
        let world = World::new();
        for (_, entry) in value["processes"].as_object_mut().into_iter().flatten() {
            // Something that runs here; all else as it was.
            entry["command"] = json!("sleep");
            entry["args"] = json!(["100000"]);
            entry.as_object_mut().unwrap().remove("workingDirectory");
        }
        fs::write(world.registry(), value.to_string()).unwrap();
        world.start();
        world.ok(&["add", "--name", "one-more", "--", "sleep", "1"]);
        let now = read(&world.registry());
        for (id, entry) in value["processes"].as_object().into_iter().flatten() {
            if entry["enabled"] != false && entry["autostart"] != false {
                world.wait_for_state(id, "running");
            }
            for (field, old) in entry.as_object().unwrap() {
                let runtime = [
                    "state",
                    "pid",
                    "lastStartedAt",
                    "lastStoppedAt",
                    "restartAttempts",
                    "consecutiveFailures",
                    "lastExit",
                    "pastRuns",
                    "removing",
                ];
                // A null means the default, and a time may be written in another form.
                let same = runtime.contains(&field.as_str()) || old.is_null() || field == "registeredAt";
                assert!(
                    same || is_part(old, &now["processes"][id][field]),
                    "{file:?} {id}.{field}: {old} became {}",
                    now["processes"][id][field]
                );
            }
        }
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} fixtures were run");
}

/// Whether everything that `old` says stands in `new`; defaults may have been added.
fn is_part(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            old.iter().all(|(key, old)| old.is_null() || new.get(key).is_some_and(|new| is_part(old, new)))
        }
        (Value::Number(old), Value::Number(new)) => old.as_f64() == new.as_f64(),
        _ => old == new,
    }
}
