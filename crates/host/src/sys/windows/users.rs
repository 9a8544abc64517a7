//! Whose something is. Users of Windows have identifiers (SIDs) as long as one likes; the rest of this program knows
//! users by numbers, so each gets one for the life of this process.
//!
//! A process that is trusted less than this one (its integrity level is lower: a sandbox of a browser, or a program without
//! the administrator's rights beside a monitor that has them) counts as another user's, although it runs as ours.

use super::object::{done, owned};
use crate::fd::OwnedFd;
use std::collections::HashMap;
use std::ffi::c_void;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};
use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{
    GetSidSubAuthority, GetSidSubAuthorityCount, GetTokenInformation, PSID, TOKEN_ELEVATION,
    TOKEN_INFORMATION_CLASS, TOKEN_MANDATORY_LABEL, TOKEN_QUERY, TOKEN_USER, TokenElevation,
    TokenIntegrityLevel, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// The system itself (`LocalSystem`, "Well-known SIDs"): to the rest of this program what root is on Unix.
pub(in crate::sys) const SYSTEM: &str = "S-1-5-18";

/// Its number.
pub const SYSTEM_NUMBER: u32 = 0;

/// How far a process is trusted ("Mandatory Integrity Control").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u32);

impl Level {
    const SYSTEM: u32 = 0x4000;
    const HIGH: u32 = 0x3000;
    const MEDIUM: u32 = 0x2000;

    /// As security descriptors have it ("SID Strings"); what is between two counts as the lower.
    pub fn in_words(self) -> &'static str {
        match self.0 {
            Self::SYSTEM.. => "SI",
            Self::HIGH.. => "HI",
            Self::MEDIUM.. => "ME",
            _ => "LW",
        }
    }
}

/// Who a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Who {
    sid: String,
    rid: u32,
    level: Level,
}

impl Who {
    fn of(token: &OwnedFd) -> io::Result<Self> {
        let user = information(token, TokenUser)?;
        // SAFETY: the system has filled the buffer with a TOKEN_USER, whose SID is in it.
        let sid = unsafe { user.as_ptr().cast::<TOKEN_USER>().read() }.User.Sid;
        let label = information(token, TokenIntegrityLevel)?;
        // SAFETY: as above, a TOKEN_MANDATORY_LABEL.
        let label = unsafe { label.as_ptr().cast::<TOKEN_MANDATORY_LABEL>().read() }.Label.Sid;
        Ok(Self { sid: text_of(sid)?, rid: last_part(sid), level: Level(last_part(label)) })
    }

    fn own() -> io::Result<&'static Self> {
        static OWN: OnceLock<Who> = OnceLock::new();
        if let Some(known) = OWN.get() {
            return Ok(known);
        }
        // SAFETY: a constant that stands for this process.
        let own = Self::of(&token_of(unsafe { GetCurrentProcess() })?)?;
        Ok(OWN.get_or_init(|| own))
    }

    /// Its number: that which ends its SID, as far as nobody else has it; what is trusted less than we has another.
    fn number(&self) -> u32 {
        static NUMBERS: Mutex<Option<HashMap<(String, bool), u32>>> = Mutex::new(None);
        if self.sid == SYSTEM {
            return SYSTEM_NUMBER;
        }
        let less = Self::own().is_ok_and(|own| self.level < own.level);
        let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = numbers.get_or_insert_default();
        if let Some(known) = numbers.get(&(self.sid.clone(), less)) {
            return *known;
        }
        let taken = |number: &u32| *number != 0 && !numbers.values().any(|other| other == number);
        let number = (self.rid..=u32::MAX).chain(1..self.rid).find(taken).unwrap_or(u32::MAX);
        numbers.insert((self.sid.clone(), less), number);
        number
    }
}

/// The user as whom this process acts. Of a process that cannot find that out nobody is one's own.
pub fn own() -> u32 {
    Who::own().map_or(u32::MAX, Who::number)
}

