//! Everything that is wrong with a document is told, and nothing else.

use super::strategy::{entry_of, id, json, registry};
use process_monitor_core::model::{JsonPath, ProcessEntry, Registration, Step};
use process_monitor_core::reading::{MOST_PROBLEMS, Readable, Report, Unknown, Unreadable, read, tree};
use process_monitor_core::registry::Registry;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A registration that lacks nothing but what is in `fields`.
fn body(fields: &str) -> String {
    format!(r#"{{"id":"web","name":"Web","command":"sleep",{fields}}}"#)
}

/// What is wrong with a registration, a line each.
fn problems(text: impl AsRef<[u8]>) -> Vec<String> {
    match read::<Registration>(text.as_ref()) {
        Ok(_) => Vec::new(),
        Err(Unreadable::NotJson(syntax)) => vec![format!("not JSON, {syntax}")],
        Err(Unreadable::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn each_mistake_is_told_with_path_expected_and_found() {
    let known = "id, name, command, args, workingDirectory, environment, autostart, enabled, isRemote, \
                 restartPolicy, alivenessCheck, stop, logs, output, registeredAt, untrustedPeer, lastStartedAt, lastStoppedAt, pid, \
                 state, restartAttempts, consecutiveFailures, lastExit, pastRuns, removing";
    let table: Vec<(String, String)> = [
        (r#""args":"-x""#, r#"args: expected a list, found "-x""#),
        (r#""args":["a",1]"#, "args[1]: expected a string, found 1"),
        (r#""args":null,"autostart":"yes""#, r#"autostart: expected true or false, found "yes""#),
        (r#""workingDirectory":"""#, "workingDirectory: expected a folder, found an empty text; leave it out for the monitor's own"),
        (r#""environment":{"A":12345}"#, "environment.A: expected a string, found a number"),
        (r#""environment":"s3cr3t""#, "environment: expected an object, found a string"),
        (r#""restartPolicy":[]"#, "restartPolicy: expected an object, found a list"),
        (r#""restartPolicy":{"maxAttempts":"5"}"#, r#"restartPolicy.maxAttempts: expected a whole number from 0 to 4294967295, found "5""#),
        (r#""restartPolicy":{"backoffIntervalsMs":[1,-2]}"#, "restartPolicy.backoffIntervalsMs[1]: expected a whole number, 0 or more, found -2"),
        (r#""restartPolicy":{"type":{}}"#, "restartPolicy.type: expected a string, found an object"),
        (r#""restartPolicy":{"maxAttempt":5}"#, "restartPolicy.maxAttempt: there is no such field; did you mean `maxAttempts`?"),
        (r#""alivenessCheck":{"successCodes":[200,70000]}"#, "alivenessCheck.successCodes[1]: expected a whole number from 0 to 65535, found 70000"),
        (r#""alivenessCheck":{"exec":{}}"#, "alivenessCheck.exec.command: the required field `command` is missing"),
        (r#""alivenessCheck":{"url":"localhost"}"#, "alivenessCheck.url: expected a URL like http://127.0.0.1:8080/health, found \"localhost\": it has no scheme"),
        (r#""lastExit":{"reason":"bored","at":"2026-01-24T10:30:00Z"}"#, "lastExit.reason: expected one of `exited`, `signaled`, `stopped`, `unhealthy`, `startFailed`, `unknown`, found \"bored\""),
        (r#""lastExit":{"reason":"exited"}"#, "lastExit: the required field `at` is missing"),
        (r#""enviroment":{"A":"s3cr3t"}"#, "enviroment: there is no such field; did you mean `environment`?"),
        (r#""logs":{"keep":1}"#, "logs.keep: there is no such field; expected one of maxFileBytes, keepFiles, keepRuns, timestamps"),
        (r#""output":"none""#, "output: expected `capture` or `discard`, found \"none\""),
        (r#""stop":{"signal":"SIGCHLD"}"#, "stop.signal: \"SIGCHLD\" is not a stop signal; use one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGKILL"),
        (r#""id":"web""#, "id: this key is there twice in the same object; keep one"),
        (r#""name":null"#, "name: this key is there twice in the same object; keep one\nname: expected a string, found null"),
    ]
    .map(|(fields, expected)| (body(fields), expected.to_owned()))
    .into_iter()
    .chain([
        (body(r#""nonsense":1"#), format!("nonsense: there is no such field; expected one of {known}")),
        ("[]".to_owned(), "expected an object, found a list".to_owned()),
        ("null".to_owned(), "expected an object, found null".to_owned()),
        (String::new(), "not JSON, line 1, column 1: it is empty; send a JSON object".to_owned()),
        ("{\n\"id\": web}".to_owned(), "not JSON, line 2, column 7: not JSON: expected value".to_owned()),
        (r#"{"id":"a""#.to_owned(), "not JSON, line 1, column 9: not JSON: the text ends too early; its end is lost".to_owned()),
        ("{}".to_owned(), "id: the required field `id` is missing\nname: the required field `name` is missing\n\
                           command: the required field `command` is missing".to_owned()),
    ])
    .collect();
    for (text, expected) in table {
        // The root has no path to be shown.
        let told: Vec<_> =
            problems(&text).iter().map(|line| line.trim_start_matches(": ").to_owned()).collect();
        assert_eq!(told.join("\n"), expected, "{text}");
    }
}

#[test]
fn types_rules_and_names_are_told_together() {
    let text = r#"{"id":"../a","name":5,"args":["a\u0000",7],"command":"","restartPolicy":{"jitter":2,"typo":1},
                   "logs":{"keepRuns":0,"keepFiles":"x"},"stop":{"timeoutMs":1,"timeoutMs":2},"port":1}"#;
    let paths: Vec<_> =
        problems(text).iter().map(|problem| problem.split(": ").next().unwrap().to_owned()).collect();
    let expected = [
        "stop.timeoutMs",
        "id",
        "name",
        "args[1]",
        "logs.keepFiles",
        "command",
        "args[0]",
        "restartPolicy.jitter",
        "logs.keepRuns",
        "restartPolicy.typo",
        "port",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn no_secret_is_told() {
    for fields in [
        r#""environment":"s3cr3t""#,
        r#""environment":{"A":["s3cr3t"]}"#,
        r#""environment":{"A":{"B":"s3cr3t"}}"#,
        r#""environment":["s3cr3t"]"#,
        r#""environment":{"A":"s3cr3t\u0000"}"#,
        r#""environments":{"A":"s3cr3t"}"#,
        r#""environment":{"A":"s3cr3t","A":"s3cr3t"}"#,
    ] {
        let told = problems(body(fields));
        assert!(!told.is_empty() && !told.join(" ").contains("s3cr3t"), "{told:?}");
    }
}

#[test]
fn what_is_told_is_bounded() {
    let args = vec!["1"; 10_000].join(",");
    assert_eq!(problems(body(&format!(r#""args":[{args}]"#))).len(), MOST_PROBLEMS);
    let names: Vec<_> = (0..10_000).map(|n| format!(r#""x{n}":1"#)).collect();
    assert_eq!(problems(body(&names.join(","))).len(), MOST_PROBLEMS);
    assert_eq!(problems(body(&format!(r#""{}":1"#, "x".repeat(1 << 20)))).len(), 1);
}

/// Serde and the reader of everything read the same: whatever one takes, the other does, and makes the same of it.
fn agree<T: Readable + DeserializeOwned + PartialEq>(document: &Value) -> Result<(), TestCaseError> {
    let text = document.to_string();
    let serde = serde_json::from_str::<T>(&text);
    let mut report = Report::new(Unknown::Keep);
    let read = T::read(tree(&text).unwrap().root, &mut report);
    let problems = report.into_problems();
    prop_assert_eq!(serde.is_ok(), problems.is_empty(), "{:?} {:?}", serde.err(), problems);
    if let Ok(serde) = serde {
        prop_assert!(read == Some(serde), "{}", text);
    }
    Ok(())
}

/// Every place in a document.
fn places(value: &Value) -> Vec<JsonPath> {
    fn walk(value: &Value, at: JsonPath, found: &mut Vec<JsonPath>) {
        found.push(at.clone());
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(key, value)| walk(value, at.clone().key(key), found));
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(n, value)| walk(value, at.clone().index(n), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, JsonPath::root(), &mut found);
    found
}

fn at_place<'a>(value: &'a mut Value, path: &JsonPath) -> &'a mut Value {
    path.steps().iter().fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key).unwrap(),
        Step::Index(index) => value.get_mut(*index).unwrap(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn serde_and_the_reader_agree_on_a_registry(
        registry in registry(2), at in any::<prop::sample::Index>(), other in json(),
    ) {
        let mut document = serde_json::to_value(&registry).unwrap();
        agree::<Registry>(&document)?;
        let places = places(&document);
        *at_place(&mut document, at.get(&places)) = other;
        agree::<Registry>(&document)?;
    }

    #[test]
    fn serde_and_the_reader_agree_on_an_entry(
        entry in id().prop_flat_map(entry_of), at in any::<prop::sample::Index>(), other in json(),
    ) {
        let mut document = serde_json::to_value(&entry).unwrap();
        agree::<ProcessEntry>(&document)?;
        let places = places(&document);
        *at_place(&mut document, at.get(&places)) = other;
        agree::<ProcessEntry>(&document)?;
    }
}
