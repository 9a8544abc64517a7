//! Registrations in the forms that existing clients send, and changes of entries.

use super::process;
use super::strategy::entry_of;
use process_monitor_core::exit::{Exit, ExitReason, LastExit};
use process_monitor_core::id::RunId;
use process_monitor_core::model::{
    AlivenessCheck, Backoff, EntryPatch, ProcessEntry, ProcessState, RUNTIME_FIELDS, Registration,
    RestartType,
};
use process_monitor_core::reading::{patch, read};
use process_monitor_core::time::Wall;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

fn registered(body: &Value) -> ProcessEntry {
    read::<Registration>(body.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error:?}")).entry
}

fn with(fields: Value) -> Value {
    let mut body = json!({"id": "web", "name": "Web", "command": "/bin/sleep"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

#[test]
fn a_check_that_names_only_its_url_is_enabled() {
    let entry = registered(&with(json!({"alivenessCheck": {"url": "http://localhost:80/health"}})));
    assert!(entry.check().is_some());
    let off = json!({"alivenessCheck": {"url": "http://localhost:80/health", "enabled": false}});
    assert!(registered(&with(off)).check().is_none());
    let text = r#"{"url":"http://localhost:80/health"}"#;
    let in_a_file: AlivenessCheck = serde_json::from_str(text).unwrap();
    assert_eq!(in_a_file.enabled, None);
}

#[test]
fn success_codes_are_taken() {
    let check = json!({"alivenessCheck": {"url": "http://localhost:80/", "successCodes": [200, 204]}});
    let entry = registered(&with(check));
    assert_eq!(entry.check().unwrap().success_codes.as_deref(), Some([200, 204].as_slice()));
}

#[test]
fn the_exponential_form_of_a_policy_is_taken() {
    let policy = registered(&with(json!({"restartPolicy": {
        "type": "on-failure", "maxAttempts": 3, "delayMs": 1000, "maxDelayMs": 30000, "backoffMultiplier": 2.0
    }})))
    .restart_policy();
    assert_eq!((policy.kind, policy.max_attempts), (RestartType::OnFailure, 3));
    let (delay, max) = (Duration::from_secs(1), Duration::from_secs(30));
    assert_eq!(policy.backoff(), Backoff::Exponential { delay, multiplier: 2.0, max, jitter: 0.0 });
    // A multiplier is often written as a whole number.
    registered(&with(json!({"restartPolicy": {"delayMs": 5, "backoffMultiplier": 2}})));
}

#[test]
fn an_entry_sent_back_whole_is_registered_as_if_it_had_never_run() {
    let mut entry = ProcessEntry::new(process("web"), "/bin/sleep");
    entry.registered_at = Some(Wall::from_unix_millis(1));
    let mut seen = entry.clone();
    seen.pid = Some(7);
    seen.state = ProcessState::Running;
    seen.restart_attempts = 3;
    seen.last_started_at = Some(Wall::from_unix_millis(2));
    seen.last_exit = Some(LastExit::new(Exit::Code(1), Wall::from_unix_millis(2), ExitReason::Exited));
    let expected = ProcessEntry { registered_at: None, ..entry };
    assert_eq!(registered(&serde_json::to_value(&seen).unwrap()), expected);
}

#[test]
fn every_runtime_field_is_named() {
    let mut entry = ProcessEntry::new(process("web"), "/bin/sleep");
    let before = serde_json::to_value(&entry).unwrap();
    entry.pid = Some(7);
    entry.state = ProcessState::Running;
    entry.restart_attempts = 3;
    entry.consecutive_failures = 1;
    entry.last_started_at = Some(Wall::from_unix_millis(2));
    entry.last_stopped_at = Some(Wall::from_unix_millis(2));
    entry.last_exit = Some(LastExit::new(Exit::Code(1), Wall::from_unix_millis(2), ExitReason::Exited));
    entry.past_runs = vec![RunId::new("r1-1").unwrap()];
    entry.removing = true;
    let after = serde_json::to_value(&entry).unwrap();
    let differing = after.as_object().unwrap().iter().filter(|(key, value)| before.get(key) != Some(value));
    let mut differing: Vec<_> = differing.map(|(key, _)| key.as_str()).collect();
    let mut named = RUNTIME_FIELDS.to_vec();
    differing.sort_unstable();
    named.sort_unstable();
    assert_eq!(differing, named);
    assert_eq!(serde_json::to_value(entry.without_runtime()).unwrap(), before);
}

fn changed(entry: &ProcessEntry, change: &Value) -> Result<ProcessEntry, Vec<String>> {
    let change = patch(change.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error:?}"));
    let told = |problems: Vec<_>| problems.iter().map(ToString::to_string).collect();
    EntryPatch(change).apply(entry).map_err(told)
}

fn web() -> ProcessEntry {
    registered(&with(json!({
        "args": ["1", "2"], "environment": {"A": "1", "B": "2"}, "autostart": false,
        "restartPolicy": {"maxAttempts": 3, "delayMs": 5},
    })))
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    let table = [
        (json!({}), json!({})),
        (json!({"args": ["3"]}), json!({"args": ["3"]})),
        (json!({"autostart": null}), json!({"autostart": true})),
        (json!({"environment": {"A": null, "C": "3"}}), json!({"environment": {"B": "2", "C": "3"}})),
        (json!({"environment": null}), json!({"environment": null})),
        (
            json!({"restartPolicy": {"maxAttempts": 4}}),
            json!({"restartPolicy": {"maxAttempts": 4, "delayMs": 5}}),
        ),
        (json!({"restartPolicy": {"delayMs": null}}), json!({"restartPolicy": {"maxAttempts": 3}})),
        (json!({"stop": {"timeoutMs": 7}}), json!({"stop": {"timeoutMs": 7}})),
        (
            json!({"alivenessCheck": {"tcp": "localhost:1"}}),
            json!({"alivenessCheck": {"tcp": "localhost:1"}}),
        ),
    ];
    for (change, expected) in table {
        let mut whole = serde_json::to_value(web()).unwrap();
        whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        assert_eq!(changed(&web(), &change), Ok(registered(&whole)), "{change}");
    }
}

#[test]
fn a_change_that_cannot_be_obeyed_is_refused_whole() {
    let table = [
        (json!({"id": "other"}), vec!["id: an id stays what it is; register another process instead"]),
        (json!({"pid": "x"}), vec!["pid: the monitor alone writes this field; leave it out"]),
        (
            json!({"state": "running", "args": [1]}),
            vec![
                "state: the monitor alone writes this field; leave it out",
                "args[0]: expected a string, found 1",
            ],
        ),
        (json!({"command": null}), vec!["command: the required field `command` is missing"]),
        (json!({"command": ""}), vec!["command: expected the name or path of an executable, found nothing"]),
        (json!({"arg": []}), vec!["arg: there is no such field; did you mean `args`?"]),
        (
            json!({"logs": {"keepFiles": 0, "keepruns": 1}}),
            vec![
                "logs.keepruns: there is no such field; did you mean `keepRuns`?",
                "logs.keepFiles: expected at least 1, found 0",
            ],
        ),
        (
            json!({"alivenessCheck": {"url": "http://a/", "tcp": "a:1"}}),
            vec!["alivenessCheck: expected one of url, tcp and exec, found more; keep one"],
        ),
    ];
    for (change, expected) in table {
        assert_eq!(changed(&web(), &change).unwrap_err(), expected, "{change}");
    }
}

#[test]
fn a_line_is_not_waited_for_that_nobody_reads() {
    let startup = |check: Value| json!({"output": "discard", "alivenessCheck": {"startupCheck": check}});
    let refused = changed(&web(), &startup(json!({"enabled": true, "logPattern": "up"}))).unwrap_err();
    let expected = "output: expected \"capture\", because alivenessCheck.startupCheck.logPattern waits for a line of the \
        output, found \"discard\"; capture the output, or have the program say otherwise that it is ready";
    assert_eq!(refused, [expected]);
    let waits =
        changed(&web(), &json!({"alivenessCheck": {"startupCheck": {"enabled": true, "logPattern": "up"}}}))
            .unwrap();
    assert_eq!(changed(&waits, &json!({"output": "discard"})).unwrap_err(), [expected]);
    for good in [json!({"enabled": false, "logPattern": "up"}), json!({"enabled": true, "notify": true})] {
        assert!(changed(&web(), &startup(good.clone())).is_ok(), "{good}");
    }
    let off = json!({"output": "discard", "alivenessCheck": {"enabled": false}});
    assert!(changed(&waits, &off).is_ok(), "a check that is switched off waits for nothing");
}

#[test]
fn fields_of_a_newer_version_survive_a_change_and_cannot_be_changed() {
    let mut entry = web();
    entry.extra.insert("cgroup".to_owned(), json!({"x": 1}));
    assert_eq!(changed(&entry, &json!({"name": "n"})).unwrap().extra, entry.extra);
    assert!(changed(&entry, &json!({"cgroup": null})).unwrap_err()[0].contains("no such field"));
}

#[test]
fn a_check_that_is_switched_off_by_saying_nothing_stays_off() {
    let mut entry = web();
    entry.aliveness_check = Some(serde_json::from_value(json!({"url": "http://localhost:80/"})).unwrap());
    assert!(changed(&entry, &json!({"name": "n"})).unwrap().check().is_none());
    assert!(changed(&entry, &json!({"alivenessCheck": {"enabled": true}})).unwrap().check().is_some());
}

#[test]
fn what_takes_a_restart() {
    let table = [
        (json!({"name": "n", "autostart": true, "stop": {"timeoutMs": 1}}), vec![]),
        (json!({"restartPolicy": null}), vec![]),
        (json!({"command": "/bin/true", "args": []}), vec!["command", "args"]),
        (
            json!({"environment": {"A": "2"}, "workingDirectory": "/"}),
            vec!["workingDirectory", "environment"],
        ),
        (json!({"logs": {"keepRuns": 10}}), vec![]),
        (json!({"logs": {"keepRuns": 9}}), vec!["logs"]),
        (json!({"output": "capture"}), vec![]),
        (json!({"output": "discard"}), vec!["output"]),
        (json!({"alivenessCheck": {"tcp": "localhost:1"}}), vec![]),
        (json!({"alivenessCheck": {"watchdogMs": 1000}}), vec!["alivenessCheck"]),
    ];
    for (change, expected) in table {
        assert_eq!(web().takes_a_restart(&changed(&web(), &change).unwrap()), expected, "{change}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_change_of_nothing_changes_nothing(entry in entry_of(process("web"))) {
        prop_assert!(EntryPatch(Default::default()).apply(&entry) == Ok(entry));
    }

    /// Sending the whole configuration of another entry as a change makes it that.
    #[test]
    fn a_change_to_everything_is_everything(
        ours in entry_of(process("web")), theirs in entry_of(process("web")),
    ) {
        let whole = |entry: &ProcessEntry| {
            let value = serde_json::to_value(entry.clone().without_runtime()).unwrap();
            let Value::Object(mut fields) = value else { unreachable!() };
            let monitors = ["id", "registeredAt", "untrustedPeer"];
            fields.retain(|key, _| !key.starts_with("x-") && !monitors.contains(&key.as_str()));
            RUNTIME_FIELDS.iter().for_each(|key| { fields.remove(*key); });
            fields
        };
        // Merging an object keeps what the change does not name, so the old ones are taken away before.
        let emptied = EntryPatch(whole(&ours).into_iter().map(|(key, value)| match key.as_str() {
            "name" | "command" => (key, value),
            _ => (key, Value::Null),
        }).collect()).apply(&ours);
        let theirs_only = EntryPatch(without_strangers(Value::Object(whole(&theirs)))).apply(&emptied.unwrap());
        let expected = without_strangers(Value::Object(whole(&theirs)));
        let same = theirs_only.map(|entry| without_strangers(Value::Object(whole(&entry))));
        // A check that says nothing of being enabled is when it is sent.
        let enabled = |mut fields: serde_json::Map<String, Value>| {
            if let Some(Value::Object(check)) = fields.get_mut("alivenessCheck") { check.remove("enabled"); }
            fields
        };
        prop_assert_eq!(same.map(enabled), Ok(enabled(expected)));
    }
}

fn without_strangers(value: Value) -> serde_json::Map<String, Value> {
    fn strip(value: &mut Value) {
        if let Value::Object(members) = value {
            members.retain(|key, _| !key.starts_with("x-"));
            members.values_mut().for_each(strip);
        }
    }
    let mut value = value;
    strip(&mut value);
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!(),
    }
}
