//! How much of a processor a kind of work may take, so that it leaves room to what must happen at once.

use crate::time::Mono;
use std::time::Duration;

/// Which part of one processor may be taken: one out of so many.
const SHARE: u32 = 4;

/// How much may be taken at once by who took nothing before.
const BURST: Duration = Duration::from_millis(1);

/// No piece of work counts for more, of the thread's time: what it takes between two pieces may be for something else.
const PIECE: Duration = Duration::from_millis(2);

/// Keeps one kind of work of a thread, which can wait, within a quarter of a processor: a bucket of processor time, which fills as
/// time goes by. Who asks now and then never waits, and what others do to the processors changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// When it was looked at last.
    last: Option<Mono>,
    /// What the thread had taken when a piece of work began that is not accounted for yet.
    begun: Option<Duration>,
    /// What was taken for this work elsewhere, as far as it is accounted for.
    elsewhere: Duration,
    /// What was taken beyond the share.
    debt: Duration,
}

impl Pace {
    /// How long to wait before the next piece of work, when the thread has taken `taken` of the processor since its start, and
    /// other threads `elsewhere`, for this work alone. Zero: not at all, it is begun now. To be asked again after the wait.
    pub fn wait(&mut self, now: Mono, taken: Duration, elsewhere: Duration) -> Duration {
        let others = elsewhere.saturating_sub(std::mem::replace(&mut self.elsewhere, elsewhere));
        let piece = self.begun.take().map_or(Duration::ZERO, |begun| taken.saturating_sub(begun).min(PIECE));
        let passed = self.last.map_or(Duration::ZERO, |last| now.since(last));
        self.last = Some(now);
        self.debt = self.debt.saturating_add(piece).saturating_add(others).saturating_sub(passed / SHARE);
        let wait = self.debt.saturating_sub(BURST).saturating_mul(SHARE);
        if wait.is_zero() {
            self.begun = Some(taken);
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Mono {
        Mono::from_zero(Duration::from_micros(micros))
    }

    /// Work that takes `cost` each time, asked for without a pause: how much of the processor it gets in a second.
    fn taken_in_a_second(cost: u64) -> u64 {
        let (mut pace, mut now, mut taken) = (Pace::default(), 0, 0);
        while now < 1_000_000 {
            let wait = pace.wait(at(now), Duration::from_micros(taken), Duration::ZERO);
            if wait.is_zero() {
                (now, taken) = (now + cost, taken + cost);
            } else {
                now += u64::try_from(wait.as_micros()).unwrap().max(1);
            }
        }
        taken
    }

    #[test]
    fn work_without_a_pause_gets_a_quarter_of_the_processor() {
        for cost in [10, 100, 1000, 2000] {
            let taken = taken_in_a_second(cost);
            assert!((240_000..=280_000).contains(&taken), "{cost}: {taken}");
        }
    }

    #[test]
    fn who_takes_less_never_waits() {
        let mut pace = Pace::default();
        for nth in 0..10_000 {
            let wait = pace.wait(at(nth * 1000), Duration::from_micros(nth * 249), Duration::ZERO);
            assert_eq!(wait, Duration::ZERO, "{nth}");
        }
    }

    #[test]
    fn a_long_rest_allows_no_more_than_a_burst() {
        let mut pace = Pace::default();
        assert_eq!(pace.wait(at(0), Duration::ZERO, Duration::ZERO), Duration::ZERO);
        assert_eq!(pace.wait(at(60_000_000), Duration::ZERO, Duration::ZERO), Duration::ZERO);
        let wait = pace.wait(at(60_000_000), Duration::from_millis(2), Duration::ZERO);
        assert_eq!(wait, Duration::from_millis(4));
        assert_eq!(pace.wait(at(60_004_000), Duration::from_millis(2), Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn other_work_of_the_thread_makes_nobody_wait_long() {
        let mut pace = Pace::default();
        let mut waited = Duration::ZERO;
        // Every millisecond, and the thread is never at rest.
        for nth in 0..1000 {
            waited = waited.max(pace.wait(at(nth * 1000), Duration::from_micros(nth * 1000), Duration::ZERO));
        }
        assert!(waited <= (PIECE + BURST) * SHARE, "{waited:?}");
        let taken = Duration::from_secs(3600);
        assert!(pace.wait(at(3_600_000_000), taken, Duration::ZERO) <= (PIECE + BURST) * SHARE);
    }

    #[test]
    fn clocks_that_do_not_move_or_go_back_do_no_harm() {
        let mut pace = Pace::default();
        pace.wait(at(5), Duration::from_micros(5), Duration::ZERO);
        assert_eq!(pace.wait(at(5), Duration::from_micros(5), Duration::ZERO), Duration::ZERO);
        assert_eq!(pace.wait(at(1), Duration::from_micros(1), Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn what_is_measured_elsewhere_counts_whole() {
        let (mut pace, mut now, mut made) = (Pace::default(), 0, 0);
        while now < 1_000_000 {
            let wait = pace.wait(at(now), Duration::ZERO, Duration::from_micros(made));
            if wait.is_zero() {
                (now, made) = (now + 10_000, made + 10_000);
            } else {
                now += u64::try_from(wait.as_micros()).unwrap().max(1);
            }
        }
        assert!((240_000..=290_000).contains(&made), "{made}");
    }
}
