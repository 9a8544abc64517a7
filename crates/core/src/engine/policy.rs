//! Whether an exit is restarted, and after how long: the only place that knows.

use crate::exit::Exit;
use crate::model::{Backoff, ProcessEntry, RestartPolicy, RestartType};
use std::time::Duration;

/// The least wait between the end and the next start of what a peer has registered or changed that is not trusted: he
/// may have programs crash, but not have the monitor do nothing but start them.
pub const LEAST_WAIT_OF_STRANGERS: Duration = Duration::from_secs(1);

/// The least wait after a start that failed, because nothing ran: what it lacked will not be there at once, and to try
/// without a pause would cost more than what runs. It doubles with each failure in a row.
pub const LEAST_WAIT_OF_FAILED_STARTS: Duration = Duration::from_millis(100);

/// However many starts failed in a row, the least wait grows no longer than this.
pub const LONGEST_LEAST_WAIT: Duration = Duration::from_secs(5);

/// How a run, or the attempt at one, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It ran and exited.
    Exited(Exit),
    /// It could not be started.
    NotStarted,
}

/// What the policy makes of an ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start again after this wait; one attempt is used.
    Restart(Duration),
    /// Attempts are used up; try again after this long wait.
    RetryLater(Duration),
    /// Nothing to restart: it did what it was meant to.
    Done,
    /// Give up.
    Fail,
}

impl Verdict {
    /// The same, but no sooner than `least`.
    pub fn after_at_least(self, least: Duration) -> Self {
        match self {
            Self::Restart(wait) => Self::Restart(wait.max(least)),
            Self::RetryLater(wait) => Self::RetryLater(wait.max(least)),
            Self::Done | Self::Fail => self,
        }
    }
}

/// The least wait before `entry`, whose last `failed_starts` starts failed, is started again by its policy.
pub fn least_wait(entry: &ProcessEntry, failed_starts: u32) -> Duration {
    let of_strangers = entry.untrusted_peer.as_ref().map_or(Duration::ZERO, |_| LEAST_WAIT_OF_STRANGERS);
    of_strangers.max(after_failed_starts(failed_starts))
}

fn after_failed_starts(in_a_row: u32) -> Duration {
    let Some(doublings) = in_a_row.checked_sub(1) else { return Duration::ZERO };
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    LEAST_WAIT_OF_FAILED_STARTS.saturating_mul(factor).min(LONGEST_LEAST_WAIT)
}

/// What follows `ending` when `attempts` restarts have been used. `dice` is any random number.
pub fn after(policy: &RestartPolicy, ending: Ending, attempts: u32, dice: u32) -> Verdict {
    let success =
        matches!(ending, Ending::Exited(Exit::Code(code)) if policy.success_codes().contains(&code));
    match policy.kind {
        RestartType::OnFailure | RestartType::Never if success => Verdict::Done,
        RestartType::Never => Verdict::Fail,
        RestartType::Always | RestartType::OnFailure if attempts < policy.max_attempts => {
            Verdict::Restart(delay(policy.backoff(), attempts, dice))
        }
        RestartType::Always | RestartType::OnFailure if policy.retry_indefinitely => {
            Verdict::RetryLater(Duration::from_millis(policy.indefinite_interval_ms))
        }
        RestartType::Always | RestartType::OnFailure => Verdict::Fail,
    }
}

