//! Short slices: sched_setattr(2). Under EEVDF, who asks for a shorter slice has an earlier deadline when it wakes, and so comes
//! before those that compute (`sched_runtime` of SCHED_OTHER: Linux 6.12; before, it is not looked at).

use std::io;

/// The shortest that the kernel grants, in nanoseconds.
const SLICE: u64 = 100_000;

/// `SCHED_FLAG_RESET_ON_FORK` of sched_setattr(2).
const RESET_ON_FORK: u64 = 1;

/// `struct sched_attr` of sched_setattr(2), in its first version.
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// See [`crate::promptness::wake_soon`].
pub fn wake_soon() -> io::Result<()> {
    let nice = rustix::process::getpriority_process(None)?;
    // SAFETY: it takes no pointer; 0 is the calling thread.
    let policy = unsafe { libc::sched_getscheduler(0) };
    if nice < 0 || policy != libc::SCHED_OTHER {
        // Somebody has decided otherwise, also for the programs that it starts: the reset would take that from them.
        return Ok(());
    }
    let attributes = Attributes {
        size: size_of::<Attributes>() as u32,
        policy: libc::SCHED_OTHER as u32,
        flags: RESET_ON_FORK,
        nice,
        priority: 0,
        runtime: SLICE,
        deadline: 0,
        period: 0,
    };
    // SAFETY: the kernel reads `size` bytes of the attributes; 0 is the calling thread.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::wake_soon;
    use std::fs;
    use std::process::Command;

    /// The slice in `/proc/…/sched`, in nanoseconds; `None` where the kernel does not show it.
    fn slice(text: &str) -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with("se.slice"))?;
        line.split(':').nth(1)?.trim().parse().ok()
    }

    #[test]
    fn the_thread_has_a_short_slice_and_its_children_have_the_usual_one() {
        let own = || slice(&fs::read_to_string("/proc/thread-self/sched").unwrap_or_default());
        let Some(usual) = own() else { return };
        std::thread::spawn(move || {
            wake_soon().unwrap();
            let child = Command::new("cat").arg("/proc/self/sched").output().unwrap();
            let of_child = slice(&String::from_utf8_lossy(&child.stdout)).unwrap();
            assert_eq!(of_child, usual);
            assert!(own().unwrap() <= usual);
        })
        .join()
        .unwrap();
        assert_eq!(own(), Some(usual), "another thread");
    }
}
