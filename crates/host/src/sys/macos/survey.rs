//! What a person who looks for a fault wants to know.

use super::sysctl;
use crate::survey::{Descriptors, Kernel, Listener};
use std::io;
use std::ptr;

/// See [`crate::survey::missing`].
pub const NEEDED: &[&str] = &[];

/// The descriptors of process `pid`, which belongs to this user. Its own limit is nobody else's to see; this is the
/// system's.
///
/// # Errors
/// When it does not run, or belongs to somebody else.
pub fn descriptors(pid: u32) -> io::Result<Descriptors> {
    let gone = || io::Error::from_raw_os_error(libc::ESRCH);
    let number = libc::c_int::try_from(pid).ok().filter(|number| *number > 0).ok_or_else(gone)?;
    let size = u64::try_from(size_of::<libc::proc_fdinfo>()).unwrap_or(1);
    // Without a buffer it tells how large one has to be, with some room (`proc_pidfdlist()` in the kernel); with one,
    // how much of it is used.
    // SAFETY: no buffer is given.
    let needed = unsafe { libc::proc_pidinfo(number, libc::PROC_PIDLISTFDS, 0, ptr::null_mut(), 0) };
    let needed =
        usize::try_from(needed).ok().filter(|needed| *needed > 0).ok_or_else(io::Error::last_os_error)?;
    let mut buffer = vec![0_u8; needed];
    let room = libc::c_int::try_from(needed).map_err(io::Error::other)?;
    // SAFETY: the buffer has the size that is given.
    let used =
        unsafe { libc::proc_pidinfo(number, libc::PROC_PIDLISTFDS, 0, buffer.as_mut_ptr().cast(), room) };
    let used = u64::try_from(used).ok().filter(|used| *used > 0).ok_or_else(io::Error::last_os_error)?;
    let limit = sysctl::number(c"kern.maxfilesperproc").ok().and_then(|limit| u64::try_from(limit).ok());
    Ok(Descriptors { open: used / size, limit })
}

/// The running kernel (uname(3)). It tells how any process of our user ended, to who watched it before (NOTE_EXITSTATUS
/// of kqueue(2)).
pub fn kernel() -> Kernel {
    let system = rustix::system::uname();
    let name = system.sysname().to_string_lossy().into_owned();
    let release = system.release().to_string_lossy().into_owned();
    Kernel { name, release, tells_exits_of_strangers: true }
}

/// Who listens on TCP port `port`: that is not asked here.
pub fn listener_on(_port: u16) -> Option<Listener> {
    None
}
