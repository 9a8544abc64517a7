//! What the kernel says about one process (`struct proc_bsdinfo` of sys/proc_info.h).

use super::stranger;
use crate::process::identity::Identity;
use std::io;
use std::mem::{self, MaybeUninit};

/// `PROC_FLAG_INEXIT` of sys/proc_info.h.
const IN_EXIT: u32 = 4;

/// What the monitor needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub pid: u32,
    /// Its parent.
    pub ppid: u32,
    /// Its group.
    pub pgrp: u32,
    /// Its session; 0 for a zombie.
    pub session: u32,
    /// Microseconds since 1970 at which it was forked, as the clock stood then. Neither an exec nor a later step of the
    /// clock changes it.
    pub start_time: u64,
    /// Its effective user.
    pub uid: u32,
    /// In the form of waitpid(2), once it has ended.
    pub exit_status: i32,
    pub(super) zombie: bool,
    pub(super) exiting: bool,
}

impl Stat {
    /// Pid and start time.
    pub fn identity(&self) -> Identity {
        Identity { pid: self.pid, start_time: self.start_time }
    }

    /// Whether the process has ended: a zombie waits for its parent, nothing of it runs.
    pub fn is_dead(&self) -> bool {
        self.zombie
    }

    /// Whether it is in the middle of its end; its exit status is known by then.
    pub fn is_exiting(&self) -> bool {
        self.exiting && !self.zombie
    }
}

/// Looks at `pid`; `None` when there is no such process, not even as a zombie.
pub fn read(pid: u32) -> io::Result<Option<Stat>> {
    let Some(number) = libc::c_int::try_from(pid).ok().filter(|number| *number > 0) else { return Ok(None) };
    let info = match info(number) {
        Ok(Some(info)) => info,
        Ok(None) => return Ok(None),
        // Of other users' processes only root is told this much.
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => return stranger::read(number),
        Err(error) => return Err(error),
    };
    let zombie = info.pbi_status == libc::SZOMB;
    Ok(Some(Stat {
        pid: info.pbi_pid,
        ppid: info.pbi_ppid,
        pgrp: info.pbi_pgid,
        session: if zombie { 0 } else { session_of(number) },
        start_time: start_time(&info),
        uid: info.pbi_uid,
        exit_status: info.pbi_xstatus.cast_signed(),
        zombie,
        exiting: info.pbi_flags & IN_EXIT != 0,
    }))
}

/// The number of every process there is.
///
/// # Errors
/// When the system does not tell.
pub fn all_pids() -> io::Result<Vec<u32>> {
    let pids = list(|buffer, bytes| {
        // SAFETY: the buffer has as many bytes as are given.
        unsafe { libc::proc_listallpids(buffer, bytes) }
    })?;
    // The library gives 0 for an error (libproc.c); there always is somebody.
    if pids.is_empty() { Err(io::Error::last_os_error()) } else { Ok(pids) }
}

/// Has `ask` fill a buffer with pids, and tell how many it has.
pub(super) fn list(ask: impl Fn(*mut libc::c_void, libc::c_int) -> libc::c_int) -> io::Result<Vec<u32>> {
    let mut pids: Vec<libc::pid_t> = vec![0; 1024];
    loop {
        let bytes = libc::c_int::try_from(mem::size_of_val(pids.as_slice())).map_err(io::Error::other)?;
        let found =
            usize::try_from(ask(pids.as_mut_ptr().cast(), bytes)).map_err(|_| io::Error::last_os_error())?;
        // A full buffer may lack some.
        if found < pids.len() {
            pids.truncate(found);
            return Ok(pids.into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect());
        }
        let double = pids.len().saturating_mul(2);
        pids.resize(double, 0);
    }
}

/// For a child that has no memory to ask for: makes one system call and takes no lock.
pub(super) fn own_start_time() -> Option<u64> {
    // SAFETY: getpid(2) touches no memory.
    let me = unsafe { libc::getpid() };
    info(me).ok().flatten().as_ref().map(start_time)
}

fn info(pid: libc::c_int) -> io::Result<Option<libc::proc_bsdinfo>> {
    /// Also of zombies (`findzomb` in the kernel's proc_pidinfo()).
    const ALSO_ZOMBIES: u64 = 1;
    let mut info = MaybeUninit::<libc::proc_bsdinfo>::zeroed();
    let size = size_of::<libc::proc_bsdinfo>() as libc::c_int;
    // SAFETY: the buffer has the size that is given.
    let filled = unsafe {
        libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, ALSO_ZOMBIES, info.as_mut_ptr().cast(), size)
    };
    if filled == size {
        // SAFETY: it was zeroed, and then filled by the kernel; it holds numbers only.
        return Ok(Some(unsafe { info.assume_init() }));
    }
    match io::Error::last_os_error() {
        gone if gone.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        error => Err(error),
    }
}

fn start_time(info: &libc::proc_bsdinfo) -> u64 {
    info.pbi_start_tvsec.saturating_mul(1_000_000).saturating_add(info.pbi_start_tvusec)
}

pub(super) fn session_of(pid: libc::c_int) -> u32 {
    // SAFETY: getsid(2) touches no memory.
    u32::try_from(unsafe { libc::getsid(pid) }).unwrap_or(0)
}
