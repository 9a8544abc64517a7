//! This machine: its name, and the space that it has.

use super::names::wide;
use super::object::done;
use crate::survey::Space;
use std::io;
use std::path::Path;
use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::SystemInformation::{ComputerNameDnsHostname, GetComputerNameExW};
use windows_sys::core::{s, w};

/// The space left at `path`, which is a folder (`GetDiskFreeSpaceExW`); a quota of this user counts.
///
/// # Errors
/// When there is no such path.
pub fn space(path: &Path) -> io::Result<Space> {
    let name = wide(path)?;
    let (mut free, mut total) = (0, 0);
    // SAFETY: the name is null-terminated, and both numbers outlive the call.
    done(unsafe { GetDiskFreeSpaceExW(name.as_ptr(), &raw mut free, &raw mut total, std::ptr::null_mut()) })?;
    Ok(Space { free_bytes: free, total_bytes: total, free_files: None })
}

/// What this machine calls itself (`GetComputerNameExW`); `None`: nothing.
pub fn host_name() -> Option<String> {
    // A name of DNS has at most 63 characters (RFC 1035, 2.3.4).
    let mut name = [0_u16; 256];
    let mut length = name.len() as u32;
    // SAFETY: the buffer has the length that is given.
    let told = unsafe { GetComputerNameExW(ComputerNameDnsHostname, name.as_mut_ptr(), &raw mut length) };
    let name = name.get(..usize::try_from(length).ok()?)?;
    (told != 0 && !name.is_empty()).then(|| String::from_utf16(name).ok()).flatten()
}

/// What stands in for the system, if that is not itself: Wine, whose own `wine_get_version` tells.
pub fn emulator() -> Option<&'static str> {
    // SAFETY: the module is in every process, and both names end with zeros.
    let told = unsafe { GetProcAddress(GetModuleHandleW(w!("ntdll.dll")), s!("wine_get_version")) };
    told.map(|_| "Wine")
}
