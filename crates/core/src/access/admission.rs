//! What other peers may register, beside the programs they may name: nothing by which the monitor would do for
//! them what they may not do themselves.

use super::{HostPattern, runs_other_code};
use crate::health::{host_of_address, host_of_url};
use crate::model::{AlivenessCheck, JsonPath, LogConfig, Problem, ProcessEntry, RemoteAccess};
use core::net::IpAddr;
use serde_json::{Map, Value};

/// The longest `stop.timeoutMs` that other peers may set: for so long a program that ignores its signal can hold
/// up the end of the monitor.
pub const MAX_STOP_TIMEOUT_MS: u64 = 60_000;

/// The least time from one check to the next that other peers may set.
pub const LEAST_PERIOD_MS: u64 = 1_000;

/// How much of an entry other peers may say, in bytes of JSON: each is kept in memory and written with the registry.
pub const MAX_ENTRY_BYTES: usize = 64 << 10;

/// How many processes may stand that peers have registered or changed which are not trusted.
pub const MAX_ENTRIES: usize = 1000;

/// Every program that `entry` has the monitor run, with its path in the entry.
pub fn programs(entry: &ProcessEntry) -> impl Iterator<Item = (JsonPath, &str)> {
    let command = (JsonPath::root().key("command"), entry.command.as_str());
    // Also that of a check which is switched off: it may be switched on.
    let exec = entry.aliveness_check.iter().filter_map(|check| check.exec.as_ref());
    let path = || JsonPath::root().key("alivenessCheck").key("exec").key("command");
    std::iter::once(command).chain(exec.map(move |exec| (path(), exec.command.as_str())))
}

/// What an entry may not say when a peer registers or changes it that is not trusted, all of it, each with its path:
///
/// * variables by which a permitted program would run other code;
/// * a pid file, by which the monitor would open any file of its user's;
/// * checks of other hosts, by which the monitor would speak to machines that the peer cannot reach;
/// * checks more often than every [`LEAST_PERIOD_MS`], each of which may start a program;
/// * more output kept than by default, which would fill the disk;
/// * more than [`MAX_ENTRY_BYTES`];
/// * a stop that takes longer than [`MAX_STOP_TIMEOUT_MS`];
/// * an autostart that `allowRemoteAutostart` does not permit.
pub fn problems(entry: &ProcessEntry, access: &RemoteAccess) -> Vec<Problem> {
    let variables = entry.environment.iter().flatten().filter_map(|(name, _)| variable_problem(name));
    let check = entry.aliveness_check.as_deref().into_iter().flat_map(check_problems);
    let logs = entry.logs.iter().flat_map(log_problems);
    let stop = entry.stop.as_ref().map(|stop| stop.timeout_ms).filter(|ms| *ms > MAX_STOP_TIMEOUT_MS);
    let stop =
        stop.map(|ms| problem(&["stop", "timeoutMs"], format!("at most {MAX_STOP_TIMEOUT_MS}, found {ms}")));
    let autostart = (entry.autostart && !access.allow_remote_autostart)
        .then(|| problem(&["autostart"], "false, because remoteAccess.allowRemoteAutostart is false"));
    let size = serde_json::to_vec(entry).map_or(usize::MAX, |text| text.len());
    let size = (size > MAX_ENTRY_BYTES)
        .then(|| problem(&[], format!("at most {MAX_ENTRY_BYTES} bytes for a process, found {size}")));
    variables.chain(check).chain(logs).chain(stop).chain(autostart).chain(size).collect()
}

/// What is wrong with a change from `before` to `after` by a peer that is not trusted, as far as it would have another
/// program, or the same by other arguments, run with variables whose values `patch` does not name: what that prints could
/// show them to a peer that must not know them.
pub fn unseen_variables(
    patch: &Map<String, Value>,
    before: &ProcessEntry,
    after: &ProcessEntry,
) -> Option<Problem> {
    let exec = |entry: &ProcessEntry| entry.aliveness_check.as_ref().and_then(|check| check.exec.clone());
    let runs = ["command", "args", "workingDirectory", "environment"];
    let same = exec(before) == exec(after)
        && !before.takes_a_restart(after).into_iter().any(|field| runs.contains(&field));
    let named = |name: &String| patch.get("environment").is_some_and(|named| named.get(name).is_some());
    if same || after.environment.iter().flatten().all(|(name, _)| named(name)) {
        return None;
    }
    let all = "every variable once more together with a change of what runs, because their values are shown to nobody; \
               or remove it and register it anew";
    Some(problem(&["environment"], all))
}

