//! Whose something is: user ids.

use std::ffi::CStr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::ptr;

/// The user as whom this process acts (geteuid(2)).
pub fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// To whom `folder` belongs, or will when it is made; `None`: to root.
pub fn owner_unless_root(folder: &Path) -> Option<u32> {
    let owner = std::fs::metadata(folder).map(|folder| folder.uid());
    Some(owner.unwrap_or_else(|_| own())).filter(|uid| *uid != 0)
}

/// The name of a user; `None` when he has none.
pub fn name_of(uid: u32) -> Option<String> {
    let mut record = std::mem::MaybeUninit::<libc::passwd>::uninit();
    let mut texts: Vec<libc::c_char> = vec![0; 16 << 10];
    let mut found = ptr::null_mut();
    // SAFETY: the buffer has the length that is given, and all three live as long as the call.
    let error = unsafe {
        libc::getpwuid_r(uid, record.as_mut_ptr(), texts.as_mut_ptr(), texts.len(), &raw mut found)
    };
    if error != 0 || found.is_null() {
        return None;
    }
    // SAFETY: it points to the record, which was filled, and whose texts are in the buffer, null-terminated.
    let name = unsafe { CStr::from_ptr((*found).pw_name) };
    name.to_str().ok().map(str::to_owned)
}
