//! What two monitors know of each other by files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use process_monitor_core::id::InstanceId;
use process_monitor_core::partner::{Farewell, Last, Sighting};
use process_monitor_core::time::Wall;
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::{InstanceLock, MonitorInfo};
use process_monitor_host::pair::history::{self, Replacement};
use process_monitor_host::pair::launch::Launch;
use process_monitor_host::pair::outputs::HeldOutputs;
use process_monitor_host::pair::{Owner, farewell, sighting};
use process_monitor_host::process::Identity;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn place() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path(), InstanceId::default());
    fs::create_dir_all(layout.fifos()).unwrap();
    (folder, layout)
}

/// A process that ends with its input.
fn child() -> (Child, Identity) {
    let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let identity = Identity::of(child.id()).unwrap().unwrap();
    (child, identity)
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Writes the record of a monitor that is `identity`.
fn record(layout: &Layout, identity: Identity) {
    let lock = InstanceLock::acquire(layout).unwrap();
    let info = MonitorInfo { identity, ..lock.info().clone() };
    drop(lock);
    fs::write(layout.monitor_info(), serde_json::to_vec(&info).unwrap()).unwrap();
}

fn owner(identity: Identity) -> Owner {
    Owner { identity, ..Owner::this_process().unwrap() }
}

#[test]
fn how_a_monitor_is_or_how_it_ended() {
    let (_folder, layout) = place();
    assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::None));
    let (process, identity) = child();
    record(&layout, identity);
    let Sighting::Running { life, proven: true } = sighting::look(&layout, None) else { panic!("it runs") };
    assert_eq!(sighting::identity(&life), identity);
    // The word of another life says nothing of this one.
    farewell::leave(&layout, Owner::this_process().unwrap(), Farewell::Stop).unwrap();
    assert_eq!(sighting::farewell_of(&layout, &life), None);
    end(process);
    assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::Cut));
    farewell::leave(&layout, owner(identity), Farewell::Stop).unwrap();
    assert_eq!(sighting::farewell_of(&layout, &life), Some(Farewell::Stop));
    assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::Left));
    // A clean end takes the record with it.
    fs::remove_file(layout.monitor_info()).unwrap();
    assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::Left));
    farewell::take_back(&layout).unwrap();
    farewell::take_back(&layout).unwrap();
    assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::None));
}

#[test]
fn nobody_misses_one_that_wanted_no_partner() {
    let (_folder, layout) = place();
    let (process, identity) = child();
    record(&layout, identity);
    let (executable, arguments) = ("/bin/pm".into(), Vec::new());
    Launch { owner: owner(identity), executable, arguments, standalone: true }.write(&layout).unwrap();
    end(process);
    assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::None));
    farewell::leave(&layout, owner(identity), Farewell::Stop).unwrap();
    assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::Left));
}

#[test]
fn what_another_boot_or_somebody_careless_left_says_nothing() {
    let (_folder, layout) = place();
    let (process, identity) = child();
    record(&layout, identity);
    farewell::leave(&layout, owner(identity), Farewell::Stop).unwrap();
    for file in [layout.monitor_info(), layout.farewell()] {
        let text = fs::read_to_string(&file).unwrap();
        let boot = serde_json::to_value(Owner::this_process().unwrap()).unwrap()["bootId"].clone();
        fs::write(&file, text.replace(boot.as_str().unwrap(), "another")).unwrap();
    }
    assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::None));
    end(process);
    for nonsense in ["", "{}", "[1]", "{\"pid\":true}"] {
        for file in [layout.monitor_info(), layout.farewell(), layout.launch(), layout.replacements()] {
            fs::write(file, nonsense).unwrap();
        }
        assert_eq!(sighting::look(&layout, None), Sighting::Gone(Last::None), "{nonsense:?}");
        assert_eq!(Launch::read(&layout, identity), None);
        assert_eq!(history::read(&layout), []);
    }
}

#[test]
fn a_number_that_somebody_names_proves_nothing() {
    let (_folder, layout) = place();
    let (process, identity) = child();
    let named = sighting::look(&layout, Some(identity.pid));
    assert!(
        matches!(named, Sighting::Running { life, proven: false } if life.pid == identity.pid),
        "{named:?}"
    );
    record(&layout, Identity::current().unwrap());
    assert!(matches!(sighting::look(&layout, Some(identity.pid)), Sighting::Running { proven: true, .. }));
    end(process);
    fs::remove_file(layout.monitor_info()).unwrap();
    assert_eq!(sighting::look(&layout, Some(identity.pid)), Sighting::Gone(Last::None));
}

#[test]
fn a_launch_is_read_back_by_who_means_this_very_life() {
    let (_folder, layout) = place();
    let me = Identity::current().unwrap();
    let launch = Launch {
        owner: owner(me),
        executable: "/opt/monitor".into(),
        arguments: vec!["--log".into(), OsString::from_vec(vec![b'/', 0xff, b'x'])],
        standalone: true,
    };
    launch.write(&layout).unwrap();
    assert_eq!(Launch::read(&layout, me), Some(launch));
    assert_eq!(Launch::read(&layout, Identity { start_time: me.start_time + 1, ..me }), None);
}

#[test]
fn the_history_is_bounded() {
    let (_folder, layout) = place();
    for pid in 0..50 {
        let one = Replacement { at: Wall::default(), why: "it died".into(), pid: Some(pid), error: None };
        history::add(&layout, one).unwrap();
    }
    let pids: Vec<_> = history::read(&layout).iter().filter_map(|one| one.pid).collect();
    assert_eq!(pids, (30..50).collect::<Vec<_>>());
}

#[test]
fn outputs_are_held_while_they_are_there_and_nothing_else_is() {
    let (_folder, layout) = place();
    let mkfifo = |name: &str| {
        let made = Command::new("mkfifo").arg(layout.fifos().join(name)).status();
        assert!(made.unwrap().success());
    };
    let held = || {
        let ends = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let mut names: Vec<_> = ends
            .filter_map(|end| fs::read_link(end.path()).ok())
            .filter(|path| path.starts_with(layout.fifos()) && path.extension().is_some())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let eventually = |expected: &[&str]| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while held() != expected {
            assert!(Instant::now() < deadline, "{:?} instead of {expected:?}", held());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    mkfifo("r1.out");
    fs::write(layout.fifos().join("r1.attach.json"), "{}").unwrap();
    fs::write(layout.fifos().join("file.out"), "no FIFO").unwrap();
    let outputs = HeldOutputs::hold(&layout).unwrap();
    eventually(&["r1.out"]);
    mkfifo("r2.err");
    eventually(&["r1.out", "r2.err"]);
    fs::remove_file(layout.fifos().join("r1.out")).unwrap();
    eventually(&["r2.err"]);
    drop(outputs);
    eventually(&[]);
}
