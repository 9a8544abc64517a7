//! What the kernel tells by name or number: sysctl(3).

use std::ffi::CStr;
use std::io;
use std::ptr;

/// The text `name`.
///
/// # Errors
/// When this system has no such name.
pub fn text(name: &CStr) -> io::Result<String> {
    let mut value = vec![0_u8; 256];
    let mut length = value.len();
    // SAFETY: the buffer has the length that is given, and nothing is set.
    let done = unsafe {
        libc::sysctlbyname(name.as_ptr(), value.as_mut_ptr().cast(), &raw mut length, ptr::null_mut(), 0)
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    value.truncate(length);
    Ok(String::from_utf8_lossy(&value).trim_end_matches('\0').to_owned())
}

/// A number.
///
/// # Errors
/// As [`text`].
pub fn number(name: &CStr) -> io::Result<i32> {
    let mut value: i32 = 0;
    let mut length = size_of::<i32>();
    // SAFETY: the number has the length that is given, and nothing is set.
    let done = unsafe {
        libc::sysctlbyname(name.as_ptr(), (&raw mut value).cast(), &raw mut length, ptr::null_mut(), 0)
    };
    if done == 0 && length == size_of::<i32>() { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// Arguments and environment of `pid` as the kernel keeps them (KERN_PROCARGS2): a number of arguments, the program's
/// path, zeros, then the arguments and variables, each with a zero at its end.
///
/// # Errors
/// When the process is gone, or not ours to look at.
pub fn arguments(pid: u32) -> io::Result<Vec<u8>> {
    let pid = libc::c_int::try_from(pid).map_err(io::Error::other)?;
    let mut value = vec![0_u8; usize::try_from(number(c"kern.argmax")?).map_err(io::Error::other)?];
    let length = fill(&mut [libc::CTL_KERN, libc::KERN_PROCARGS2, pid], &mut value)?;
    value.truncate(length);
    Ok(value)
}

/// Has the value of `name`, which is given by numbers, put into `value`, and says how many bytes it has.
///
/// # Errors
/// What sysctl(3) says.
pub fn fill(name: &mut [libc::c_int], value: &mut [u8]) -> io::Result<usize> {
    let count = libc::c_uint::try_from(name.len()).map_err(io::Error::other)?;
    let mut length = value.len();
    // SAFETY: name and buffer have the lengths that are given, and nothing is set.
    let done = unsafe {
        libc::sysctl(name.as_mut_ptr(), count, value.as_mut_ptr().cast(), &raw mut length, ptr::null_mut(), 0)
    };
    if done == 0 { Ok(length) } else { Err(io::Error::last_os_error()) }
}
