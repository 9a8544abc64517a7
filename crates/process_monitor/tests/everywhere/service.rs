//! A monitor as a service, where that can be tried without harm: for the service control manager of Windows, to which it is one of many.
//! (What is written for systemd is tested by `e2e`.)

use crate::Test;
use crate::world::{World, eventually};
use process_monitor_host::service_manager::{Kind, Manager};
use std::process::{Command, Stdio};

pub const TESTS: &[Test] = &[("service::the_manager_starts_and_stops_it", the_manager_starts_and_stops_it)];

/// A service of this machine that does not outlive the test.
struct Installed<'a> {
    world: &'a World,
    instance: String,
}

impl Installed<'_> {
    fn service(&self, action: &str) -> String {
        self.world.ok(["--instance", &self.instance, "service", action, "--system"])
    }

    fn name(&self) -> String {
        format!("process_monitor_{}", self.instance)
    }

    /// Has the manager do something with it.
    fn manage(&self, action: &str) -> bool {
        let mut sc = Command::new("sc");
        sc.args([action, &self.name()]).stdin(Stdio::null()).stdout(Stdio::null());
        sc.status().unwrap().success()
    }

    fn becomes(&self, state: &str) {
        let manager = Manager { kind: Kind::here(), of_user: false };
        eventually(state, || manager.is_active(&self.name()).is_ok_and(|found| found == state));
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.manage("stop");
            let _gone = self
                .world
                .command(["--instance", &self.instance, "service", "uninstall", "--system"])
                .output();
        }
    }
}

fn the_manager_starts_and_stops_it() {
    if Kind::here() != Kind::Windows {
        return;
    }
    let world = World::new();
    let service = Installed { world: &world, instance: format!("everywhere-{}", std::process::id()) };
    service.service("install");
    assert!(service.manage("start"));
    service.becomes("running");
    eventually("its monitor runs", || world.monitor(&service.instance).is_some());
    let status = world.ok(["--instance", &service.instance, "--status"]);
    assert!(status.contains("State: running"), "{status}");
    assert!(service.service("status").contains("running"));
    assert!(service.manage("stop"));
    service.becomes("stopped");
    assert_eq!(world.monitor(&service.instance), None, "told to stop, it stopped");
    service.service("uninstall");
    assert!(!service.manage("start"), "it is gone");
}
