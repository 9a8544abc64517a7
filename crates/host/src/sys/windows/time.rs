//! Times as the system's functions take them.

use std::time::Duration;
use windows_sys::Win32::System::Threading::INFINITE;

/// Milliseconds, rounded up, so that the time is over when the wait is; `None`, and what is too long to write down: for good.
pub fn millis(timeout: Option<Duration>) -> u32 {
    let Some(timeout) = timeout else { return INFINITE };
    u32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_too_short() {
        for (timeout, expected) in [
            (Some(Duration::ZERO), 0),
            (Some(Duration::from_nanos(1)), 1),
            (Some(Duration::from_millis(5)), 5),
            (Some(Duration::MAX), INFINITE),
            (None, INFINITE),
        ] {
            assert_eq!(millis(timeout), expected, "{timeout:?}");
        }
    }
}
