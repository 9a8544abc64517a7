//! Volume, number, size and time of the last write (`GetFileInformationByHandle`).

use super::open::open_to_ask;
use crate::files::{FileId, Stamp};
use crate::sys::windows::object::done;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_OPEN_REPARSE_POINT, GetFileInformationByHandle,
};

/// See [`Stamp::of`]. The number of a file is its own as long as it is open; of ReFS it is the lower half of it ("BY_HANDLE_FILE_INFORMATION").
pub fn stamp_of(file: &File) -> io::Result<Stamp> {
    let mut told = MaybeUninit::<BY_HANDLE_FILE_INFORMATION>::zeroed();
    // SAFETY: the handle is open, and the structure outlives the call.
    done(unsafe { GetFileInformationByHandle(file.as_raw_handle(), told.as_mut_ptr()) })?;
    // SAFETY: it was zeroed, and then filled by the system; it holds numbers only.
    let told = unsafe { told.assume_init() };
    let written = joined(told.ftLastWriteTime.dwHighDateTime, told.ftLastWriteTime.dwLowDateTime);
    Ok(Stamp {
        id: FileId {
            volume: told.dwVolumeSerialNumber.into(),
            number: joined(told.nFileIndexHigh, told.nFileIndexLow),
        },
        bytes: joined(told.nFileSizeHigh, told.nFileSizeLow),
        modified: (i64::try_from(written).unwrap_or(i64::MAX), 0),
    })
}

/// See [`Stamp::at`].
pub fn stamp_at(path: &Path) -> io::Result<Stamp> {
    stamp_of(&open_to_ask(path, FILE_FLAG_OPEN_REPARSE_POINT)?)
}

/// See [`Stamp::behind`].
pub fn stamp_behind(path: &Path) -> io::Result<Stamp> {
    stamp_of(&open_to_ask(path, 0)?)
}

fn joined(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
