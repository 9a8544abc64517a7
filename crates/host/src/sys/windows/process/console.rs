//! Hosts of consoles: the system starts one for each console, as a child of the program (`conhost.exe`).

use super::image;
use crate::fd::BorrowedFd;
use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use windows_sys::Win32::System::SystemInformation::GetSystemDirectoryW;

/// The longest path of which we ask.
const ROOM: usize = 1024;

/// Whether `process` is one: by the file that it executes, which nobody but the system can have put there.
pub fn is_host(process: BorrowedFd<'_>) -> bool {
    let host = system_folder().map(|folder| folder.join("conhost.exe"));
    match (image::of(process), host) {
        (Some(image), Some(host)) => image.as_os_str().eq_ignore_ascii_case(host.as_os_str()),
        _ => false,
    }
}

fn system_folder() -> Option<PathBuf> {
    let mut path = [0_u16; ROOM];
    // SAFETY: there is as much room as is told.
    let length = unsafe { GetSystemDirectoryW(path.as_mut_ptr(), ROOM as u32) } as usize;
    // 0: it failed; more than there is room for: it would be longer.
    let path = path.get(..length).filter(|path| !path.is_empty())?;
    Some(OsString::from_wide(path).into())
}
