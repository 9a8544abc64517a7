//! What a process was started with, and whose it is.

use super::open;
use crate::fd::{AsFd, BorrowedFd};
use crate::sys::windows::object::done;
use crate::sys::windows::users;
use std::ffi::{OsString, c_void};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Threading::PROCESS_VM_READ;

/// Where the list of loaded modules and the parameters are in the PEB, and in these the environment and its length in bytes (`winternl.h`, and
/// `RTL_USER_PROCESS_PARAMETERS` of `ntrtl.h` of System Informer; the same since Windows Vista).
#[cfg(target_pointer_width = "64")]
const AT: Places = Places { loader: 0x18, parameters: 0x20, environment: 0x80, length: 0x3f0 };
#[cfg(target_pointer_width = "32")]
const AT: Places = Places { loader: 0x0c, parameters: 0x10, environment: 0x48, length: 0x290 };

struct Places {
    loader: usize,
    parameters: usize,
    environment: usize,
    length: usize,
}

/// No environment that is read is longer.
const LONGEST_BYTES: usize = 16 * 1024 * 1024;

/// Whether `pid` runs, and as our own user.
pub fn is_of_our_user(pid: u32) -> bool {
    let Ok(Some(process)) = open::open(pid, 0) else { return false };
    let runs = matches!(open::has_ended(process.as_fd()), Ok(false));
    runs && users::of_process(&process).is_ok_and(|user| user == users::own())
}

/// The variables of `pid` as they are now, if it shows them to us.
pub fn variables(pid: u32) -> Option<Vec<(OsString, OsString)>> {
    let process = open::open(pid, PROCESS_VM_READ).ok()??;
    variables_of(process.as_fd()).ok()
}

/// The variables of a process that is held with `PROCESS_VM_READ`.
pub fn variables_of(process: BorrowedFd<'_>) -> io::Result<Vec<(OsString, OsString)>> {
    Ok(block(process)?.split(|&unit| unit == 0).filter_map(variable).collect())
}

/// Whether a process that is held with `PROCESS_VM_READ` has begun: the first that runs in it makes the list of what is loaded.
pub fn has_begun(process: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(address(process, open::basics(process)?.PebBaseAddress.addr().wrapping_add(AT.loader))? != 0)
}

/// The system's own variables, such as `=C:`, begin with the sign that separates name and value in others.
fn variable(text: &[u16]) -> Option<(OsString, OsString)> {
    let at = text.iter().skip(1).position(|&unit| unit == u16::from(b'='))? + 1;
    let (name, value) = (text.get(..at)?, text.get(at + 1..)?);
    Some((OsString::from_wide(name), OsString::from_wide(value)))
}

fn block(process: BorrowedFd<'_>) -> io::Result<Vec<u16>> {
    let parameters =
        address(process, open::basics(process)?.PebBaseAddress.addr().wrapping_add(AT.parameters))?;
    let start = address(process, parameters.wrapping_add(AT.environment))?;
    let bytes = address(process, parameters.wrapping_add(AT.length))?;
    if parameters == 0 || start == 0 || bytes > LONGEST_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut block = vec![0_u16; bytes / size_of::<u16>()];
    read(process, start, &mut block)?;
    Ok(block)
}

fn address(process: BorrowedFd<'_>, at: usize) -> io::Result<usize> {
    let mut told = [0_usize];
    read(process, at, &mut told)?;
    let [told] = told;
    Ok(told)
}

fn read<T: Copy>(process: BorrowedFd<'_>, at: usize, room: &mut [T]) -> io::Result<()> {
    let mut count = 0;
    // SAFETY: the address is the other process's, which the system checks; there is as much room as is told.
    done(unsafe {
        let from = std::ptr::without_provenance::<c_void>(at);
        ReadProcessMemory(
            process.as_raw_handle(),
            from,
            room.as_mut_ptr().cast(),
            size_of_val(room),
            &raw mut count,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn our_own_variables_are_seen_from_outside() {
        let me = std::process::id();
        assert!(is_of_our_user(me));
        assert!(!is_of_our_user(0) && !is_of_our_user(u32::MAX));
        let seen = variables(me).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        assert!(seen.iter().any(|(name, value)| name.eq_ignore_ascii_case("PATH") && *value == path));
    }

    #[test]
    fn names_may_begin_with_the_sign_that_ends_them() {
        let wide = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
        let pair =
            |name: &str, value: &str| Some((OsStr::new(name).to_owned(), OsStr::new(value).to_owned()));
        assert_eq!(variable(&wide("A=b=c")), pair("A", "b=c"));
        assert_eq!(variable(&wide("=C:=C:\\x")), pair("=C:", "C:\\x"));
        assert_eq!(variable(&wide("")), None);
    }
}
