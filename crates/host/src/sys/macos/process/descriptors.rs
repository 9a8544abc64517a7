//! Which files a process has open.

use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Device and inode of a file.
pub type FileId = (u64, u64);

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

/// Which file `path` is; `None` when it is not there, or not to be seen by us.
pub fn file_id(path: &Path) -> Option<FileId> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
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
