//! The forms of configuration that the histories choose from.

use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{
    AlivenessCheck, FailAction, ProcessEntry, RestartPolicy, RestartType, StartupCheck, StopConfig,
    StopSignal,
};
use std::sync::Arc;
use std::time::Duration;

/// How many forms there are.
pub const FORMS: usize = 8;

/// The longest `stop.timeoutMs` of any form, which is also longer than a kill waits to be repeated.
pub const LONGEST_PATIENCE: Duration = Duration::from_secs(10);

/// The largest `maxAttempts` of any form.
pub const MOST_ATTEMPTS: u32 = 5;

pub fn entry(id: &ProcessId, form: usize) -> Arc<ProcessEntry> {
    let plain = ProcessEntry::new(id.clone(), "/bin/true");
    Arc::new(match form {
        0 => plain,
        1 => {
            ProcessEntry { restart_policy: Some(at_once()), stop: stop(StopSignal::Int, 500, true), ..plain }
        }
        2 => ProcessEntry {
            restart_policy: Some(on_failure()),
            stop: stop(StopSignal::Kill, 10_000, true),
            ..plain
        },
        3 => ProcessEntry {
            restart_policy: Some(RestartPolicy { kind: RestartType::Never, ..RestartPolicy::default() }),
            stop: stop(StopSignal::Term, 0, false),
            ..plain
        },
        5 => ProcessEntry { aliveness_check: check(None), restart_policy: Some(at_once()), ..plain },
        6 => ProcessEntry {
            aliveness_check: check(Some(FailAction::Fail)),
            restart_policy: Some(on_failure()),
            ..plain
        },
        4 => ProcessEntry { restart_policy: Some(exponential()), autostart: false, ..plain },
        _ => ProcessEntry { enabled: false, ..plain },
    })
}

fn stop(signal: StopSignal, timeout_ms: u64, kill_tree: bool) -> Option<StopConfig> {
    Some(StopConfig { signal, timeout_ms, kill_tree, ..StopConfig::default() })
}

/// With a startup check where there is something to be done if it fails.
fn check(fail_action: Option<FailAction>) -> Option<Box<AlivenessCheck>> {
    let startup = fail_action.map(|fail_action| StartupCheck {
        enabled: true,
        initial_delay_ms: 100,
        check_interval_ms: 300,
        max_attempts: 3,
        fail_action,
        ..StartupCheck::default()
    });
    Some(Box::new(AlivenessCheck {
        enabled: Some(true),
        tcp: Some("127.0.0.1:1".into()),
        interval_ms: 1_500,
        startup_check: startup,
        ..AlivenessCheck::default()
    }))
}

fn at_once() -> RestartPolicy {
    RestartPolicy {
        max_attempts: 3,
        backoff_intervals_ms: Vec::new(),
        reset_after_ms: 2_000,
        ..RestartPolicy::default()
    }
}

fn on_failure() -> RestartPolicy {
    RestartPolicy {
        kind: RestartType::OnFailure,
        success_exit_codes: Some(vec![0, 3]),
        max_attempts: 2,
        backoff_intervals_ms: vec![100],
        retry_indefinitely: true,
        indefinite_interval_ms: 20_000,
        ..RestartPolicy::default()
    }
}

fn exponential() -> RestartPolicy {
    RestartPolicy {
        max_attempts: 4,
        reset_after_ms: 0,
        delay_ms: Some(200),
        backoff_multiplier: Some(2.0),
        max_delay_ms: Some(1_000),
        jitter: Some(0.5),
        ..RestartPolicy::default()
    }
}

/// The least wait after so many failed starts in a row, whatever the policy says.
pub fn floor_of_failed_starts(in_a_row: u32) -> Duration {
    let milliseconds = (1..in_a_row).fold(100, |wait: u64, _| wait * 2).min(5_000);
    if in_a_row == 0 { Duration::ZERO } else { Duration::from_millis(milliseconds) }
}

/// The shortest and the longest wait before the restart that follows `earlier` ones, worked out anew.
pub fn bounds(policy: &RestartPolicy, earlier: u32) -> (Duration, Duration) {
    let milliseconds = match policy.delay_ms {
        None => {
            let list = &policy.backoff_intervals_ms;
            let position = (earlier as usize).min(list.len().saturating_sub(1));
            list.get(position).copied().unwrap_or(0)
        }
        Some(first) => (0..earlier).fold(first, |wait, _| wait * 2).min(policy.max_delay_ms.unwrap()),
    };
    let longest = Duration::from_millis(milliseconds);
    (longest.mul_f64(1.0 - policy.jitter.unwrap_or(0.0)), longest)
}
