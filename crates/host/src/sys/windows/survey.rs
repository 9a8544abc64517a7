//! What a person who looks for a fault wants to know.

use crate::survey::{Descriptors, Kernel, Listener};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows_sys::Win32::System::Threading::{
    GetProcessHandleCount, OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION,
    QueryFullProcessImageNameW,
};

/// The handles of process `pid` (`GetProcessHandleCount`). They have no bound but the system's memory.
///
/// # Errors
/// When it does not run, or belongs to somebody else.
pub fn descriptors(pid: u32) -> io::Result<Descriptors> {
    let process = open(pid)?;
    let mut count = 0;
    // SAFETY: the handle is open, and the number outlives the call.
    match unsafe { GetProcessHandleCount(process.as_raw_handle(), &raw mut count) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(Descriptors { open: count.into(), limit: None }),
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
    let name = name_of(pid).unwrap_or_else(|| "a program that cannot be seen".to_owned());
    Some(Listener { uid, pid: Some(pid), name })
}

/// The name of the file that `pid` executes (`QueryFullProcessImageNameW`).
fn name_of(pid: u32) -> Option<String> {
    let process = open(pid).ok()?;
    let mut path = vec![0_u16; 32 << 10];
    let mut length = u32::try_from(path.len()).ok()?;
    // SAFETY: the handle is open, and the buffer has the length that is given.
    let told = unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            PROCESS_NAME_WIN32,
            path.as_mut_ptr(),
            &raw mut length,
        )
    };
    let path = String::from_utf16_lossy(path.get(..usize::try_from(length).ok()?)?);
    (told != 0).then(|| path.rsplit('\\').next().unwrap_or_default().to_owned())
}

fn open(pid: u32) -> io::Result<OwnedHandle> {
    // SAFETY: it touches no memory.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and is nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(process) })
}
