//! The pure parts that are worth measuring, each with what it needs. `pure` measures their time, `instructions` counts.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark fails by panicking

use process_monitor_core::access::HostPatterns;
use process_monitor_core::access::executable::{ExecutableRules, PathStyle};
use process_monitor_core::engine::{Action, Command, Engine, Event, Wait};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::{InstanceId, ProcessId, RunId};
use process_monitor_core::model::{ProcessEntry, Registration, RemoteAccess, RestartPolicy};
use process_monitor_core::reading;
use process_monitor_core::registry::{Registry, merge};
use process_monitor_core::time::{Mono, Now, Wall};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How many entries a large registry has.
pub const ENTRIES: usize = 10_000;

fn id(number: usize) -> ProcessId {
    ProcessId::new(&format!("process-{number}")).unwrap()
}

fn entry(number: usize) -> ProcessEntry {
    let mut entry = ProcessEntry::new(id(number), "/usr/bin/python3");
    entry.args = ["-m", "http.server", "8000", "--bind", "127.0.0.1"].map(String::from).to_vec();
    entry.environment = Some([("PORT".to_owned(), number.to_string())].into_iter().collect());
    let at_once = RestartPolicy { backoff_intervals_ms: Vec::new(), ..RestartPolicy::default() };
    entry.restart_policy = Some(RestartPolicy { max_attempts: u32::MAX, ..at_once });
    entry
}

pub fn registry() -> Registry {
    let mut registry = Registry::new(InstanceId::default());
    registry.processes = (0..ENTRIES).map(|number| (id(number), Arc::new(entry(number)))).collect();
    registry
}

pub fn text() -> Vec<u8> {
    registry().to_json().unwrap()
}

pub fn write(registry: &Registry) -> Vec<u8> {
    registry.to_json().unwrap()
}

pub fn parse(text: &[u8]) -> Registry {
    Registry::parse(text, &InstanceId::default()).unwrap()
}

/// Somebody has edited one entry of many.
pub fn edited() -> (Registry, Registry) {
    let base = registry();
    let mut theirs = base.clone();
    let changed = ProcessEntry { enabled: false, ..entry(7) };
    theirs.processes.insert(id(7), Arc::new(changed));
    (base, theirs)
}

pub fn merge_edit((base, theirs): &(Registry, Registry)) -> usize {
    merge(base, base, theirs).edits.len()
}

fn now() -> Now {
    Now {
        mono: Mono::default() + Duration::from_secs(1),
        wall: Wall::from_unix_millis(1_700_000_000_000),
        dice: 7,
    }
}

fn started(actions: &[Action]) -> RunId {
    let run = actions.iter().find_map(|action| match action {
        Action::Spawn { run, .. } => Some(run.clone()),
        _ => None,
    });
    run.expect("it is started")
}

/// An engine with as many processes, of which the first runs as the run that is told.
pub fn engine() -> (Engine, RunId) {
    let mut engine = Engine::new("bench");
    for number in 0..ENTRIES {
        engine.handle(Event::Command(None, Command::Add(Arc::new(entry(number)))), now());
    }
    let start = Command::Start { id: id(0), wait: Wait::Accepted };
    let run = started(&engine.handle(Event::Command(None, start), now()));
    engine.handle(Event::Spawned { id: id(0), run: run.clone(), result: Ok(100) }, now());
    (engine, run)
}

/// Its process crashes and is started again: what follows is the next run.
pub fn crash((mut engine, run): (Engine, RunId)) -> (Engine, RunId) {
    let exited = Event::Exited { id: id(0), run, exit: Exit::Signal(9), leftover: false };
    let mut actions = engine.handle(exited, now());
    actions.extend(engine.handle(Event::Deadline, now()));
    let run = started(&actions);
    engine.handle(Event::Spawned { id: id(0), run: run.clone(), result: Ok(100) }, now());
    (engine, run)
}

pub fn rules() -> ExecutableRules {
    let access = RemoteAccess {
        executable_whitelist: ["/opt/*/bin/**", "/usr/local/{bin,sbin}/*", "/srv/[a-z]*/run"]
            .map(String::from)
            .to_vec(),
        executable_blacklist: ["/usr/bin/{sh,bash}", "sudo", "**/secret/**"].map(String::from).to_vec(),
        ..RemoteAccess::default()
    };
    ExecutableRules::new(&access, PathStyle::Unix, |path| Some(path.to_owned()))
}

pub fn permit(rules: &ExecutableRules) -> bool {
    rules.permit(Path::new("/usr/local/sbin/worker")).is_ok()
}

pub fn hosts() -> HostPatterns {
    let patterns =
        ["localhost", "127.0.0.1", "::1", "192.168.1.*", "10.0.*.*", "172.16.0.0/12", "*.example.com"];
    HostPatterns::new(&patterns.map(String::from))
}

pub fn trust(hosts: &HostPatterns) -> bool {
    hosts.contains(IpAddr::from([172, 31, 255, 255])) && hosts.contains_name("a.b.example.com")
}

pub fn registration() -> Vec<u8> {
    serde_json::to_vec(&entry(7)).unwrap()
}

pub fn register(body: &[u8]) -> ProcessEntry {
    reading::read::<Registration>(body).unwrap().entry
}
