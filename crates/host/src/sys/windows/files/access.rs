//! Access control lists ("Access Control Lists", "ACE"): who may do what with a file.

use crate::sys::names::wide;
use crate::sys::security::OwnerOnly;
use crate::sys::users::{self, text_of};
use crate::sys::windows::object::done;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use windows_sys::Win32::Foundation::{ERROR_SUCCESS, GENERIC_ALL, GENERIC_WRITE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    GetNamedSecurityInfoW, SE_FILE_OBJECT, SetNamedSecurityInfoW, SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, GetAce, GetSecurityDescriptorControl,
    GetSecurityDescriptorDacl, INHERIT_ONLY_ACE, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SE_DACL_PROTECTED,
    UNPROTECTED_DACL_SECURITY_INFORMATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_APPEND_DATA, FILE_DELETE_CHILD, FILE_WRITE_DATA, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::ACCESS_ALLOWED_ACE_TYPE;

/// What lets somebody change a file, a folder, or who may.
const CHANGING: u32 = FILE_WRITE_DATA
    | FILE_APPEND_DATA
    | FILE_DELETE_CHILD
    | DELETE
    | WRITE_DAC
    | WRITE_OWNER
    | GENERIC_WRITE
    | GENERIC_ALL;

/// Who may do everything on this machine anyway ("Well-known SIDs"): the system, the administrators; and entries that stand for
/// the owner: `CREATOR OWNER`, `OWNER RIGHTS`.
const NOT_OTHERS: [&str; 4] = ["S-1-5-18", "S-1-5-32-544", "S-1-3-0", "S-1-3-4"];

/// What others than the owner may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Others {
    /// Nothing.
    Nothing,
    /// Look at it.
    Read,
    /// Change it; who.
    Write(String),
}

/// Owner and access list of a file.
pub(super) struct Access {
    descriptor: PSECURITY_DESCRIPTOR,
    owner: PSID,
    /// Null: everybody may do everything.
    list: *mut ACL,
}

impl Access {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let name = wide(path)?;
        let mut found = Self { descriptor: ptr::null_mut(), owner: ptr::null_mut(), list: ptr::null_mut() };
        // SAFETY: the name is null-terminated; owner and list lie in the descriptor, which lives as long as `found`.
        succeeded(unsafe {
            GetNamedSecurityInfoW(
                name.as_ptr(),
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                &raw mut found.owner,
                ptr::null_mut(),
                &raw mut found.list,
                ptr::null_mut(),
                &raw mut found.descriptor,
            )
        })?;
        Ok(found)
    }

    /// Whether it is ours, or an administrator's or the system's, who can take everything anyway.
    pub(super) fn is_ours(&self) -> io::Result<bool> {
        let (owner, user) = self.owner_and_user()?;
        Ok(owner == user || NOT_OTHERS.contains(&owner.as_str()))
    }

    /// Both as text.
    pub(super) fn owner_and_user(&self) -> io::Result<(String, String)> {
        Ok((text_of(self.owner)?, users::own_sid_and_level()?.0.to_owned()))
    }

    pub(super) fn others(&self) -> io::Result<Others> {
        if self.list.is_null() {
            return Ok(Others::Write("everyone".to_owned()));
        }
        let mut most = Others::Nothing;
        // SAFETY: the list was given by the system, and lives as long as we.
        for at in 0..u32::from(unsafe { (*self.list).AceCount }) {
            match self.granted_to_others(at)? {
                Some((who, rights)) if rights & CHANGING != 0 => return Ok(Others::Write(who)),
                Some((_, rights)) if rights != 0 => most = Others::Read,
                _ => {}
            }
        }
        Ok(most)
    }

    /// Whom an entry gives which rights; `None`: nobody else, or none here.
    fn granted_to_others(&self, at: u32) -> io::Result<Option<(String, u32)>> {
        let mut entry: *mut c_void = ptr::null_mut();
        // SAFETY: the list has an entry of that number.
        done(unsafe { GetAce(self.list, at, &raw mut entry) })?;
        // SAFETY: every entry begins with a header.
        let header = unsafe { entry.cast::<ACE_HEADER>().read_unaligned() };
        if u32::from(header.AceType) != ACCESS_ALLOWED_ACE_TYPE
            || u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0
        {
            return Ok(None);
        }
        let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
        // SAFETY: it is of that type; a SID begins in place of the last field.
        let (rights, sid) = unsafe { ((*entry).Mask, text_of((&raw mut (*entry).SidStart).cast())?) };
        let is_us = sid == users::own_sid_and_level()?.0 || NOT_OTHERS.contains(&sid.as_str());
        Ok((!is_us).then_some((sid, rights)))
    }

    /// Lets nobody but those of `only` use the folder at `path`.
    pub(super) fn close(path: &Path, only: &OwnerOnly) -> io::Result<()> {
        let name = wide(path)?;
        let (mut present, mut by_default, mut list) = (0, 0, ptr::null_mut());
        // SAFETY: the descriptor lives as long as `only`, and the list in it.
        let given = unsafe {
            let descriptor = (*only.as_ptr()).lpSecurityDescriptor;
            GetSecurityDescriptorDacl(descriptor, &raw mut present, &raw mut list, &raw mut by_default)
        };
        if given == 0 || present == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the name is null-terminated, and the list lives as long as the call.
        succeeded(unsafe {
            SetNamedSecurityInfoW(
                name.as_ptr(),
                SE_FILE_OBJECT,
                DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                ptr::null_mut(),
                ptr::null_mut(),
                list,
                ptr::null(),
            )
        })
    }

    /// Has `file`, which must be open for that, be used by the same.
    pub(super) fn give_to(&self, file: &File) -> io::Result<()> {
        let (mut control, mut revision) = (0, 0);
        // SAFETY: the descriptor lives as long as we.
        unsafe { GetSecurityDescriptorControl(self.descriptor, &raw mut control, &raw mut revision) };
        let inheriting = match control & SE_DACL_PROTECTED {
            0 => UNPROTECTED_DACL_SECURITY_INFORMATION,
            _ => PROTECTED_DACL_SECURITY_INFORMATION,
        };
        // SAFETY: the handle is open, and the list lives as long as we.
        succeeded(unsafe {
            SetSecurityInfo(
                file.as_raw_handle(),
                SE_FILE_OBJECT,
                DACL_SECURITY_INFORMATION | inheriting,
                ptr::null_mut(),
                ptr::null_mut(),
                self.list,
                ptr::null(),
            )
        })
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        // SAFETY: the system allocated it for us, and nobody else frees it.
        unsafe { LocalFree(self.descriptor) };
    }
}

fn succeeded(code: u32) -> io::Result<()> {
    if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}
