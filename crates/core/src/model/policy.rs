//! The restart policy: as the registry writes it, and as the engine obeys it.

use super::lenient::null_is_default;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// Which exits are restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartType {
    /// Every unexpected exit, whatever its code.
    #[default]
    Always,
    /// Every exit but one with a code in `successExitCodes`.
    OnFailure,
    /// None.
    Never,
}

/// `restartPolicy` of an entry (SPEC 4.2). Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RestartPolicy {
    /// Which exits are restarted. Default `always`.
    #[serde(rename = "type", deserialize_with = "null_is_default", skip_serializing_if = "is_default")]
    pub kind: RestartType,
    /// Exit codes that count as success for `on-failure`. Default `[0]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_exit_codes: Option<Vec<i32>>,
    /// Restarts before giving up. Default 5.
    pub max_attempts: u32,
    /// The wait before the first, second, … restart; the last repeats; empty means no wait.
    /// Default `[1000, 2000, 5000]`. Not used when `delayMs` is set.
    pub backoff_intervals_ms: Vec<u64>,
    /// After running this long the attempts return to 0. Default 300000.
    pub reset_after_ms: u64,
    /// Go on every `indefiniteIntervalMs` when the attempts are used up. Default false.
    pub retry_indefinitely: bool,
    /// Default 21600000 (6 hours).
    pub indefinite_interval_ms: u64,
    /// Exponential form: the first wait. Setting it selects this form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Exponential form: each wait is the one before times this. Default 2, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_multiplier: Option<f64>,
    /// Exponential form: no wait is longer. Default 60000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay_ms: Option<u64>,
    /// Exponential form: each wait is shortened by a random part of at most this fraction (0 to 1),
    /// so that processes that crashed together don't return together. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
    /// Fields this version does not know, kept for who wrote them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            kind: RestartType::Always,
            success_exit_codes: None,
            max_attempts: 5,
            backoff_intervals_ms: vec![1000, 2000, 5000],
            reset_after_ms: 300_000,
            retry_indefinitely: false,
            indefinite_interval_ms: 21_600_000,
            delay_ms: None,
            backoff_multiplier: None,
            max_delay_ms: None,
            jitter: None,
            extra: Map::new(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How the wait grows: the legal fields of each form, and no others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backoff<'a> {
    /// A list of waits in milliseconds; the last repeats; empty means none.
    Intervals(&'a [u64]),
    /// `delay`, times `multiplier` each time, at most `max`, less up to `jitter` of it.
    Exponential {
        /// First wait.
        delay: Duration,
        /// At least 1.
        multiplier: f64,
        /// Longest wait.
        max: Duration,
        /// 0 to 1.
        jitter: f64,
    },
}

impl RestartPolicy {
    /// The wait's form.
    pub fn backoff(&self) -> Backoff<'_> {
        match self.delay_ms {
            None => Backoff::Intervals(&self.backoff_intervals_ms),
            Some(delay) => Backoff::Exponential {
                delay: Duration::from_millis(delay),
                multiplier: self.backoff_multiplier.unwrap_or(2.0),
                max: Duration::from_millis(self.max_delay_ms.unwrap_or(60_000)),
                jitter: self.jitter.unwrap_or(0.0),
            },
        }
    }

    /// The exit codes that count as success.
    pub fn success_codes(&self) -> &[i32] {
        self.success_exit_codes.as_deref().unwrap_or(&[0])
    }
}