fn problem(path: &[&str], expected: impl std::fmt::Display) -> Problem {
    let path = path.iter().fold(JsonPath::root(), |path, key| path.key(*key));
    Problem::at(path, format!("from a peer that is not trusted, expected {expected}"))
}

fn variable_problem(name: &str) -> Option<Problem> {
    runs_other_code(name).then(|| {
        problem(&["environment", name], "no variable by which a program runs other code or finds other files")
    })
}

fn check_problems(check: &AlivenessCheck) -> impl Iterator<Item = Problem> {
    let here = "this machine by a loopback address, such as http://127.0.0.1:8080/health";
    let url = |field, url: &Option<String>| {
        let elsewhere = url.as_deref().is_some_and(|url| !host_of_url(url).is_some_and(is_loopback));
        elsewhere.then(|| problem(&["alivenessCheck", field], here))
    };
    let elsewhere = check.tcp.as_deref().is_some_and(|tcp| !host_of_address(tcp).is_some_and(is_loopback));
    let tcp = elsewhere.then(|| problem(&["alivenessCheck", "tcp"], here));
    let pid_file = check.pid_file.is_some().then(|| problem(&["alivenessCheck", "pidFile"], "none"));
    let places = [url("url", &check.url), url("statusUrl", &check.status_url), tcp, pid_file];
    places.into_iter().flatten().chain(too_often(check))
}

fn too_often(check: &AlivenessCheck) -> impl Iterator<Item = Problem> {
    let startup = check.startup_check.as_ref().map(|startup| startup.check_interval_ms);
    let periods = [
        (&["alivenessCheck", "intervalMs"][..], Some(check.interval_ms)),
        (&["alivenessCheck", "startupCheck", "checkIntervalMs"], startup),
    ];
    periods.into_iter().filter_map(|(path, period)| {
        let found = period.filter(|period| *period < LEAST_PERIOD_MS)?;
        Some(problem(path, format!("at least {LEAST_PERIOD_MS}, found {found}")))
    })
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>().map(|address| address.to_canonical().is_loopback());
    address.unwrap_or_else(|_| matches!(host.parse(), Ok(HostPattern::Loopback)))
}

fn log_problems(logs: &LogConfig) -> impl Iterator<Item = Problem> {
    let most = LogConfig::default();
    let table = [
        ("maxFileBytes", logs.max_file_bytes, most.max_file_bytes),
        ("keepFiles", logs.keep_files.into(), most.keep_files.into()),
        ("keepRuns", logs.keep_runs.into(), most.keep_runs.into()),
    ];
    table
        .into_iter()
        .filter(|(_, found, most)| found > most)
        .map(|(field, found, most)| problem(&["logs", field], format!("at most {most}, found {found}")))
}

