//! `upgrade`: another program in the place of the monitor's, while everything runs on.

use crate::harness::{PROGRAM, Said, World, said};
use crate::http::Connection;
use crate::programs::write_program;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command line of another build than the one that the monitor runs.
fn other(world: &World, args: &[&str]) -> Said {
    let mut command = Command::new(PROGRAM);
    command.args(args).env("TOM_PM_DIRECTORY", world.path()).env_remove("FAILPOINTS");
    said(command.output().unwrap())
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// A copy of the program with something at its end that does no harm: another file, with another content.
fn newer(world: &World) -> PathBuf {
    let path = world.path().join("newer");
    let mut content = fs::read(PROGRAM).unwrap();
    content.extend(b"newer");
    write_program(&path, &content, 0o700);
    path
}

#[test]
fn a_new_program_takes_over_and_the_old_one_can_be_had_back() {
    let world = World::with_own_program();
    world.start();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let before = (world.monitor_pid(), world.pid_of("web"));
    let old = inode(world.program());
    fs::set_permissions(world.program(), fs::Permissions::from_mode(0o750)).unwrap();
    let newer = newer(&world);

    let said = other(&world, &["upgrade", "--from", newer.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let previous = world.program().with_extension("previous");
    assert!(said.stdout.contains(&format!("upgrade --from {}", previous.display())), "{}", said.stdout);
    assert_eq!((world.monitor_pid(), world.pid_of("web")), before);
    let runs = format!("/proc/{}/exe", before.0.unwrap());
    assert!(fs::read(&runs).unwrap().ends_with(b"newer"));
    assert_eq!(fs::metadata(world.program()).unwrap().mode() & 0o777, 0o750, "its mode is kept");
    assert_eq!(inode(&previous), old);

    let said = other(&world, &["upgrade", "--from", previous.to_str().unwrap(), "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!fs::read(&runs).unwrap().ends_with(b"newer"));
    assert_eq!((world.monitor_pid(), world.pid_of("web")), before);
    // By now the file has been replaced twice; it still is known where it is.
    let status = Connection::to(&world).ask("GET", "/monitor/status", None).body;
    assert_eq!(status["executable"].as_str(), world.program().to_str());
    world.ok(&["--restart"]);
    assert_eq!((world.monitor_pid(), world.pid_of("web")), before);
}

#[test]
fn a_program_that_does_not_work_never_gets_in_place() {
    let world = World::with_own_program();
    world.start();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let before = (world.monitor_pid(), world.pid_of("web"), inode(world.program()));
    let bad = world.script("bad", "#!/bin/sh\necho boom >&2\nexit 1\n");
    let cut = newer(&world);
    fs::OpenOptions::new().write(true).open(&cut).unwrap().set_len(100_000).unwrap();
    let none = world.path().join("none").display().to_string();
    for (file, why) in [(bad.as_str(), "boom"), (cut.to_str().unwrap(), "truncated"), (&none, "No such file")]
    {
        let said = other(&world, &["upgrade", "--from", file]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains(why) && said.stderr.contains("nothing was changed"), "{}", said.stderr);
        assert!(said.stderr.contains("try another file with --from"), "{}", said.stderr);
        assert_eq!((world.monitor_pid(), world.pid_of("web"), inode(world.program())), before);
        assert_eq!(fs::read_dir(world.path().join("bin")).unwrap().count(), 1, "nothing is left beside it");
    }
}

#[test]
fn without_a_monitor_there_is_nothing_to_upgrade() {
    assert_eq!(other(&World::new(), &["upgrade"]).code, Some(3));
}
