//! The health check of a process: what is asked, how often, and what follows.

use super::document::document;
use super::problem::{Problem, at_least, nested, no_nul};
use super::{JsonPath, MIN_PERIOD_MS};
use serde::{Deserialize, Serialize};

document! {
    /// `alivenessCheck` of an entry (SPEC 4.3). Times are in milliseconds.
    #[derive(Debug)]
    pub struct AlivenessCheck {
        /// Whether it is checked. Absent in a file means no; absent in an HTTP registration means yes,
        /// which is why absence is kept apart from `false`.
        #[serde(skip_serializing_if = "Option::is_none")]
        enabled: Option<bool> = None,
        /// Asked by GET; healthy is what SPEC 4.3 says.
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String> = None,
        /// Asked once after the startup check for a JSON `pid` to adopt.
        #[serde(skip_serializing_if = "Option::is_none")]
        status_url: Option<String> = None,
        /// From one check to the next. Default 3000, at least 10.
        interval_ms: u64 = 3_000,
        /// A check that takes longer has failed. Default 2000, at least 1.
        timeout_ms: u64 = 2_000,
        /// Failed checks in a row after which the process is killed and restarted. Default 2, at least 1.
        consecutive_failures_required: u32 = 2,
        /// What must succeed before the process counts as running. Default: nothing.
        #[serde(skip_serializing_if = "Option::is_none")]
        startup_check: Option<StartupCheck> = None,
        /// Status codes that mean healthy. Default `[200]`.
        #[serde(skip_serializing_if = "Option::is_none")]
        success_codes: Option<Vec<u16>> = None,
        /// Healthy when this `host:port` accepts a connection.
        #[serde(skip_serializing_if = "Option::is_none")]
        tcp: Option<String> = None,
        /// Healthy when this program ends with code 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        exec: Option<ExecCheck> = None,
    }
}

document! {
    /// `startupCheck` of a health check. Times are in milliseconds.
    #[derive(Debug, Eq)]
    pub struct StartupCheck {
        /// Whether the start waits for it. Default false.
        enabled: bool = false,
        /// From the spawn to the first check. Default 2000.
        initial_delay_ms: u64 = 2_000,
        /// From one check to the next. Default 1000, at least 10.
        check_interval_ms: u64 = 1_000,
        /// Failed checks after which `failAction` follows. Default 30, at least 1.
        max_attempts: u32 = 30,
        /// What follows then. Default `restart`.
        fail_action: FailAction = FailAction::Restart,
    }
}

/// What follows when a startup check never succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailAction {
    /// It counts as a crash: the restart policy decides.
    Restart,
    /// It is stopped and disabled.
    Disable,
    /// It is stopped, and its state is `failed`.
    Fail,
}

document! {
    /// `exec` of a health check.
    #[derive(Debug, Eq)]
    pub struct ExecCheck requires {
        /// An executable, found as that of an entry is.
        command: String,
    } defaults {
        /// Passed verbatim. Default none.
        args: Vec<String> = Vec::new(),
    }
}

impl AlivenessCheck {
    /// What cannot be obeyed, all of it; empty when the check is good.
    pub fn validate(&self) -> Vec<Problem> {
        let startup = self.startup_check.iter().flat_map(|s| nested("startupCheck", s.validate()));
        let exec = self.exec.iter().flat_map(|e| nested("exec", e.validate()));
        [
            at_least("intervalMs", self.interval_ms, MIN_PERIOD_MS),
            at_least("timeoutMs", self.timeout_ms, 1),
            at_least("consecutiveFailuresRequired", self.consecutive_failures_required, 1),
        ]
        .into_iter()
        .flatten()
        .chain(startup)
        .chain(exec)
        .collect()
    }
}

impl StartupCheck {
    /// What cannot be obeyed, all of it; empty when the check is good.
    pub fn validate(&self) -> Vec<Problem> {
        let interval = at_least("checkIntervalMs", self.check_interval_ms, MIN_PERIOD_MS);
        interval.into_iter().chain(at_least("maxAttempts", self.max_attempts, 1)).collect()
    }
}

impl ExecCheck {
    /// A check that runs `command` without arguments.
    pub fn new(command: impl Into<String>) -> Self {
        Self::with_defaults(command.into())
    }

    /// What cannot be run, all of it; empty when the check is good.
    pub fn validate(&self) -> Vec<Problem> {
        program_problems(&self.command, &self.args).collect()
    }
}

/// What no system can run about a command and its arguments.
pub(super) fn program_problems<'a>(
    command: &'a str,
    args: &'a [String],
) -> impl Iterator<Item = Problem> + 'a {
    let missing = command
        .trim()
        .is_empty()
        .then(|| Problem::new("command", "expected the name or path of an executable, found nothing"));
    let args = args.iter().enumerate();
    missing
        .into_iter()
        .chain(no_nul(command, || JsonPath::root().key("command")))
        .chain(args.filter_map(|(n, arg)| no_nul(arg, || JsonPath::root().key("args").index(n))))
}