/// What a failed check may say that a peer registered which is not trusted: nothing of what was answered, which is in
/// quotes. That may come from a service which shows the monitor what it would not show the peer.
pub fn for_strangers(reason: String) -> String {
    match reason.split_once('"') {
        Some((before, _)) => format!("{before}(not shown)"),
        None => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ProcessId;
    use serde_json::json;

    fn entry(fields: Value) -> ProcessEntry {
        let mut value =
            serde_json::to_value(ProcessEntry::new(ProcessId::new("web").unwrap(), "web")).unwrap();
        value.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    fn refused(fields: Value) -> Vec<String> {
        problems(&entry(fields), &RemoteAccess::default()).iter().map(|p| p.path.to_string()).collect()
    }

    #[test]
    fn what_other_peers_may_say() {
        let good = [
            json!({}),
            json!({"environment": {"PORT": "80"}, "workingDirectory": "/srv"}),
            json!({"alivenessCheck": {"url": "http://localhost:80/", "statusUrl": "http://[::1]:80/"}}),
            json!({"alivenessCheck": {"tcp": "127.0.0.1:80"}}),
            json!({"logs": {"keepRuns": 1}, "stop": {"timeoutMs": 60000}}),
        ];
        for fields in good {
            assert_eq!(refused(fields.clone()), [""; 0], "{fields}");
        }
    }

    #[test]
    fn what_they_may_not() {
        let bad = [
            (
                json!({"environment": {"LD_PRELOAD": "/tmp/x.so", "A": "b", "Path": "/tmp"}}),
                "environment.LD_PRELOAD environment.Path",
            ),
            (json!({"alivenessCheck": {"pidFile": "/etc/shadow"}}), "alivenessCheck.pidFile"),
            (json!({"alivenessCheck": {"url": "http://169.254.169.254/"}}), "alivenessCheck.url"),
            (json!({"alivenessCheck": {"url": "http://localhost@10.0.0.1/"}}), "alivenessCheck.url"),
            (
                json!({"alivenessCheck": {"url": "http://localhost.evil/", "enabled": false}}),
                "alivenessCheck.url",
            ),
            (json!({"alivenessCheck": {"statusUrl": "http://10.0.0.1/"}}), "alivenessCheck.statusUrl"),
            (json!({"alivenessCheck": {"tcp": "10.0.0.1:22"}}), "alivenessCheck.tcp"),
            (json!({"alivenessCheck": {"tcp": "nonsense:"}}), "alivenessCheck.tcp"),
            (
                json!({"logs": {"keepRuns": 11, "keepFiles": 6, "maxFileBytes": 1_u64 << 40}}),
                "logs.maxFileBytes logs.keepFiles logs.keepRuns",
            ),
            (json!({"stop": {"timeoutMs": 60001}}), "stop.timeoutMs"),
            (
                json!({"alivenessCheck": {"intervalMs": 999, "startupCheck": {"checkIntervalMs": 10}}}),
                "alivenessCheck.intervalMs alivenessCheck.startupCheck.checkIntervalMs",
            ),
            (json!({"args": ["x".repeat(MAX_ENTRY_BYTES)]}), ""),
        ];
        for (fields, paths) in bad {
            assert_eq!(refused(fields.clone()).join(" "), paths, "{fields}");
        }
        let access = RemoteAccess { allow_remote_autostart: false, ..RemoteAccess::default() };
        assert_eq!(problems(&entry(json!({})), &access).len(), 1);
        assert_eq!(problems(&entry(json!({"autostart": false})), &access), []);
    }

    #[test]
    fn variables_that_are_not_seen_are_not_run_with() {
        let before = entry(json!({"environment": {"A": "s3cr3t", "B": "2"}}));
        let table = [
            (json!({"name": "x", "logs": {"keepRuns": 1}}), true),
            (json!({"args": ["x"]}), false),
            (json!({"command": "env"}), false),
            (json!({"workingDirectory": "/"}), false),
            (json!({"environment": {"DEBUG": "1"}}), false),
            (json!({"alivenessCheck": {"exec": {"command": "env"}}}), false),
            (json!({"args": ["x"], "environment": {"A": "1"}}), false),
            (json!({"args": ["x"], "environment": {"A": "1", "B": null}}), true),
            (json!({"args": ["x"], "environment": null}), true),
        ];
        for (patch, may) in table {
            let patch = crate::model::EntryPatch(patch.as_object().unwrap().clone());
            let after = patch.apply(&before).unwrap();
            assert_eq!(unseen_variables(&patch.0, &before, &after).is_none(), may, "{patch:?}");
        }
    }

    #[test]
    fn every_program_is_named() {
        let entry = entry(json!({"alivenessCheck": {"enabled": false, "exec": {"command": "probe"}}}));
        let found: Vec<_> = programs(&entry).map(|(path, program)| (path.to_string(), program)).collect();
        assert_eq!(found, [("command".into(), "web"), ("alivenessCheck.exec.command".into(), "probe")]);
    }

    #[test]
    fn what_was_answered_is_not_told_to_strangers() {
        let reason = "http://127.0.0.1/: body \"s3cr3t\" (expected OK)";
        assert_eq!(for_strangers(reason.to_owned()), "http://127.0.0.1/: body (not shown)");
        assert_eq!(for_strangers("status 503".into()), "status 503");
    }
}
