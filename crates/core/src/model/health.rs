//! The health check of a process: what is asked, how often, and what follows.

use super::document::document;
use super::problem::{Problem, nested};
use super::rule::{Arguments, Bounds, Executable};
use super::{JsonPath, MIN_PERIOD_MS};
use crate::health;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

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
        /// Asked once after the startup check for a JSON `pid` to adopt; and, when the program that was
        /// started ends with code 0 and leaves others, until it answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        status_url: Option<String> = None,
        /// For a program that makes itself a daemon: when the program that was started ends with code 0
        /// and leaves others, the pid in this file is adopted. Relative to `workingDirectory`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pid_file: Option<String> = None,
        /// From one check to the next. Default 3000, at least 10.
        interval_ms: u64 = 3_000 => Bounds::AtLeast(MIN_PERIOD_MS),
        /// A check that takes longer has failed. Default 2000, at least 1.
        timeout_ms: u64 = 2_000 => Bounds::AtLeast(1),
        /// Failed checks in a row after which the process is killed and restarted. Default 2, at least 1.
        consecutive_failures_required: u32 = 2 => Bounds::AtLeast(1),
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
        /// Whether the certificate of an `https` url must be valid. Default true.
        #[serde(skip_serializing_if = "is_true")]
        verify_tls: bool = true,
        /// The program says `WATCHDOG=1` (sd_notify(3)) at least this often, or counts as hung. It is told
        /// so by `WATCHDOG_USEC`. Default: no such promise. At least 10.
        #[serde(skip_serializing_if = "Option::is_none")]
        watchdog_ms: Option<u64> = None => Bounds::AtLeast(MIN_PERIOD_MS),
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
        check_interval_ms: u64 = 1_000 => Bounds::AtLeast(MIN_PERIOD_MS),
        /// Failed checks after which `failAction` follows. Default 30, at least 1.
        max_attempts: u32 = 30 => Bounds::AtLeast(1),
        /// What follows then. Default `restart`.
        fail_action: FailAction = FailAction::Restart,
        /// It is ready when it says `READY=1` (sd_notify(3)), instead of when a check passes. Default false.
        #[serde(skip_serializing_if = "is_false")]
        notify: bool = false,
        /// It is ready when it prints a line that this regular expression matches, instead of when a check
        /// passes.
        #[serde(skip_serializing_if = "Option::is_none")]
        log_pattern: Option<String> = None,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// By what a process is known to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// The check passes.
    Check,
    /// It says so (sd_notify(3)).
    Notify,
    /// It prints a certain line.
    Line,
    /// It makes itself a daemon: the process that was started ends, and the one that goes on is found.
    Fork,
}

/// What follows when a startup check never succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
        command: String => Executable,
    } defaults {
        /// Passed verbatim. Default none.
        args: Vec<String> = Vec::new() => Arguments,
    }
}

impl AlivenessCheck {
    /// What is asked, in words: `http://127.0.0.1:80/health`, `tcp 127.0.0.1:6379`, `exec redis-cli ping`.
    /// `None` when nothing is asked. Without the user and password of a url.
    pub fn target(&self) -> Option<String> {
        let url = self.url.as_deref().map(without_credentials);
        let tcp = || self.tcp.as_ref().map(|tcp| format!("tcp {tcp}"));
        let exec = || self.exec.as_ref().map(ExecCheck::words);
        url.or_else(tcp).or_else(exec)
    }

    /// By what a start is known to have come to its end; `None` when it has with the spawn.
    pub fn readiness(&self) -> Option<(Readiness, &StartupCheck)> {
        let startup = self.startup_check.as_ref().filter(|startup| startup.enabled)?;
        let by = match startup {
            StartupCheck { notify: true, .. } => Readiness::Notify,
            StartupCheck { log_pattern: Some(_), .. } => Readiness::Line,
            _ if self.asks() => Readiness::Check,
            _ => return None,
        };
        Some((by, startup))
    }

    /// Whether there is something to ask.
    pub fn asks(&self) -> bool {
        self.url.is_some() || self.tcp.is_some() || self.exec.is_some()
    }

    /// Whether the program is expected to say something by sd_notify(3), and so is told where.
    pub fn listens(&self) -> bool {
        self.watchdog_ms.is_some() || matches!(self.readiness(), Some((Readiness::Notify, _)))
    }

    /// Whether the program may go on as another process than the one that was started.
    pub fn daemonises(&self) -> bool {
        self.pid_file.is_some() || self.status_url.is_some()
    }

    /// What cannot be obeyed, all of it; empty when the check is good.
    pub fn validate(&self) -> Vec<Problem> {
        let startup = self.startup_check.iter().flat_map(|s| nested("startupCheck", s.validate()));
        let exec = self.exec.iter().flat_map(|e| nested("exec", e.validate()));
        // What is switched off may name nothing: the earlier implementation wrote empty texts.
        let on = self.enabled == Some(true);
        let urls = [("url", &self.url), ("statusUrl", &self.status_url)].into_iter().filter(|_| on);
        let urls = urls.filter_map(|(field, url)| bad(field, url.as_deref(), health::check_url));
        let tcp = bad("tcp", self.tcp.as_deref().filter(|_| on), health::check_tcp);
        let asked = [self.url.is_some(), self.tcp.is_some(), self.exec.is_some()];
        let too_many = (on && asked.into_iter().filter(|asked| *asked).count() > 1).then(|| {
            Problem::at(JsonPath::root(), "expected one of url, tcp and exec, found more; keep one")
        });
        self.broken_rules().chain(urls).chain(tcp).chain(too_many).chain(startup).chain(exec).collect()
    }
}

fn bad(field: &str, value: Option<&str>, check: fn(&str) -> Result<(), String>) -> Option<Problem> {
    check(value?).err().map(|why| Problem::new(field, why))
}

fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest.get(..authority).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default()),
        None => url.to_owned(),
    }
}

impl StartupCheck {
    /// How long a start may take in all. Default 32 s.
    pub fn patience(&self) -> Duration {
        let millis = self.check_interval_ms.saturating_mul(self.max_attempts.into());
        Duration::from_millis(self.initial_delay_ms.saturating_add(millis))
    }

    /// What cannot be obeyed, all of it; empty when the check is good.
    pub fn validate(&self) -> Vec<Problem> {
        let pattern = bad("logPattern", self.log_pattern.as_deref(), check_pattern);
        let both = (self.notify && self.log_pattern.is_some())
            .then(|| Problem::new("logPattern", "expected either this or notify, found both; keep one"));
        self.broken_rules().chain(pattern).chain(both).collect()
    }
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    match regex_lite::Regex::new(pattern) {
        Ok(_) => Ok(()),
        Err(why) => Err(format!("expected a regular expression, found {pattern:?}: {why}")),
    }
}

impl ExecCheck {
    fn words(&self) -> String {
        let words = std::iter::once(&self.command).chain(&self.args);
        words.fold("exec".to_owned(), |all, word| all + " " + word)
    }
    /// A check that runs `command` without arguments.
    pub fn new(command: impl Into<String>) -> Self {
        Self::with_defaults(command.into())
    }

    /// What cannot be run, all of it; empty when the check is good.
    pub fn validate(&self) -> Vec<Problem> {
        self.broken_rules().collect()
    }
}
