//! Whose a process is, and what is for its user alone.

use super::object::{done, owned};
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// The longest SID has 68 bytes (`SECURITY_MAX_SID_SIZE`).
const ROOM: usize = (size_of::<TOKEN_USER>() + 68).div_ceil(size_of::<u64>());

/// The user of a process, in the form `S-1-5-21-…`. It has to be open for [`super::open::LOOK`].
pub fn of(process: BorrowedFd<'_>) -> io::Result<String> {
    user(process.as_raw_handle())
}

/// The user of this process.
pub fn ours() -> io::Result<String> {
    // SAFETY: a plain call without pointers; what it gives need not be closed.
    user(unsafe { GetCurrentProcess() })
}

fn user(process: HANDLE) -> io::Result<String> {
    let mut token: HANDLE = null_mut();
    // SAFETY: the handle is open, and there is room for the token.
    done(unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) })?;
    user_of_token(&owned(token)?)
}

fn user_of_token(token: &OwnedFd) -> io::Result<String> {
    let mut told = [0_u64; ROOM];
    let mut length = 0;
    // SAFETY: there is as much room as is told.
    done(unsafe {
        let room = size_of_val(&told) as u32;
        GetTokenInformation(
            token.as_fd().as_raw_handle(),
            TokenUser,
            told.as_mut_ptr().cast(),
            room,
            &raw mut length,
        )
    })?;
    // SAFETY: the system has put a `TOKEN_USER` there, and what it points to behind it.
    let user: TOKEN_USER = unsafe { std::ptr::read(told.as_ptr().cast()) };
    let mut text: *mut u16 = null_mut();
    // SAFETY: the SID is in the buffer, and there is room for the answer.
    done(unsafe { ConvertSidToStringSidW(user.User.Sid, &raw mut text) })?;
    let freed = Local(text.cast());
    let length = (0..).take_while(|&at| {
        // SAFETY: the text ends with a zero, at which this stops.
        unsafe { *text.add(at) != 0 }
    });
    // SAFETY: as many characters are there.
    let characters = unsafe { std::slice::from_raw_parts(text, length.count()) };
    let told = String::from_utf16_lossy(characters);
    drop(freed);
    Ok(told)
}

/// What `LocalFree` frees.
struct Local(*mut std::ffi::c_void);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: the system has given it to be freed by this.
        unsafe { LocalFree(self.0) };
    }
}

/// Lets our own user and the system itself do everything, and others nothing.
pub struct OwnerOnly(Local);

impl OwnerOnly {
    /// For objects that are made by this process.
    pub fn new() -> io::Result<Self> {
        // Protected from what would be inherited; GA is everything, SY the system (Security Descriptor String Format).
        let text = format!("D:P(A;;GA;;;{})(A;;GA;;;SY)\0", ours()?);
        let text: Vec<u16> = text.encode_utf16().collect();
        let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
        // SAFETY: the text ends with a zero, and there is room for the answer.
        done(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        })?;
        Ok(Self(Local(descriptor)))
    }

    /// What a function that makes something takes. It is valid as long as `self`.
    pub fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0.0,
            bInheritHandle: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_somebody_and_can_keep_something_to_ourselves() {
        assert!(ours().unwrap().starts_with("S-1-"), "{:?}", ours());
        assert!(!OwnerOnly::new().unwrap().attributes().lpSecurityDescriptor.is_null());
    }
}