/// The wait before the restart that follows `attempts` earlier ones.
pub fn delay(backoff: Backoff<'_>, attempts: u32, dice: u32) -> Duration {
    match backoff {
        Backoff::Intervals(intervals) => {
            let at = usize::try_from(attempts).unwrap_or(usize::MAX);
            let millis = intervals.get(at).or(intervals.last()).copied().unwrap_or(0);
            Duration::from_millis(millis)
        }
        Backoff::Exponential { delay, multiplier, max, jitter } => {
            let factor = multiplier.max(1.0).powf(f64::from(attempts));
            let full = Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(max).min(max);
            let cut = jitter.clamp(0.0, 1.0) * f64::from(dice) / f64::from(u32::MAX);
            full.mul_f64(1.0 - cut)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(kind: RestartType) -> RestartPolicy {
        RestartPolicy { kind, max_attempts: 2, ..RestartPolicy::default() }
    }

    #[test]
    fn which_endings_are_restarted() {
        use Ending::{Exited, NotStarted};
        use RestartType::{Always, Never, OnFailure};
        let first = Verdict::Restart(Duration::from_secs(1));
        let table = [
            (Always, Exited(Exit::Code(0)), 0, first),
            (Always, Exited(Exit::Code(1)), 1, Verdict::Restart(Duration::from_secs(2))),
            (Always, NotStarted, 2, Verdict::Fail),
            (OnFailure, Exited(Exit::Code(0)), 0, Verdict::Done),
            (OnFailure, Exited(Exit::Code(0)), 2, Verdict::Done),
            (OnFailure, Exited(Exit::Code(1)), 0, first),
            (OnFailure, Exited(Exit::Signal(9)), 0, first),
            (OnFailure, Exited(Exit::Unknown), 0, first),
            (OnFailure, NotStarted, 0, first),
            (Never, Exited(Exit::Code(0)), 0, Verdict::Done),
            (Never, Exited(Exit::Code(1)), 0, Verdict::Fail),
            (Never, NotStarted, 0, Verdict::Fail),
        ];
        for (kind, ending, attempts, expected) in table {
            assert_eq!(after(&policy(kind), ending, attempts, 0), expected, "{kind:?} {ending:?} {attempts}");
        }
        let codes = RestartPolicy { success_exit_codes: Some(vec![3]), ..policy(OnFailure) };
        assert_eq!(after(&codes, Exited(Exit::Code(3)), 0, 0), Verdict::Done);
        assert_eq!(after(&codes, Exited(Exit::Code(0)), 0, 0), first);
        let forever = RestartPolicy { retry_indefinitely: true, indefinite_interval_ms: 7, ..policy(Always) };
        assert_eq!(after(&forever, NotStarted, 2, 0), Verdict::RetryLater(Duration::from_millis(7)));
    }

    #[test]
    fn strangers_wait() {
        let mut entry = ProcessEntry::new(crate::id::ProcessId::new("web").unwrap(), "web");
        assert_eq!(least_wait(&entry, 0), Duration::ZERO);
        entry.untrusted_peer = Some("203.0.113.9".to_owned());
        let (least, long) = (least_wait(&entry, 1), Duration::from_secs(9));
        let table = [
            (Verdict::Restart(Duration::ZERO), Verdict::Restart(least)),
            (Verdict::Restart(long), Verdict::Restart(long)),
            (Verdict::RetryLater(Duration::from_millis(10)), Verdict::RetryLater(least)),
            (Verdict::Done, Verdict::Done),
            (Verdict::Fail, Verdict::Fail),
        ];
        for (verdict, expected) in table {
            assert_eq!(verdict.after_at_least(least), expected);
        }
    }

    #[test]
    fn failed_starts_wait_longer_each_time() {
        let entry = ProcessEntry::new(crate::id::ProcessId::new("web").unwrap(), "web");
        let table = [
            (0, 0),
            (1, 100),
            (2, 200),
            (3, 400),
            (6, 3200),
            (7, 5000),
            (32, 5000),
            (33, 5000),
            (u32::MAX, 5000),
        ];
        for (in_a_row, millis) in table {
            assert_eq!(least_wait(&entry, in_a_row), Duration::from_millis(millis), "{in_a_row} in a row");
        }
    }

    #[test]
    fn waits_of_both_forms() {
        let list = [1000, 2000, 5000];
        let waits: Vec<_> = (0..5).map(|n| delay(Backoff::Intervals(&list), n, 0).as_millis()).collect();
        assert_eq!(waits, [1000, 2000, 5000, 5000, 5000]);
        assert_eq!(delay(Backoff::Intervals(&[]), 3, 0), Duration::ZERO);

        let form = |jitter| Backoff::Exponential {
            delay: Duration::from_millis(100),
            multiplier: 2.0,
            max: Duration::from_millis(1500),
            jitter,
        };
        let waits: Vec<_> = (0..6).map(|n| delay(form(0.0), n, u32::MAX).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1500, 1500]);
        assert_eq!(delay(form(0.0), u32::MAX, 0), Duration::from_millis(1500));
        assert_eq!(delay(form(1.0), 0, u32::MAX), Duration::ZERO);
        assert_eq!(delay(form(0.5), 0, 0), Duration::from_millis(100));
        assert_eq!(delay(form(0.5), 0, u32::MAX), Duration::from_millis(50));
    }
}
