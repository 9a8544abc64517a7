//! Which boot this is. The system has no name for it, and the time of the boot moves when the clock is set. So the first who asks
//! makes one up and keeps it where nothing outlives a boot: a *volatile* key of the registry is never written to disk and goes with
//! the user's hive, at the latest at the next boot (`RegCreateKeyExW`). The hive goes earlier when the user is logged off
//! everywhere and nothing of his runs any more: then no program that we know of is left either.
//!
//! The name is the key's class, which is set when the key is made and never again: so no two can make up two. (Wine sets it again;
//! therefore the key is opened if it is there.)

use std::io;
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_SUCCESS};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, KEY_QUERY_VALUE, REG_OPTION_VOLATILE, RegCloseKey, RegCreateKeyExW,
    RegOpenKeyExW, RegQueryInfoKeyW,
};
use windows_sys::core::{PCWSTR, w};

/// Of the key.
const NAME: PCWSTR = w!("Software\\TomProcessMonitorBoot");

/// Characters of a name and the zero after it.
const ROOM: usize = 64;

/// See [`crate::process::identity::BootId::current`].
pub fn boot_id() -> io::Result<String> {
    let key = match Key::open()? {
        Some(key) => key,
        None => Key::open_or_make(&new_name()?)?,
    };
    let name = key.class()?;
    if name.is_empty() {
        return Err(io::Error::other(
            "the key HKEY_CURRENT_USER\\Software\\TomProcessMonitorBoot of the registry was made by something else; delete it",
        ));
    }
    Ok(name)
}

/// A random UUID in its usual form.
fn new_name() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    Ok(parts.join("-"))
}

/// The key, open.
struct Key(HKEY);

impl Key {
    fn open() -> io::Result<Option<Self>> {
        let mut key: HKEY = std::ptr::null_mut();
        // SAFETY: the name ends with a zero, and there is room for the key.
        match unsafe { RegOpenKeyExW(HKEY_CURRENT_USER, NAME, 0, KEY_QUERY_VALUE, &raw mut key) } {
            ERROR_FILE_NOT_FOUND => Ok(None),
            answer => ok(answer).map(|()| Some(Self(key))),
        }
    }

    fn open_or_make(class: &str) -> io::Result<Self> {
        let class: Vec<u16> = class.encode_utf16().chain([0]).collect();
        let mut key: HKEY = std::ptr::null_mut();
        // SAFETY: the texts end with a zero, and there is room for the key.
        let answer = unsafe {
            RegCreateKeyExW(
                HKEY_CURRENT_USER,
                NAME,
                0,
                class.as_ptr(),
                REG_OPTION_VOLATILE,
                KEY_QUERY_VALUE,
                std::ptr::null(),
                &raw mut key,
                std::ptr::null_mut(),
            )
        };
        ok(answer).map(|()| Self(key))
    }

    fn class(&self) -> io::Result<String> {
        let mut class = [0_u16; ROOM];
        let mut length = ROOM as u32;
        let none = std::ptr::null_mut();
        // SAFETY: the key is open, there is as much room for its class as is told, and nothing else is asked for.
        let answer = unsafe {
            RegQueryInfoKeyW(
                self.0,
                class.as_mut_ptr(),
                &raw mut length,
                std::ptr::null(),
                none,
                none,
                none,
                none,
                none,
                none,
                none,
                std::ptr::null_mut(),
            )
        };
        if answer == ERROR_MORE_DATA {
            return Ok(String::new());
        }
        ok(answer)?;
        Ok(String::from_utf16_lossy(class.get(..length as usize).unwrap_or_default()))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: it is open, and closed only here.
        unsafe { RegCloseKey(self.0) };
    }
}

/// Functions of the registry give their error and leave the thread's alone.
fn ok(answer: u32) -> io::Result<()> {
    if answer == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(answer.cast_signed())) }
}
