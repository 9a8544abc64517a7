//! The clock that nobody can set.

use windows_sys::Win32::System::SystemInformation::GetTickCount64;

/// The time since the system was started, in microseconds, to some milliseconds (`GetTickCount64`).
pub fn monotonic_micros() -> u64 {
    // SAFETY: it touches no memory.
    unsafe { GetTickCount64() }.saturating_mul(1000)
}
