//! `service`: a unit for systemd. systemd itself need not run here.

use crate::harness::{Said, World, said};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn service(world: &World, args: &[&str]) -> Said {
    let words = [&["service"][..], args].concat();
    let mut command = world.command(words);
    command.env("XDG_CONFIG_HOME", world.path().join("config")).env_remove("TOM_PM_API_PORT");
    said(command.output().unwrap())
}

fn unit(world: &World) -> PathBuf {
    world.path().join("config/systemd/user/process_monitor.service")
}

#[test]
fn a_unit_is_installed_shown_and_removed() {
    let world = World::new();
    let printed = service(&world, &["install", "--user", "--print"]).stdout;
    assert!(!unit(&world).exists(), "only printed");
    let installed = service(&world, &["install", "--user"]);
    assert_eq!(installed.code, Some(0), "{installed:?}");
    assert!(
        installed.stdout.contains("systemctl --user enable --now process_monitor.service"),
        "{installed:?}"
    );
    assert_eq!(fs::read_to_string(unit(&world)).unwrap(), printed);
    let directory = world.path().display();
    assert!(
        printed.contains(&format!("--foreground --directory {directory} --instance default")),
        "{printed}"
    );
    let status = service(&world, &["status", "--user"]).stdout;
    assert!(status.contains("Unit:     installed\n") && status.contains("not running"), "{status}");
    assert_eq!(service(&world, &["install", "--user"]).code, Some(0), "again is fine");
    let removed = service(&world, &["uninstall", "--user"]);
    assert!(removed.code == Some(0) && removed.stdout.contains("goes on"), "{removed:?}");
    assert!(!unit(&world).exists());
    assert_eq!(service(&world, &["uninstall", "--user"]).code, Some(1));
}

#[test]
fn what_somebody_else_wrote_is_left_alone() {
    let world = World::new();
    service(&world, &["install", "--user"]);
    let edited = fs::read_to_string(unit(&world)).unwrap().replace("WatchdogSec=30", "WatchdogSec=300");
    for (text, why) in
        [(edited.as_str(), "was edited"), ("[Service]\nExecStart=/bin/true\n", "somebody else wrote it")]
    {
        fs::write(unit(&world), text).unwrap();
        for action in ["install", "uninstall"] {
            let said = service(&world, &[action, "--user"]);
            assert_eq!(said.code, Some(1), "{said:?}");
            assert!(said.stderr.contains(why) && said.stderr.contains("--force"), "{}", said.stderr);
            assert_eq!(fs::read_to_string(unit(&world)).unwrap(), text);
        }
    }
    assert_eq!(service(&world, &["install", "--user", "--force"]).code, Some(0));
    assert!(fs::read_to_string(unit(&world)).unwrap().contains("Type=notify"));
}

#[test]
fn systemd_understands_the_unit() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        return eprintln!("skipped: there is no systemd-analyze");
    };
    assert!(version.status.success());
    let world = World::new();
    for (args, name) in
        [(vec!["--user"], "process_monitor"), (vec!["--user", "--watcher"], "process_monitor-watcher")]
    {
        let printed = service(&world, &[&["install", "--print"][..], &args].concat());
        let path = world.path().join(format!("{name}.service"));
        fs::write(&path, printed.stdout).unwrap();
        let verified =
            Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().unwrap();
        let verified = said(verified);
        assert!(verified.code == Some(0) && !verified.stderr.contains(name), "{verified:?}");
    }
}
