//! Any valid registry.

use process_monitor_core::exit::{ExitReason, LastExit};
use process_monitor_core::id::{InstanceId, ProcessId, RunId};
use process_monitor_core::model::{
    AlivenessCheck, ExecCheck, FailAction, JsonPath, LogConfig, OutputMode, PartnerDiscovery, ProcessEntry,
    ProcessState, RateLimit, RemoteAccess, RestartPolicy, RestartType, Scope, StartupCheck, Step, StopConfig,
    StopSignal, Tls, Token, TokenHash, WatcherInfo,
};
use process_monitor_core::registry::Registry;
use process_monitor_core::time::Wall;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Text as it may stand in an argument: anything but NUL.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,8}", any::<String>().prop_map(|text| text.replace('\0', "¬"))]
}

/// Any JSON.
pub fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinity", |x| x.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Fields that no version knows.
pub fn extra() -> impl Strategy<Value = Map<String, Value>> {
    btree_map("x-[a-c]", json(), 0..3).prop_map(|map| map.into_iter().collect())
}

pub fn wall() -> impl Strategy<Value = Wall> {
    // The years 0 to 9998.
    (-62_167_219_200_000i64..253_370_764_800_000).prop_map(Wall::from_unix_millis)
}

pub fn id() -> impl Strategy<Value = ProcessId> {
    "[A-Za-z0-9][A-Za-z0-9._-]{0,63}".prop_map(|id| ProcessId::new(&id).unwrap())
}

pub fn state() -> impl Strategy<Value = ProcessState> {
    use ProcessState::*;
    select(vec![Stopped, Starting, Running, Stopping, Crashed, Retrying, Failed, Disabled])
}

fn policy() -> impl Strategy<Value = RestartPolicy> {
    let kind = select(vec![RestartType::Always, RestartType::OnFailure, RestartType::Never]);
    let list = (kind, option::of(vec(any::<i32>(), 0..3)), any::<u32>(), vec(any::<u64>(), 0..4));
    let times = (any::<u64>(), any::<bool>(), 10u64..);
    let exponential = (
        option::of(any::<u64>()),
        option::of(1.0f64..9.0),
        option::of(any::<u64>()),
        option::of(0.0..=1.0f64),
    );
    (list, times, exponential, extra()).prop_map(|(list, times, exponential, extra)| RestartPolicy {
        kind: list.0,
        success_exit_codes: list.1,
        max_attempts: list.2,
        backoff_intervals_ms: list.3,
        reset_after_ms: times.0,
        retry_indefinitely: times.1,
        indefinite_interval_ms: times.2,
        delay_ms: exponential.0,
        backoff_multiplier: exponential.1,
        max_delay_ms: exponential.2,
        jitter: exponential.3,
        extra,
    })
}

fn startup() -> impl Strategy<Value = StartupCheck> {
    let action = select(vec![FailAction::Restart, FailAction::Disable, FailAction::Fail]);
    let ready = select(vec![(false, None), (true, None), (false, Some("^ready$".to_owned()))]);
    (any::<bool>(), any::<u64>(), 10u64.., 1u32.., action, ready, extra()).prop_map(
        |(enabled, initial_delay_ms, check_interval_ms, max_attempts, fail_action, ready, extra)| {
            let (notify, log_pattern) = ready;
            StartupCheck {
                enabled,
                initial_delay_ms,
                check_interval_ms,
                max_attempts,
                fail_action,
                notify,
                log_pattern,
                extra,
            }
        },
    )
}

fn check() -> impl Strategy<Value = AlivenessCheck> {
    let url = || Just("http://127.0.0.1:80/health".to_owned());
    let program = |tail| ExecCheck::new(format!("check{tail}"));
    let asked = prop_oneof![
        Just((None, None, None)),
        url().prop_map(|url| (Some(url), None, None)),
        Just((None, Some("[::1]:6379".to_owned()), None)),
        text().prop_map(move |tail| (None, None, Some(program(tail)))),
    ];
    let main = (option::of(url()), option::of(text()));
    let promises = (any::<bool>(), option::of(10u64..));
    let what = (asked, main, promises);
    let numbers = (option::of(any::<bool>()), 10u64.., 1u64.., 1u32..);
    (what, numbers, option::of(startup()), option::of(vec(any::<u16>(), 0..3)), extra()).prop_map(
        |(what, numbers, startup_check, success_codes, extra)| AlivenessCheck {
            enabled: numbers.0,
            url: what.0.0,
            status_url: what.1.0,
            pid_file: what.1.1,
            interval_ms: numbers.1,
            timeout_ms: numbers.2,
            consecutive_failures_required: numbers.3,
            startup_check,
            success_codes,
            tcp: what.0.1,
            exec: what.0.2,
            verify_tls: what.2.0,
            watchdog_ms: what.2.1,
            extra,
        },
    )
}

