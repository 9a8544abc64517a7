//! What a person who looks for a fault wants to know.

use crate::survey::{Descriptors, Kernel, Listener};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows_sys::Win32::System::Threading::{
    GetProcessHandleCount, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
};

/// The handles of process `pid` (`GetProcessHandleCount`). They have no bound but the system's memory.
///
/// # Errors
/// When it does not run, or belongs to somebody else.
pub fn descriptors(pid: u32) -> io::Result<Descriptors> {
    // SAFETY: it touches no memory.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and is nobody else's.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    let mut open = 0;
    // SAFETY: the handle is open, and the number outlives the call.
    match unsafe { GetProcessHandleCount(process.as_raw_handle(), &raw mut open) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(Descriptors { open: open.into(), limit: None }),
    }
}

/// The running system (`RtlGetVersion`, which tells the truth to programs that say nothing of the versions they know).
pub fn kernel() -> Kernel {
    let size = size_of::<OSVERSIONINFOW>() as u32;
    let mut told = OSVERSIONINFOW { dwOSVersionInfoSize: size, ..OSVERSIONINFOW::default() };
    // SAFETY: the structure has the size that it tells. The call has no way to fail.
    unsafe { RtlGetVersion(&raw mut told) };
    let release = format!("{}.{}.{}", told.dwMajorVersion, told.dwMinorVersion, told.dwBuildNumber);
    Kernel { name: "Windows".to_owned(), release, tells_exits_of_strangers: true }
}

/// Who listens on a TCP port of this machine; `None`: nobody, or he cannot be seen.
pub fn listener_on(port: u16) -> Option<Listener> {
    let (uid, pid) = super::peer::listener_on(port)?;
    let name = super::process::name_of(pid).unwrap_or_else(|| "a program that cannot be seen".to_owned());
    Some(Listener { uid, pid: Some(pid), name })
}
