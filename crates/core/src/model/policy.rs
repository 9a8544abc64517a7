//! The restart policy: as the registry writes it, and as the engine obeys it.

use super::document::document;
use super::problem::Problem;
use super::rule::{Bounds, Rule, member};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Which exits are restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
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

document! {
    /// `restartPolicy` of an entry (SPEC 4.2). Times are in milliseconds.
    #[derive(Debug)]
    pub struct RestartPolicy {
        /// Which exits are restarted. Default `always`.
        #[serde(rename = "type", skip_serializing_if = "is_default")]
        kind: RestartType = RestartType::Always,
        /// Exit codes that count as success for `on-failure`. Default `[0]`.
        #[serde(skip_serializing_if = "Option::is_none")]
        success_exit_codes: Option<Vec<i32>> = None,
        /// Restarts before giving up. Default 5.
        max_attempts: u32 = 5,
        /// The wait before the first, second, … restart; the last repeats; empty means no wait.
        /// Default `[1000, 2000, 5000]`. Not used when `delayMs` is set. A start that failed, so that nothing ran, is
        /// tried again after 100 ms at the least, twice as long after each failure in a row, up to 5000, whatever the policy says.
        backoff_intervals_ms: Vec<u64> = vec![1000, 2000, 5000],
        /// After running this long the attempts return to 0. Default 300000.
        reset_after_ms: u64 = 300_000,
        /// Go on every `indefiniteIntervalMs` when the attempts are used up. Default false.
        retry_indefinitely: bool = false,
        /// The period of that. Default 21600000 (6 hours), at least 10.
        indefinite_interval_ms: u64 = 21_600_000,
        /// Exponential form: the first wait. Setting it selects this form.
        #[serde(skip_serializing_if = "Option::is_none")]
        delay_ms: Option<u64> = None,
        /// Exponential form: each wait is the one before times this. Default 2, at least 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        backoff_multiplier: Option<f64> = None => Bounds::AtLeast(1),
        /// Exponential form: no wait is longer. Default 60000.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_delay_ms: Option<u64> = None,
        /// Exponential form: each wait is shortened by a random part of at most this fraction (0 to 1),
        /// so that processes that crashed together don't return together. Default 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        jitter: Option<f64> = None => Bounds::Fraction,
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

    /// What cannot be obeyed, all of it; empty when the policy is good.
    pub fn validate(&self) -> Vec<Problem> {
        // Without a pause between them, endless attempts would use up the machine.
        let pause = Bounds::AtLeast(super::MIN_PERIOD_MS);
        let indefinite = self
            .retry_indefinitely
            .then(|| pause.check(&|| member("indefinite_interval_ms"), &self.indefinite_interval_ms));
        self.broken_rules().chain(indefinite.into_iter().flatten()).collect()
    }
}
