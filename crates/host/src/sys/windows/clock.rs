//! Clocks that nobody can set.

use std::time::Duration;
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::SystemInformation::GetTickCount64;
use windows_sys::Win32::System::Threading::{GetCurrentThread, GetThreadTimes};

/// The time since the system was started, in microseconds, to some milliseconds (`GetTickCount64`).
pub fn monotonic_micros() -> u64 {
    // SAFETY: it touches no memory.
    unsafe { GetTickCount64() }.saturating_mul(1000)
}

/// What the calling thread has taken of a processor since its start (`GetThreadTimes`), to some milliseconds.
pub fn thread_time() -> Duration {
    let mut times = [FILETIME::default(); 4];
    let [began, ended, kernel, user] = &mut times;
    // SAFETY: a constant that stands for this thread, and each time has its place.
    if unsafe { GetThreadTimes(GetCurrentThread(), began, ended, kernel, user) } == 0 {
        return Duration::ZERO;
    }
    let steps = |time: &FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    // In steps of 100 ns.
    Duration::from_nanos(steps(kernel).saturating_add(steps(user)).saturating_mul(100))
}
