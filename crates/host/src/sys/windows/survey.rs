//! What a person who looks for a fault wants to know.

use super::object::done;
use super::process::{image, open};
use crate::fd::AsFd;
use crate::survey::{Descriptors, Kernel, Listener};
use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows_sys::Win32::System::Threading::GetProcessHandleCount;

/// See [`crate::survey::missing`].
pub const NEEDED: &[&str] = &[];

/// The handles of process `pid` (`GetProcessHandleCount`). They have no bound but the system's memory.
///
/// # Errors
/// When it does not run, or belongs to somebody else.
pub fn descriptors(pid: u32) -> io::Result<Descriptors> {
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    let process = open::open(pid, 0)?.ok_or_else(gone)?;
    let mut count = 0;
    // SAFETY: the handle is open, and the number outlives the call.
    done(unsafe { GetProcessHandleCount(process.as_raw_handle(), &raw mut count) })?;
    Ok(Descriptors { open: count.into(), limit: None })
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

/// The name of the file that `pid` executes.
fn name_of(pid: u32) -> Option<String> {
    let process = open::open(pid, 0).ok()??;
    Some(image::of(process.as_fd())?.file_name()?.to_string_lossy().into_owned())
}
