//! What one process uses (`struct proc_taskinfo` of sys/proc_info.h).

use super::stat::Stat;
use crate::sys::terms::Usage;
use std::mem::MaybeUninit;
use std::time::Duration;

/// What `process` uses; nothing when it has ended meanwhile or is not ours to look at.
pub fn of(process: &Stat) -> Usage {
    let mut info = MaybeUninit::<libc::proc_taskinfo>::zeroed();
    let size = size_of::<libc::proc_taskinfo>() as libc::c_int;
    let pid = process.pid.cast_signed();
    // SAFETY: the buffer has the size that is given.
    let filled =
        unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTASKINFO, 0, info.as_mut_ptr().cast(), size) };
    if filled != size {
        return Usage::default();
    }
    // SAFETY: it was zeroed, and then filled by the kernel; it holds numbers only.
    let info = unsafe { info.assume_init() };
    let ticks = info.pti_total_user.saturating_add(info.pti_total_system);
    Usage { cpu: duration(ticks), memory_bytes: info.pti_resident_size }
}

/// Mach's clock ticks are nanoseconds on Intel, and 125/3 of them on Apple's own processors.
#[allow(deprecated)] // the function lives on in the system; only its binding is said to move to another crate
fn duration(ticks: u64) -> Duration {
    let mut base = libc::mach_timebase_info { numer: 0, denom: 0 };
    // SAFETY: it only fills the two numbers.
    let known = unsafe { libc::mach_timebase_info(&raw mut base) } == 0 && base.denom > 0;
    let (numerator, denominator) = if known { (base.numer, base.denom) } else { (1, 1) };
    let nanos = u128::from(ticks) * u128::from(numerator) / u128::from(denominator);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