fn stop() -> impl Strategy<Value = StopConfig> {
    let signal = select(StopSignal::ALL.map(|(signal, _)| signal).to_vec());
    (signal, any::<u64>(), any::<bool>(), extra()).prop_map(|(signal, timeout_ms, kill_tree, extra)| {
        StopConfig { signal, timeout_ms, kill_tree, extra }
    })
}

fn logs() -> impl Strategy<Value = LogConfig> {
    (1024u64.., 1u32.., 1u32.., any::<bool>(), extra()).prop_map(
        |(max_file_bytes, keep_files, keep_runs, timestamps, extra)| LogConfig {
            max_file_bytes,
            keep_files,
            keep_runs,
            timestamps,
            extra,
        },
    )
}

fn last_exit() -> impl Strategy<Value = LastExit> {
    use ExitReason::*;
    let reason = select(vec![Exited, Signaled, Stopped, Unhealthy, StartFailed, Unknown]);
    (option::of(any::<i32>()), option::of(text()), wall(), reason, extra())
        .prop_map(|(code, signal, at, reason, extra)| LastExit { code, signal, at, reason, extra })
}

/// Any valid entry with this id.
pub fn entry_of(id: ProcessId) -> impl Strategy<Value = ProcessEntry> {
    let variables = option::of(btree_map("[A-C_]{1,2}", text(), 0..4));
    let what = (text(), text(), vec(text(), 0..4), option::of("/[a-z]{0,4}"), variables);
    let output = select(vec![OutputMode::Capture, OutputMode::Discard]);
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), output);
    let parts = (option::of(policy()), option::of(check()), option::of(stop()), option::of(logs()));
    let times = (option::of(wall()), option::of(wall()), option::of(wall()), option::of(last_exit()));
    let past = (vec("r[0-9a-f]{1,3}-[0-9]", 0..3), any::<bool>());
    let run = (option::of(any::<u32>()), state(), any::<u32>(), any::<u32>(), past);
    let entry = (what, switches, parts, times, run, extra()).prop_map(
        move |(what, switches, parts, times, run, extra)| ProcessEntry {
            id: id.clone(),
            name: what.0,
            command: format!("c{}", what.1),
            args: what.2,
            working_directory: what.3,
            environment: what.4.map(|variables| variables.into_iter().collect()),
            autostart: switches.0,
            enabled: switches.1,
            is_remote: switches.2,
            untrusted_peer: switches.2.then(|| "203.0.113.9".to_owned()),
            restart_policy: parts.0,
            aliveness_check: parts.1.map(Box::new),
            stop: parts.2,
            logs: parts.3,
            output: switches.3,
            registered_at: times.0,
            last_started_at: times.1,
            last_stopped_at: times.2,
            pid: run.0,
            state: run.1,
            restart_attempts: run.2,
            consecutive_failures: run.3,
            last_exit: times.3,
            past_runs: run.4.0.iter().map(|id| RunId::new(id).unwrap()).collect(),
            removing: run.4.1,
            extra,
        },
    );
    entry.prop_map(|mut entry| {
        let startup = entry.aliveness_check.as_ref().and_then(|check| check.startup_check.as_ref());
        if startup.is_some_and(|startup| startup.log_pattern.is_some()) {
            entry.output = OutputMode::Capture;
        }
        entry
    })
}

const HOSTS: &[&str] = &["localhost", "0.0.0.0", "", "::1", "10.0.*.*", "2001:db8::/32", "*.example.com"];
const PROGRAMS: &[&str] = &["", "/opt/**", "/usr/bin/[a-c]?", "/bin/{true,false}", "sh"];
const ORIGINS: &[&str] = &["https://ops.example.com", "http://10.0.0.5:8080"];

/// Any tokens that can be told apart.
fn tokens() -> impl Strategy<Value = Vec<Token>> {
    let scope = select(vec![Scope::Read, Scope::Control, Scope::Admin]);
    let token = ("[a-z]{1,4}", text(), text(), scope, wall(), option::of(wall()), extra());
    let token = token.prop_map(|(id, name, secret, scope, created, expires_at, extra)| {
        let made = Token::new(name, scope, TokenHash::of(&secret), created);
        Token { id, expires_at, extra, ..made }
    });
    vec(token, 0..3).prop_map(|mut tokens| {
        tokens.sort_by(|one, other| one.id.cmp(&other.id));
        tokens.dedup_by(|one, other| one.id == other.id);
        tokens
    })
}

