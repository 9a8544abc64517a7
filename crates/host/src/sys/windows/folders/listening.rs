//! The call that is under way for one folder (`ReadDirectoryChangesW`), and its answer.

use crate::fd::OwnedFd;
use crate::sys::event::Event;
use crate::sys::names::wide;
use crate::sys::terms::FolderInterest;
use crate::sys::windows::object::{done, is, owned};
use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use windows_sys::Win32::Foundation::{ERROR_IO_INCOMPLETE, ERROR_NOTIFY_ENUM_DIR, ERROR_OPERATION_ABORTED};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OVERLAPPED, FILE_LIST_DIRECTORY, FILE_NOTIFY_CHANGE,
    FILE_NOTIFY_CHANGE_ATTRIBUTES, FILE_NOTIFY_CHANGE_DIR_NAME, FILE_NOTIFY_CHANGE_FILE_NAME,
    FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_NOTIFY_CHANGE_SECURITY, FILE_NOTIFY_CHANGE_SIZE, FILE_SHARE_DELETE,
    FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING, ReadDirectoryChangesW,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};

/// How much one answer holds, in words of four bytes: the most that a folder on another machine may be asked for is 64 KiB.
const WORDS: usize = (16 << 10) / 4;

/// What has happened to the entries of a folder since it was asked last.
pub(super) enum Answer {
    /// These: what (`FILE_ACTION_…`), and to which name.
    Changes(Vec<(u32, OsString)>),
    /// More than there was room for.
    TooMany,
    /// Nobody knows.
    Aborted,
    /// The folder is no more.
    Gone,
}

/// A folder that is being listened to.
pub(super) struct Listening {
    folder: OwnedFd,
    wanted: FILE_NOTIFY_CHANGE,
    /// Keeps the event open, which the system signals.
    event: Arc<Event>,
    /// What the system writes into while a call is under way.
    call: *mut Call,
    under_way: bool,
}

struct Call {
    overlapped: OVERLAPPED,
    buffer: [u32; WORDS],
}

// SAFETY: the call belongs to this value alone, and the handle may be used by any thread.
unsafe impl Send for Listening {}

impl Listening {
    /// Signals `event` when something happens in `folder`.
    pub(super) fn begin(folder: &Path, interest: FolderInterest, event: &Arc<Event>) -> io::Result<Self> {
        let call = Call { overlapped: OVERLAPPED::default(), buffer: [0; WORDS] };
        let mut listening = Self {
            folder: open(folder)?,
            wanted: wanted(interest),
            event: Arc::clone(event),
            call: Box::into_raw(Box::new(call)),
            under_way: false,
        };
        listening.again()?;
        Ok(listening)
    }

    /// Listens on, after an answer.
    pub(super) fn again(&mut self) -> io::Result<()> {
        let overlapped = OVERLAPPED { hEvent: self.event.raw(), ..OVERLAPPED::default() };
        // SAFETY: no call is under way, so nobody else touches it; it stays where it is until the next one has ended.
        let begun = done(unsafe {
            (*self.call).overlapped = overlapped;
            ReadDirectoryChangesW(
                self.folder.as_raw_handle(),
                (&raw mut (*self.call).buffer).cast(),
                size_of::<[u32; WORDS]>() as u32,
                0,
                self.wanted,
                ptr::null_mut(),
                &raw mut (*self.call).overlapped,
                None,
            )
        });
        self.under_way = begun.is_ok();
        begun
    }

    /// The answer, if there is one.
    pub(super) fn take(&mut self) -> Option<Answer> {
        if !self.under_way {
            return None;
        }
        let answer = match self.result(false) {
            Err(error) if is(&error, ERROR_IO_INCOMPLETE) => return None,
            Ok(0) => Answer::TooMany,
            Ok(bytes) => Answer::Changes(self.changes(bytes)),
            Err(error) if is(&error, ERROR_NOTIFY_ENUM_DIR) => Answer::TooMany,
            Err(error) if is(&error, ERROR_OPERATION_ABORTED) => Answer::Aborted,
            Err(_) => Answer::Gone,
        };
        self.under_way = false;
        Some(answer)
    }

    fn result(&self, wait: bool) -> io::Result<usize> {
        let mut bytes = 0;
        // SAFETY: the call was begun with this structure, which is still there.
        done(unsafe {
            GetOverlappedResult(
                self.folder.as_raw_handle(),
                &raw const (*self.call).overlapped,
                &raw mut bytes,
                wait.into(),
            )
        })?;
        Ok(usize::try_from(bytes).unwrap_or(0))
    }

    /// The entries ("FILE_NOTIFY_INFORMATION"): how far the next one is, what happened, the length of the name in bytes, the name.
    fn changes(&self, bytes: usize) -> Vec<(u32, OsString)> {
        // SAFETY: the call has ended, so nobody writes there.
        let words = unsafe { &(*self.call).buffer };
        let words = words.get(..bytes.div_ceil(4).min(WORDS)).unwrap_or_default();
        let mut changes = Vec::new();
        let mut at = 0;
        while let Some([next, action, length, name @ ..]) = words.get(at..) {
            let units = name.iter().flat_map(|word| [*word as u16, (*word >> 16) as u16]);
            let name: Vec<u16> = units.take(usize::try_from(*length).unwrap_or(0) / 2).collect();
            changes.push((*action, OsString::from_wide(&name)));
            match usize::try_from(*next).unwrap_or(0) / 4 {
                0 => break,
                step => at += step,
            }
        }
        changes
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if self.under_way {
            // SAFETY: the call was begun with this structure. Whether it could be cancelled or had ended: it is waited for.
            unsafe { CancelIoEx(self.folder.as_raw_handle(), &raw const (*self.call).overlapped) };
            let _ended = self.result(true);
            // Others share the event, and the wait for the end may have been ended by one of them.
            let _shared = self.event.set();
            while matches!(self.result(false), Err(error) if is(&error, ERROR_IO_INCOMPLETE)) {
                std::thread::yield_now();
            }
        }
        // SAFETY: it comes from a box, and no call is under way.
        drop(unsafe { Box::from_raw(self.call) });
    }
}

fn open(folder: &Path) -> io::Result<OwnedFd> {
    let name = wide(folder)?;
    // SAFETY: the name is null-terminated.
    owned(unsafe {
        CreateFileW(
            name.as_ptr(),
            FILE_LIST_DIRECTORY,
            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            ptr::null(),
            OPEN_EXISTING,
            FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED,
            ptr::null_mut(),
        )
    })
}

fn wanted(interest: FolderInterest) -> FILE_NOTIFY_CHANGE {
    // Something must be asked for; what comes and goes tells of the folder's own end, too.
    let mut wanted = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME;
    if interest.writes || interest.finishes {
        wanted |= FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE;
    }
    if interest.finishes {
        wanted |= FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SECURITY;
    }
    wanted
}
