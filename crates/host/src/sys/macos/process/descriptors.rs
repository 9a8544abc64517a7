//! Which files a process has open.

pub use crate::sys::unix::file_id::{FileId, file_id};

use std::mem::MaybeUninit;

/// `PROC_PIDFDVNODEINFO` of sys/proc_info.h.
const VNODE_INFO: libc::c_int = 1;

/// `struct vnode_fdinfo` of sys/proc_info.h.
#[repr(C)]
struct VnodeOfDescriptor {
    file: FileInfo,
    vnode: libc::vnode_info,
}

/// `struct proc_fileinfo` of sys/proc_info.h.
#[repr(C)]
struct FileInfo {
    open_flags: u32,
    status: u32,
    offset: i64,
    kind: i32,
    guard_flags: u32,
}

/// Which file `pid` has open as `descriptor`; `None` when that is not for us to see, or no file.
pub fn file_of(pid: u32, descriptor: u32) -> Option<FileId> {
    let (pid, descriptor) = (libc::c_int::try_from(pid).ok()?, libc::c_int::try_from(descriptor).ok()?);
    let mut info = MaybeUninit::<VnodeOfDescriptor>::zeroed();
    let size = size_of::<VnodeOfDescriptor>() as libc::c_int;
    // SAFETY: the buffer has the size that is given.
    let filled = unsafe { libc::proc_pidfdinfo(pid, descriptor, VNODE_INFO, info.as_mut_ptr().cast(), size) };
    if filled != size {
        return None;
    }
    // SAFETY: it was zeroed, and then filled by the kernel; it holds numbers only.
    let stat = unsafe { info.assume_init() }.vnode.vi_stat;
    Some((u64::from(stat.vst_dev), stat.vst_ino))
}
