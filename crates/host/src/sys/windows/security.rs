//! Who may open what this process makes: nobody but its own user, and the system itself.

use super::object::done;
use super::users;
use std::io;
use std::ptr;
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES};

/// Security attributes for something that only our own user and the system itself may open, and no process of our user
/// that is trusted less than this one (a program without the administrator's rights beside a monitor that has them).
/// Nothing is inherited by programs.
pub struct OwnerOnly {
    attributes: SECURITY_ATTRIBUTES,
    descriptor: PSECURITY_DESCRIPTOR,
}

impl OwnerOnly {
    /// For a file, a pipe, a lock.
    ///
    /// # Errors
    /// When the system does not tell who we are.
    pub fn new() -> io::Result<Self> {
        Self::with("")
    }

    /// For a folder: what is made in it is as private.
    ///
    /// # Errors
    /// As [`OwnerOnly::new`].
    pub fn for_folder() -> io::Result<Self> {
        Self::with("OICI")
    }

    /// In the security descriptor string format ("Security Descriptor Definition Language for Conditional ACEs", "ACE
    /// Strings"): `P`: nothing is inherited from above; `GA`: everything; `ML`: who is trusted less may neither read (`NR`)
    /// nor write (`NW`).
    fn with(inherited: &str) -> io::Result<Self> {
        let (user, level) = users::own_sid_and_level()?;
        // Nobody can become the system itself; who could is an administrator, as root could on Unix.
        let (level, administrators) = match user == users::SYSTEM {
            true => ("HI", format!("(A;{inherited};GA;;;BA)")),
            false => (level.in_words(), String::new()),
        };
        let text = format!(
            "O:{user}D:P(A;{inherited};GA;;;{user})(A;{inherited};GA;;;SY){administrators}S:(ML;{inherited};NWNR;;;{level})",
        );
        let mut descriptor = ptr::null_mut();
        let text = users::wide(&text);
        // SAFETY: the text is null-terminated; the descriptor is freed when this is dropped.
        done(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                ptr::null_mut(),
            )
        })?;
        let attributes = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: descriptor,
            bInheritHandle: 0,
        };
        Ok(Self { attributes, descriptor })
    }

    /// For functions of the system, for as long as this lives.
    pub fn as_ptr(&self) -> *const SECURITY_ATTRIBUTES {
        &raw const self.attributes
    }
}

impl Drop for OwnerOnly {
    fn drop(&mut self) {
        // SAFETY: it was allocated by the function that made it, and nobody else frees it.
        unsafe { LocalFree(self.descriptor) };
    }
}
