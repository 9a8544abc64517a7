//! Every registry that is read keeps all it says.

use super::{fixtures, instance, parse, process};
use process_monitor_core::id::InstanceId;
use process_monitor_core::model::{
    AlivenessServer, FailAction, PartnerDiscovery, ProcessEntry, ProcessState, RemoteAccess, RestartPolicy,
    RestartType, StopConfig, StopSignal,
};
use process_monitor_core::registry::Registry;
use serde_json::Value;

fn text(name: &str) -> Vec<u8> {
    std::fs::read(fixtures("good").join(name)).unwrap()
}

fn read(name: &str) -> Registry {
    let owner = if name == "watcher.json" { instance("watcher") } else { InstanceId::default() };
    Registry::parse(&text(name), &owner).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Whether `written` says all that `original` says, but for known nulls and the form of times.
fn says_all(original: &Value, written: &Value) -> bool {
    let (Value::Object(original), Value::Object(written)) = (original, written) else {
        return original == written;
    };
    original.iter().all(|(key, value)| {
        let known = !key.starts_with("x-");
        let is_time = key.ends_with("At") || key == "at" || key == "lastModified";
        let said = written.get(key).is_some_and(|written| says_all(value, written));
        said || (known && (is_time || value.is_null()))
    })
}

#[test]
fn each_good_fixture_survives_a_rewrite() {
    for file in std::fs::read_dir(fixtures("good")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let registry = read(&name);
        let written = registry.to_json().unwrap();
        assert_eq!(Registry::parse(&written, &registry.instance_id).unwrap(), registry, "{name}");
        let original: Value = serde_json::from_slice(&text(&name)).unwrap();
        let rewritten: Value = serde_json::from_slice(&written).unwrap();
        assert!(says_all(&original, &rewritten), "{name}\n{}", String::from_utf8_lossy(&written));
    }
}

#[test]
fn a_registry_without_anything_has_every_default() {
    let registry = read("empty.json");
    assert_eq!(registry, Registry::new(InstanceId::default()));
    assert_eq!((registry.version, registry.monitor_interval_ms, registry.standalone_mode), (1, 5000, false));
    assert_eq!(registry.partner_discovery, PartnerDiscovery::default());
    assert_eq!(registry.aliveness_server, AlivenessServer::default());
    assert_eq!((registry.api_port(), registry.aliveness_port()), (5679, 5681));
    let RemoteAccess {
        trusted_hosts,
        allow_remote_register,
        allow_remote_monitor_restart,
        max_body_bytes,
        ..
    } = registry.remote_access;
    assert_eq!(trusted_hosts, ["localhost", "127.0.0.1", "::1"]);
    assert!(allow_remote_register && !allow_remote_monitor_restart);
    assert_eq!(max_body_bytes, 1 << 20);
}

#[test]
fn missing_fields_and_nulls_mean_the_default() {
    let registry = read("sparse.json");
    let expected = ProcessEntry { name: "Web".to_owned(), ..ProcessEntry::new(process("web"), "python3") };
    assert_eq!(*registry.processes["web"], expected);
    let expected = ProcessEntry {
        name: String::new(),
        restart_policy: Some(RestartPolicy::default()),
        stop: Some(StopConfig::default()),
        ..ProcessEntry::new(process("worker.2"), "./worker")
    };
    assert_eq!(*registry.processes["worker.2"], expected);
    assert_eq!(registry.monitor_interval_ms, 5000);
}

#[test]
fn every_field_of_a_complete_entry_is_read() {
    let registry = read("complete.json");
    let entry = &registry.processes["api"];
    assert_eq!(entry.args[3], "with space and \"quotes\" and ünïcode 🦀");
    assert_eq!(entry.environment.as_ref().map(|e| e.len()), Some(3));
    assert_eq!((entry.autostart, entry.enabled, entry.is_remote), (false, false, true));
    assert_eq!(entry.registered_at.map(|t| t.to_string()).as_deref(), Some("2026-01-20T08:00:00.000Z"));
    assert_eq!(entry.last_stopped_at.map(|t| t.to_string()).as_deref(), Some("2026-01-24T10:30:00.000Z"));
    assert_eq!((entry.state, entry.pid), (ProcessState::Disabled, Some(12345)));
    assert_eq!(entry.stop().signal, StopSignal::Int);
    assert_eq!(entry.restart_policy().kind, RestartType::OnFailure);
    let startup = entry.aliveness_check.clone().and_then(|check| check.startup_check).unwrap();
    assert_eq!((startup.initial_delay_ms, startup.fail_action), (100, FailAction::Disable));
    // Whatever is read as unknown has been forgotten in the model.
    let written = serde_json::to_value(&registry).unwrap();
    assert_eq!(written["remoteAccess"]["rateLimit"]["burst"], 40);
    assert!(registry.extra.is_empty() && entry.extra.is_empty() && registry.remote_access.extra.is_empty());
}

#[test]
fn the_earlier_implementations_ports_are_honoured() {
    let registry = read("earlier.json");
    assert_eq!((registry.api_port(), registry.aliveness_port()), (19881, 19883));
    assert_eq!(registry.processes.keys().map(|id| id.as_str()).collect::<Vec<_>>(), ["mailer", "indexer"]);
}

#[test]
fn the_watcher_has_ports_of_its_own() {
    let registry = read("watcher.json");
    assert_eq!((registry.api_port(), registry.aliveness_port()), (5680, 5682));
}

#[test]
fn a_missing_instance_is_the_files() {
    for text in ["{\"processes\": {}}", "{\"instanceId\": null}"] {
        let registry = Registry::parse(text.as_bytes(), &instance("watcher")).unwrap();
        assert_eq!(registry.instance_id, instance("watcher"), "{text}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(parse("\u{feff}{}").unwrap(), Registry::default());
}

#[test]
fn what_is_new_is_written_only_when_it_is_there() {
    let mut registry = Registry::new(InstanceId::default());
    let entry = ProcessEntry::new(process("web"), "web");
    registry.processes.insert(entry.id.clone(), entry.into());
    let text = String::from_utf8(registry.to_json().unwrap()).unwrap();
    let new = [
        "stop\"",
        "logs",
        "output",
        "lastExit",
        "\"type\"",
        "bindAddress",
        "trustedProxies",
        "rateLimit",
        "tls",
        "tokens",
    ];
    assert_eq!(new.iter().find(|field| text.contains(**field)), None, "{text}");
    assert!(text.starts_with("{\n  \"version\": 1,\n") && text.ends_with("\n}\n"), "{text}");
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", read("complete.json"));
    assert!(shown.contains("SECRET") && !shown.contains("s3cr3t"), "{shown}");
    assert!(!shown.contains("sha256"), "{shown}");
}
