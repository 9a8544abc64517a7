//! Every text that is refused says where and why.

use super::{fixtures, parse};
use process_monitor_core::registry::ParseErrorKind::{self, Invalid, Newer, NotJson, OtherInstance};
use std::collections::BTreeSet;

const TABLE: &[(&str, ParseErrorKind, &str)] = &[
    (
        "args-nul.json",
        Invalid,
        r#"line 5, processes.web.args[0]: holds a NUL character (\u0000), which no program can be given"#,
    ),
    ("args-number.json", Invalid, "line 6, processes.web.args[1]: expected a string, found 5"),
    ("args-text.json", Invalid, r#"line 5, processes.web.args: expected a list, found "--port 80""#),
    ("blank.json", NotJson, "line 1, column 1: the file is empty; restore it, or remove it to begin anew"),
    (
        "check-interval.json",
        Invalid,
        "line 6, processes.web.alivenessCheck.startupCheck.checkIntervalMs: expected at least 10, found 0",
    ),
    (
        "check-pattern.json",
        Invalid,
        "line 6, processes.web.alivenessCheck.startupCheck.logPattern: expected a regular expression, found \"(\": found open group without closing ')'",
    ),
    (
        "check-two.json",
        Invalid,
        "line 5, processes.web.alivenessCheck: expected one of url, tcp and exec, found more; keep one",
    ),
    (
        "check-url.json",
        Invalid,
        "line 6, processes.web.alivenessCheck.url: expected a URL like http://127.0.0.1:8080/health, found \"localhost:8080/health\": it has no scheme",
    ),
    (
        "command-empty.json",
        Invalid,
        "line 4, processes.web.command: expected the name or path of an executable, found nothing",
    ),
    (
        "duplicate-environment.json",
        Invalid,
        "line 5, processes.web.environment.A: this key is there twice in the same object; keep one",
    ),
    (
        "duplicate-escaped.json",
        Invalid,
        "line 4, processes.web: this key is there twice in the same object; keep one",
    ),
    (
        "duplicate-field.json",
        Invalid,
        "line 4, standaloneMode: this key is there twice in the same object; keep one",
    ),
    (
        "duplicate-process.json",
        Invalid,
        "line 4, processes.web: this key is there twice in the same object; keep one",
    ),
    (
        "duplicate-unknown.json",
        Invalid,
        "line 4, x[0].a: this key is there twice in the same object; keep one",
    ),
    ("enabled-text.json", Invalid, r#"line 5, processes.web.enabled: expected true or false, found "yes""#),
    ("environment-list.json", Invalid, "line 5, processes.web.environment: expected an object, found a list"),
    (
        "environment-name.json",
        Invalid,
        r#"line 6, processes.web.environment["A=B"]: the name of an environment variable must not be empty nor hold '='"#,
    ),
    (
        "environment-nul.json",
        Invalid,
        r#"line 5, processes.web.environment.A: holds a NUL character (\u0000), which no program can be given"#,
    ),
    (
        "environment-number.json",
        Invalid,
        "line 6, processes.web.environment.A: expected a string, found a number",
    ),
    (
        "environment-text.json",
        Invalid,
        "line 5, processes.web.environment: expected an object, found a string",
    ),
    ("half.json", NotJson, "line 5, processes.web: not JSON: the text ends too early; its end is lost"),
    (
        "huge-attempts.json",
        Invalid,
        "line 5, processes.web.restartPolicy.maxAttempts: expected a whole number from 0 to 4294967295, found 4294967296",
    ),
    (
        "id-control.json",
        Invalid,
        r#"line 3, processes["a\u{1b}[2J"]: "a\u{1b}[2J" is not an id: an id holds only letters, digits, '.', '_' and '-'; '\u{1b}' is none of these"#,
    ),
    (
        "id-differs.json",
        Invalid,
        r#"line 4, processes["web.v2"].id: expected "web.v2" like the entry's key, found "web""#,
    ),
    (
        "id-dots.json",
        Invalid,
        "line 3, processes[\"..\"]: \"..\" is not an id: an id starts with a letter or digit (A-Z, a-z, 0-9), not with '.'\n\
         line 3, processes[\"..\"].id: \"..\" is not an id: an id starts with a letter or digit (A-Z, a-z, 0-9), not with '.'",
    ),
    (
        "id-missing.json",
        Invalid,
        "line 3, processes.web: the required field `id` is missing\n\
         line 3, processes.web: the required field `command` is missing",
    ),
    (
        "id-slash.json",
        Invalid,
        "line 4, processes[\"../etc\"]: \"../etc\" is not an id: an id starts with a letter or digit (A-Z, a-z, 0-9), not with '.'\n\
         line 4, processes[\"../etc\"].id: \"../etc\" is not an id: an id starts with a letter or digit (A-Z, a-z, 0-9), not with '.'",
    ),
    (
        "interval-fraction.json",
        Invalid,
        "line 5, processes.web.restartPolicy.backoffIntervalsMs[1]: expected a whole number, 0 or more, found 1.5",
    ),
    (
        "jitter.json",
        Invalid,
        "line 5, processes.web.restartPolicy.jitter: expected a fraction from 0 to 1, found 1.5",
    ),
    ("list.json", Invalid, "line 2, column 1: expected an object, found a list"),
    ("log-size.json", Invalid, "line 5, processes.web.logs.maxFileBytes: expected at least 1024, found 100"),
    (
        "multiplier.json",
        Invalid,
        "line 5, processes.web.restartPolicy.backoffMultiplier: expected at least 1, found 0.5",
    ),
    (
        "negative-attempts.json",
        Invalid,
        "line 6, processes.web.restartPolicy.maxAttempts: expected a whole number from 0 to 4294967295, found -1",
    ),
    (
        "newer-fraction.json",
        Newer,
        "line 1, version: version 1.5 was written by a newer version of this program, this one knows up to 1; upgrade it, nothing was changed",
    ),
    (
        "newer.json",
        Newer,
        "line 3, version: version 2 was written by a newer version of this program, this one knows up to 1; upgrade it, nothing was changed",
    ),
    ("not-json.json", NotJson, "line 4, processes.web.id: not JSON: expected value"),
    ("not-utf8.json", NotJson, "line 2, column 21: not UTF-8 text; save the file as UTF-8"),
    (
        "number-too-large.json",
        NotJson,
        "line 5, processes.web.restartPolicy.jitter: this number is too large",
    ),
    (
        "other-instance.json",
        OtherInstance,
        r#"line 3, instanceId: this is the registry of instance "watcher", not of "default"; correct it, or start instance "watcher""#,
    ),
    ("policy-list.json", Invalid, "line 5, processes.web.restartPolicy: expected an object, found a list"),
    (
        "port.json",
        Invalid,
        "line 3, alivenessServer.port: expected a whole number from 0 to 65535, found 70000",
    ),
    ("process-null.json", Invalid, "line 3, processes.web: expected an object, found null"),
    ("processes-list.json", Invalid, "line 2, processes: expected an object, found a list"),
    (
        "rate-limit.json",
        Invalid,
        "line 3, remoteAccess.rateLimit.requestsPerSecond: expected a number greater than 0, found 0",
    ),
    (
        "several.json",
        Invalid,
        "line 5, processes.web.workingDirectory: expected a folder, found an empty text; leave it out for the monitor's own\n\
         line 6, processes.web.logs.keepFiles: expected at least 1, found 0\n\
         line 7, processes.web.logs.keepRuns: expected at least 1, found 0",
    ),
    (
        "signal.json",
        Invalid,
        r#"line 5, processes.web.stop.signal: "SIGCHLD" is not a stop signal; use one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGKILL"#,
    ),
    ("state-number.json", Invalid, "line 5, processes.web.state: expected a string, found 5"),
    (
        "state-unknown.json",
        Invalid,
        r#"line 5, processes.web.state: expected one of `stopped`, `starting`, `running`, `stopping`, `crashed`, `retrying`, `failed`, `disabled`, found "sleeping""#,
    ),
    ("sweep.json", Invalid, "line 2, monitorIntervalMs: expected at least 10, found 0"),
    (
        "time.json",
        Invalid,
        r#"line 5, processes.web.registeredAt: "yesterday" is not a time; write it like 2026-01-24T10:30:00.000Z"#,
    ),
    ("trailing-comma.json", NotJson, "line 3, column 1: not JSON: trailing comma"),
    ("trailing-garbage.json", NotJson, "line 4, column 1: not JSON: trailing characters"),
    (
        "type-unknown.json",
        Invalid,
        r#"line 5, processes.web.restartPolicy.type: expected one of `always`, `on-failure`, `never`, found "sometimes""#,
    ),
    (
        "version-negative.json",
        Invalid,
        "line 2, version: expected a whole number from 0 to 4294967295, found -1",
    ),
    (
        "version-text.json",
        Invalid,
        r#"line 2, version: expected a whole number from 0 to 4294967295, found "1""#,
    ),
    (
        "working-directory.json",
        Invalid,
        "line 5, processes.web.workingDirectory: expected a folder, found an empty text; leave it out for the monitor's own",
    ),
];

#[test]
fn each_bad_fixture_is_refused_with_path_and_line() {
    for (name, kind, expected) in TABLE {
        let error = parse(std::fs::read(fixtures("bad").join(name)).unwrap()).expect_err(name);
        assert_eq!(error.to_string(), *expected, "{name}");
        assert_eq!(error.kind, *kind, "{name}");
    }
}

#[test]
fn each_bad_fixture_is_in_the_table() {
    let files = std::fs::read_dir(fixtures("bad")).unwrap();
    let files: BTreeSet<_> = files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    let table: BTreeSet<_> = TABLE.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(files, table);
}

#[test]
fn values_of_the_environment_and_tokens_stay_out_of_errors() {
    for (name, ..) in TABLE.iter().filter(|(name, ..)| name.contains("environment")) {
        let error = parse(std::fs::read(fixtures("bad").join(name)).unwrap()).expect_err(name);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3cr3t") && !shown.contains("12345"), "{name}: {shown}");
    }
}

#[test]
fn an_error_knows_the_column() {
    let error = parse("{\n  \"instanceId\": 5}").unwrap_err();
    assert_eq!((error.line, error.column, error.path.as_str()), (2, 17, "instanceId"));
}

#[test]
fn a_key_twice_is_found_among_many() {
    for second in [0, 31, 32, 99] {
        let keys: Vec<_> = (0..100).map(|n| format!("\"k{n}\": 0")).collect();
        let error = parse(format!("{{\"x\": {{{},\n\"k{second}\": 0}}}}", keys.join(","))).unwrap_err();
        assert_eq!((error.line, error.path), (2, format!("x.k{second}")));
    }
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let text = format!("{{\"x\": {}1{}}}", open.repeat(200_000), close.repeat(200_000));
        let error = parse(text).unwrap_err();
        assert_eq!(error.kind, NotJson);
        assert!(error.message.contains("nested too deeply"), "{error}");
    }
}

#[test]
fn many_problems_are_told_up_to_a_limit() {
    let entry = |n| format!("\"p{n}\": {{\"id\": \"p{n}\", \"name\": \"\", \"command\": \"\"}}");
    let entries: Vec<_> = (0..1000).map(entry).collect();
    let error = parse(format!("{{\"processes\": {{{}}}}}", entries.join(",\n"))).unwrap_err();
    assert_eq!((error.line, error.path.as_str()), (1, "processes.p0.command"));
    assert_eq!(error.more.len(), 19);
    assert_eq!((error.more[18].line, error.more[18].path.as_str()), (20, "processes.p19.command"));
}