fn bind_address() -> impl Strategy<Value = String> {
    let address = any::<[u8; 4]>().prop_map(|bytes| Ipv4Addr::from(bytes).to_string());
    let prefix = any::<u8>().prop_map(|byte| format!("{byte}."));
    prop_oneof![address, prefix, Just("*".to_owned())]
}

fn remote() -> impl Strategy<Value = RemoteAccess> {
    let hosts = || vec(select(HOSTS).prop_map(String::from), 0..3);
    let patterns = vec(select(PROGRAMS).prop_map(String::from), 0..3);
    let origins = vec(select(ORIGINS).prop_map(String::from), 0..3);
    let lists = (hosts(), patterns, hosts(), origins, hosts());
    let rate = (0.001f64..1e6, 1u32.., extra()).prop_map(|(requests_per_second, burst, extra)| RateLimit {
        requests_per_second,
        burst,
        extra,
    });
    let files = option::of(("[a-z/]{1,9}", "[a-z/]{1,9}"));
    let tls = (any::<bool>(), files, extra()).prop_map(|(enabled, files, extra)| {
        let (certificate_file, key_file) = files.unzip();
        Tls { enabled, certificate_file, key_file, extra }
    });
    (
        any::<[bool; 8]>(),
        option::of(any::<u16>()),
        lists,
        option::of(bind_address()),
        option::of(rate),
        1u64..,
        (option::of(tls), tokens()),
        extra(),
    )
        .prop_map(
            |(
                allowed,
                remote_port,
                lists,
                bind_address,
                rate_limit,
                max_body_bytes,
                (tls, tokens),
                extra,
            )| {
                RemoteAccess {
                    start_remote_access: allowed[0],
                    remote_port,
                    trusted_hosts: lists.0,
                    allow_remote_register: allowed[1],
                    allow_remote_deregister: allowed[2],
                    allow_remote_start: allowed[3],
                    allow_remote_stop: allowed[4],
                    allow_remote_disable: allowed[5],
                    allow_remote_autostart: allowed[6],
                    allow_remote_monitor_restart: allowed[7],
                    executable_whitelist: lists.1,
                    trusted_proxies: lists.2,
                    cors_origins: lists.3,
                    allowed_hosts: lists.4,
                    bind_address,
                    rate_limit,
                    max_body_bytes,
                    tls,
                    tokens,
                    extra,
                    ..RemoteAccess::default()
                }
            },
        )
}

/// Any valid registry of the default instance with up to `most` processes, some of whose ids are
/// likely to be in the next one as well.
pub fn registry(most: usize) -> impl Strategy<Value = Registry> {
    let watcher = option::of((option::of(any::<u32>()), option::of(any::<u16>()), extra()));
    let watcher = watcher.prop_map(|watcher| {
        watcher.map(|(watcher_pid, watcher_aliveness_port, extra)| WatcherInfo {
            watcher_pid,
            watcher_instance_id: Some(InstanceId::default()),
            watcher_aliveness_port,
            extra,
        })
    });
    let partner =
        (any::<bool>(), option::of(text()), extra()).prop_map(|(start, partner_status_url, extra)| {
            PartnerDiscovery {
                start_partner_if_missing: start,
                partner_status_url,
                extra,
                ..PartnerDiscovery::default()
            }
        });
    let ids = vec(prop_oneof!["[a-d]".prop_map(|id| ProcessId::new(&id).unwrap()), id()], 0..=most);
    let entries = ids.prop_flat_map(|ids| ids.into_iter().map(entry_of).collect::<Vec<_>>());
    let numbers = (option::of(wall()), 10u64.., any::<bool>());
    (numbers, partner, remote(), watcher, entries, extra()).prop_map(
        |(numbers, partner_discovery, remote_access, watcher_info, entries, extra)| Registry {
            last_modified: numbers.0,
            monitor_interval_ms: numbers.1,
            standalone_mode: numbers.2,
            partner_discovery,
            remote_access,
            watcher_info,
            processes: entries.into_iter().map(|entry| (entry.id.clone(), Arc::new(entry))).collect(),
            extra,
            ..Registry::new(InstanceId::default())
        },
    )
}

/// Any place in a document.
pub fn path() -> impl Strategy<Value = JsonPath> {
    let step = prop_oneof![text().prop_map(Step::Key), (0usize..3).prop_map(Step::Index)];
    vec(step, 0..4).prop_map(|steps| {
        steps.into_iter().fold(JsonPath::root(), |path, step| match step {
            Step::Key(key) => path.key(key),
            Step::Index(index) => path.index(index),
        })
    })
}
