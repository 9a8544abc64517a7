//! File descriptors that stand for a process (pidfd_open(2)): never for another one that got its
//! number later.

use super::stat;
use crate::process::identity::Identity;
use crate::sys::unix::numbers::decode;
use crate::sys::unix::wait;
use process_monitor_core::exit::Exit;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// Signal the group that the process leads (Linux ≥ 6.9, `include/uapi/linux/pidfd.h`).
const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;

/// Opens `pid`; `None` when there is no such process, not even as a zombie.
pub fn open(pid: u32) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return Ok(None);
    };
    match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        Ok(pidfd) => Ok(Some(pidfd)),
        // EINVAL: a number that no process can have (Linux ≥ 6.9 also says ENOENT for a thread).
        Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits until the process has ended, at most `timeout` (`None`: for good). Says whether it has.
pub fn wait(pidfd: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<bool> {
    wait::one(pidfd, timeout)
}

/// Sends `signal` (0: only asks). `false` when the process is gone.
pub fn signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<bool> {
    send(pidfd, signal, 0)
}

/// Sends `signal` (0: only asks) to the members of the group that the process leads or led: its
/// pid cannot have been given to another group. `false` when the group is empty; `None` when the
/// kernel does not know this call.
pub fn signal_group(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<Option<bool>> {
    match send(pidfd, signal, PIDFD_SIGNAL_PROCESS_GROUP) {
        Ok(sent) => Ok(Some(sent)),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(None),
        Err(error) => Err(error),
    }
}

fn send(pidfd: BorrowedFd<'_>, signal: i32, flags: libc::c_uint) -> io::Result<bool> {
    let info = std::ptr::null::<libc::siginfo_t>();
    let (fd, signal) = (libc::c_long::from(pidfd.as_raw_fd()), libc::c_long::from(signal));
    // SAFETY: the descriptor is open, and a null siginfo is allowed by pidfd_send_signal(2).
    let sent =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, info, flags as libc::c_ulong) };
    if sent == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::ESRCH) { Ok(false) } else { Err(error) }
}

/// How a process ended that need not be our child; `None` while it lives. Reaps nothing.
///
/// While it is a zombie its `stat` line tells, once it is reaped the kernel's answer to
/// `PIDFD_GET_INFO` (Linux ≥ 6.15), else nobody.
///
/// # Errors
/// When the system refuses to look.
pub fn exit_of(pidfd: BorrowedFd<'_>, identity: &Identity) -> io::Result<Option<Exit>> {
    if !wait(pidfd, Some(Duration::ZERO))? {
        return Ok(None);
    }
    if let Some(exit) = exit_of_zombie(identity)? {
        return Ok(Some(exit));
    }
    Ok(Some(exit_of_reaped(pidfd)))
}

fn exit_of_zombie(identity: &Identity) -> io::Result<Option<Exit>> {
    let stat = stat::read(identity.pid)?;
    let Some(stat) = stat.filter(|stat| stat.identity() == *identity && stat.is_dead()) else {
        return Ok(None);
    };
    if stat.exit_code == 0 && !may_see_exit_code(identity.pid)? {
        return Ok(Some(Exit::Unknown));
    }
    Ok(Some(decode(stat.exit_code)))
}

/// The kernel shows 0 as the exit code to those who may not trace the process (proc_pid_stat(5)),
/// which looks like success.
fn may_see_exit_code(pid: u32) -> io::Result<bool> {
    let me = rustix::process::geteuid();
    if me.is_root() {
        return Ok(true);
    }
    match std::fs::metadata(format!("/proc/{pid}")) {
        Ok(folder) => Ok(folder.uid() == me.as_raw()),
        Err(gone) if stat::is_gone(&gone) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `struct pidfd_info` of `include/uapi/linux/pidfd.h` in its first size, which every kernel takes.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    /// Asked for, and in the answer: given.
    mask: u64,
    cgroup: u64,
    /// Pids and credentials: 11 numbers that are not used here.
    ids: [u32; 11],
    exit_code: i32,
}

/// In [`PidfdInfo::mask`]: the exit code (Linux ≥ 6.15), there once the process is reaped.
const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// `_IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: u32 = (3 << 30) | ((size_of::<PidfdInfo>() as u32) << 16) | (0xff << 8) | 11;

fn exit_of_reaped(pidfd: BorrowedFd<'_>) -> Exit {
    let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, ..PidfdInfo::default() };
    // SAFETY: the request's size is that of the struct, which lives as long as the call.
    let answer = unsafe { libc::ioctl(pidfd.as_fd().as_raw_fd(), PIDFD_GET_INFO as _, &raw mut info) };
    // An error is an older kernel: it does not know the request or does not keep the code.
    if answer == 0 && info.mask & PIDFD_INFO_EXIT != 0 { decode(info.exit_code) } else { Exit::Unknown }
}
