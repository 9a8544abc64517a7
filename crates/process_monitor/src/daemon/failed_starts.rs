//! Starts that fail again and again, as the log tells of them: each reason when it is new, and then at the 2nd, 4th,
//! 8th, … time in a row.

use process_monitor_core::id::ProcessId;
use std::collections::HashMap;

/// What failed last, by process.
#[derive(Default)]
pub struct FailedStarts {
    last: HashMap<ProcessId, Failure>,
}

struct Failure {
    why: String,
    /// How often in a row for this reason.
    times: u64,
}

impl Failure {
    fn is_news(&self) -> bool {
        self.times.is_power_of_two()
    }
}

impl FailedStarts {
    /// A start of `id` came to this. `unrecorded` says why a failure could not be written down.
    pub fn note(&mut self, id: &ProcessId, result: &Result<u32, String>, unrecorded: Option<String>) {
        let why = match result {
            Ok(_) => return self.succeeded(id),
            Err(why) => why,
        };
        let failure = self.failed(id, why);
        if !failure.is_news() {
            tracing::debug!(process = %id, error = why, "cannot start");
            return;
        }
        match failure.times {
            1 => tracing::warn!(process = %id, error = why, "cannot start"),
            times => tracing::warn!(process = %id, error = why, "cannot start, {times} times in a row"),
        }
        if let Some(error) = unrecorded {
            tracing::warn!(process = %id, %error, "a monitor after this one will count its attempts anew");
        }
    }

    fn failed(&mut self, id: &ProcessId, why: &str) -> &Failure {
        let last = self.last.entry(id.clone()).or_insert_with(|| Failure { why: why.to_owned(), times: 0 });
        if last.why != why {
            *last = Failure { why: why.to_owned(), times: 0 };
        }
        last.times += 1;
        last
    }

    fn succeeded(&mut self, id: &ProcessId) {
        if let Some(Failure { times, .. }) = self.last.remove(id).filter(|failure| failure.times > 1) {
            tracing::info!(process = %id, "started, after {times} times that it could not be");
        }
    }

    /// Whether what was told last of its start only repeats itself.
    pub fn are_old_news(&self, id: &ProcessId) -> bool {
        self.last.get(id).is_some_and(|failure| !failure.is_news())
    }

    /// What comes now is no repetition: it is down and not tried again by itself, it is gone, or somebody wants it started.
    pub fn forget(&mut self, id: &ProcessId) {
        self.last.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_news_at_first_and_ever_more_rarely() {
        let (id, other) = (ProcessId::new("web").unwrap(), ProcessId::new("db").unwrap());
        let mut starts = FailedStarts::default();
        let news: Vec<_> = (1..=20).filter(|_| starts.failed(&id, "no such file").is_news()).collect();
        assert_eq!(news, [1, 2, 4, 8, 16]);
        assert!(starts.are_old_news(&id) && !starts.are_old_news(&other));
        assert!(starts.failed(&id, "permission denied").is_news(), "another reason");
        assert!(starts.failed(&other, "permission denied").is_news(), "another process");
        starts.note(&id, &Ok(7), None);
        assert!(starts.failed(&id, "permission denied").is_news(), "it had started since");
        starts.forget(&id);
        assert_eq!(starts.failed(&id, "permission denied").times, 1);
    }
}
