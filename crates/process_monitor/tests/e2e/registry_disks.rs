//! The disk under the registry: full, read-only, or somebody else's.

use crate::files::sleeping;
use crate::harness::{Said, World, eventually, kill};
use crate::users::User;
use serde_json::json;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

const KIBIBYTES: u32 = 4096;

#[track_caller]
fn fails_with(said: &Said, expected: &[&str]) {
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in expected {
        assert!(said.stderr.contains(part), "without {part:?}: {}", said.stderr);
    }
}

#[test]
fn a_read_only_directory_can_be_looked_at() {
    let Some(world) = World::on_disk(KIBIBYTES) else { return };
    world.ok(&["add", "--name", "web", "--", "sleep", "100000"]);
    let before = fs::read(world.registry()).unwrap();
    world.disk().make_read_only();
    let place = world.path().display().to_string();
    fails_with(&world.say::<&str>([]), &[&place, "read-only"]);
    fails_with(&world.say(["add", "--name", "new", "--", "sleep", "1"]), &[&place, "read-only"]);
    fails_with(&world.say(["disable", "web"]), &[&place, "read-only"]);
    assert_eq!(world.state_of("web"), "stopped");
    assert_eq!(fs::read(world.registry()).unwrap(), before);
    let (level, found, advice) = world.doctor("directory");
    assert!(level == "bad" && found.to_lowercase().contains("read-only"), "{level}: {found}");
    assert!(advice.contains("--directory"), "{advice}");
}

#[test]
fn a_full_disk_is_named_at_the_start_and_overcome() {
    let Some(world) = World::on_disk(KIBIBYTES) else { return };
    world.save(json!({"processes": {"web": sleeping("web")}}).to_string());
    let before = fs::read(world.registry()).unwrap();
    world.disk().fill();
    let place = world.path().display().to_string();
    fails_with(&world.say::<&str>([]), &[&place, "the disk is full"]);
    fails_with(&world.say(["add", "--name", "new", "--", "sleep", "1"]), &[&place, "the disk is full"]);
    assert_eq!(fs::read(world.registry()).unwrap(), before);
    assert_eq!(world.processes(), [0_u32; 0]);
    assert_ne!(world.doctor("disk space").0, "ok");
    let (level, found, _) = world.doctor("directory");
    assert!(level == "bad" && found.contains("No space"), "{level}: {found}");
    world.disk().free();
    world.start();
    world.wait_for_state("web", "running");
}

#[test]
fn a_disk_that_is_full_for_a_while_costs_nothing() {
    let Some(world) = World::on_disk(KIBIBYTES) else { return };
    world.start();
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    let first = world.pid_of("web").unwrap();
    // A file that is just being written makes room when it has replaced the one before.
    world.await_saved("web", "running");
    world.disk().fill();
    let said = world.say(["add", "--name", "new", "--", "sleep", "100000"]);
    fails_with(&said, &["saved", "the disk is full"]);
    let (level, found, advice) = world.doctor("disk space");
    assert!(level != "ok" && !advice.is_empty(), "{level}: {found}");
    assert_eq!(world.pid_of("web"), Some(first), "what runs is not disturbed");
    assert!(world.document()["processes"]["new"].is_null());

    world.disk().free();
    eventually("what was not saved is saved", || world.entry("new")["command"] == "sleep");
    kill(first);
    world.wait_for_new_pid("web", first);
    world.ok(&["start", "new"]);
    let complaints = world.monitor_log().matches("cannot save the registry").count();
    assert_eq!(complaints, 1, "one fault, one line: {}", world.monitor_log());
}

#[test]
fn a_registry_that_may_not_be_read() {
    let Some(user) = User::new() else { return };
    let world = World::new();
    user.takes(&world);
    world.save(json!({"processes": {"web": sleeping("web")}}).to_string());
    fs::set_permissions(world.registry(), fs::Permissions::from_mode(0o600)).unwrap();
    let path = world.registry().display().to_string();
    let calls: [&[&str]; 4] = [&[], &["list"], &["status", "web"], &["add", "--name", "new", "--", "true"]];
    for words in calls {
        fails_with(&user.say(&world, words), &[&path, "ermission denied"]);
    }
    assert_eq!(world.document()["processes"], json!({"web": sleeping("web")}));
}

#[test]
fn a_directory_that_is_somebody_elses() {
    let Some(user) = User::new() else { return };
    let world = World::new();
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let place = world.path().display().to_string();
    fails_with(&user.say(&world, &[]), &[&place, "ermission denied"]);
    fails_with(&user.say(&world, &["add", "--name", "new", "--", "true"]), &[&place, "ermission denied"]);
    assert_eq!(fs::read_dir(world.path()).unwrap().count(), 0);
}

#[test]
fn a_private_folder_that_is_somebody_elses() {
    let Some(user) = User::new() else { return };
    let world = World::new();
    user.takes(&world);
    fs::create_dir(world.state()).unwrap();
    chown(world.state(), Some(0), Some(0)).unwrap();
    let place = world.state().display().to_string();
    fails_with(&user.say(&world, &[]), &[&place, "belongs to user 0"]);
}