/// The user of the process behind `process`, which was opened to be asked that.
///
/// # Errors
/// When the system does not tell us.
pub fn of_process(process: &OwnedFd) -> io::Result<u32> {
    Ok(Who::of(&token_of(process.as_raw_handle())?)?.number())
}

/// Our own SID as text, and how far we are trusted.
///
/// # Errors
/// When the system does not tell.
pub fn own_sid_and_level() -> io::Result<(&'static str, Level)> {
    Who::own().map(|own| (own.sid.as_str(), own.level))
}

/// Whether this process has the rights of an administrator.
pub fn is_root() -> bool {
    // SAFETY: a constant that stands for this process.
    let told = token_of(unsafe { GetCurrentProcess() }).and_then(|token| information(&token, TokenElevation));
    // SAFETY: the system has filled the buffer with a TOKEN_ELEVATION.
    told.is_ok_and(|told| unsafe { told.as_ptr().cast::<TOKEN_ELEVATION>().read() }.TokenIsElevated != 0)
}

/// To whom `folder` belongs: here units are not told that, the service manager is.
pub fn owner_unless_root(_folder: &Path) -> Option<u32> {
    None
}

/// The name of a user; nobody has one by a number.
pub fn name_of(_number: u32) -> Option<String> {
    None
}

/// `text` as the system's functions take it.
pub(in crate::sys) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn token_of(process: HANDLE) -> io::Result<OwnedFd> {
    let mut token = ptr::null_mut();
    // SAFETY: the handle is valid, and there is room for the answer.
    done(unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) })?;
    owned(token)
}

/// What a token tells, in words of eight bytes, so that it is aligned as whatever it is.
fn information(token: &OwnedFd, what: TOKEN_INFORMATION_CLASS) -> io::Result<Vec<u64>> {
    // The longest SID has 68 bytes (SECURITY_MAX_SID_SIZE), and each of these structures no more than 16 before it.
    let mut told = vec![0_u64; 32];
    let mut length = 0;
    // SAFETY: the buffer has the size that is given.
    done(unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            what,
            told.as_mut_ptr().cast::<c_void>(),
            size_of_val(told.as_slice()) as u32,
            &raw mut length,
        )
    })?;
    Ok(told)
}

/// A SID as text.
pub(in crate::sys) fn text_of(sid: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: the SID is valid; the text is null-terminated, and freed once it was copied.
    unsafe {
        done(ConvertSidToStringSidW(sid, &raw mut text))?;
        let length = (0..).take_while(|at| *text.add(*at) != 0).count();
        let copied = String::from_utf16_lossy(std::slice::from_raw_parts(text, length));
        LocalFree(text.cast());
        Ok(copied)
    }
}

/// The last part of a SID: of a user its number in his domain, of a label its level; 0 of one without parts.
fn last_part(sid: PSID) -> u32 {
    // SAFETY: the SID is valid, and asked for a part that it has.
    unsafe {
        match *GetSidSubAuthorityCount(sid) {
            0 => 0,
            count => *GetSidSubAuthority(sid, u32::from(count) - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_somebody_and_always_the_same() {
        let (sid, level) = own_sid_and_level().unwrap();
        assert!(sid.starts_with("S-1-5-"), "{sid}");
        assert!(level >= Level(0x1000), "{level:?}");
        assert_eq!(own(), own());
    }

    #[test]
    fn who_is_trusted_less_is_another() {
        let own = Who::own().unwrap().clone();
        let lower = Who { level: Level(0), ..own.clone() };
        let other = Who { sid: format!("{}1", own.sid), ..own.clone() };
        let numbers = [own.number(), lower.number(), other.number()];
        assert!(
            numbers[0] != numbers[1] && numbers[1] != numbers[2] && numbers[0] != numbers[2],
            "{numbers:?}"
        );
        assert!(!numbers.contains(&0));
        assert_eq!(Who { sid: SYSTEM.to_owned(), ..own }.number(), 0);
    }
}
