//! What is registered.

use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{AlivenessCheck, ProcessEntry, RestartPolicy};

pub fn id(number: usize) -> ProcessId {
    ProcessId::new(&format!("process-{number}")).unwrap()
}

/// From one check to the next.
pub const USUAL_MS: u64 = 3_000;

/// One that is checked, and started again after `waits`, for ever; all in milliseconds.
pub fn entry(number: usize, waits: &[u64], interval_ms: u64) -> ProcessEntry {
    let mut entry = ProcessEntry::new(id(number), "/usr/bin/python3");
    entry.args = ["-m", "http.server", "8000", "--bind", "127.0.0.1"].map(String::from).to_vec();
    entry.environment = Some([("PORT".to_owned(), number.to_string())].into_iter().collect());
    let policy = RestartPolicy { backoff_intervals_ms: waits.to_vec(), ..RestartPolicy::default() };
    entry.restart_policy = Some(RestartPolicy { max_attempts: u32::MAX, ..policy });
    let url = Some(format!("http://127.0.0.1:8000/{number}"));
    entry.aliveness_check =
        Some(AlivenessCheck { enabled: Some(true), url, interval_ms, ..AlivenessCheck::default() }.into());
    entry
}
