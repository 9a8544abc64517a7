//! Taking a pipe's reading end from a process that has it.

use super::place::{Holder, Place};
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::process::Identity;
use crate::sys::windows::object::{done, owned};
use crate::sys::windows::process::job::Job;
use crate::sys::windows::process::open;
use process_monitor_core::id::RunId;
use std::io::{self, ErrorKind};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE};
use windows_sys::Win32::Storage::FileSystem::{FileNameInfo, GetFileInformationByHandleEx};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, PROCESS_DUP_HANDLE};

/// The longest name that is looked at, in characters; ours are shorter.
const LONGEST_NAME: usize = 256;

/// How long a pipe may take to tell its name; ours do at once.
const NAMED_WITHIN: Duration = Duration::from_secs(2);

/// The reading end of the pipe of which `place`, at `path`, tells, from whoever has it: those who took it, then the run's
/// program and what it started, which got it with the number that it had in the monitor.
///
/// # Errors
/// [`ErrorKind::NotFound`] when nobody has it any more.
pub(super) fn take(place: &Place, path: &Path) -> io::Result<OwnedFd> {
    let told = place.holders.iter().rev().copied();
    if let Some(end) = told.filter_map(|holder| from(holder, &place.pipe)).next() {
        return Ok(end);
    }
    let number = place.holders.first().map(|maker| maker.number).ok_or(ErrorKind::NotFound)?;
    let members = members(path)?.into_iter();
    let mut members = members.filter_map(|process| from(Holder { process, number }, &place.pipe));
    members.next().ok_or_else(|| ErrorKind::NotFound.into())
}

/// Who is in the job of the run whose FIFO is at `path`.
fn members(path: &Path) -> io::Result<Vec<Identity>> {
    let run = path.file_stem().and_then(|run| RunId::new(run.to_str()?).ok());
    let Some(job) = run.map(|run| Job::open(&run)).transpose()?.flatten() else { return Ok(Vec::new()) };
    let members = job.pids()?.into_iter().filter_map(|pid| Identity::of(pid).ok().flatten());
    Ok(members.collect())
}

/// `None` when `holder` has it not, or is gone: another may have it.
fn from(holder: Holder, pipe: &str) -> Option<OwnedFd> {
    match try_from(holder, pipe) {
        Ok(end) => end,
        Err(error) => {
            tracing::debug!(process = %holder.process, %error, "cannot take the reading end of an output from it");
            None
        }
    }
}

fn try_from(holder: Holder, pipe: &str) -> io::Result<Option<OwnedFd>> {
    let Some(process) = open::open(holder.process.pid, PROCESS_DUP_HANDLE)? else { return Ok(None) };
    if open::identity(process.as_fd())? != holder.process {
        return Ok(None);
    }
    let end = copy(process.as_fd(), holder.number)?;
    // What it has closed may have become something else.
    let (end, name) = named(end)?;
    Ok(name.is_some_and(|name| pipe.ends_with(&name)).then_some(end))
}

/// `end` and its name. Another pipe that is read without overlapped I/O just now would not tell its name before that read is over
/// ("Synchronous and Asynchronous I/O": one operation after the other), so it is asked by a thread that can be left behind.
fn named(end: OwnedFd) -> io::Result<(OwnedFd, Option<String>)> {
    let (tell, told) = mpsc::channel();
    let ask = move || {
        let name = name(&end);
        // Who has given up needs neither.
        let _given_up = tell.send((end, name));
    };
    thread::Builder::new().name("pipe-name".into()).spawn(ask)?;
    told.recv_timeout(NAMED_WITHIN).map_err(|_| ErrorKind::TimedOut.into())
}

/// A copy for us of what has this number in `process`.
fn copy(process: BorrowedFd<'_>, number: usize) -> io::Result<OwnedFd> {
    let mut copy: HANDLE = ptr::null_mut();
    // SAFETY: the process is open; a number that is no handle in it is an error.
    done(unsafe {
        let handle = ptr::without_provenance_mut(number);
        DuplicateHandle(
            process.as_raw_handle(),
            handle,
            GetCurrentProcess(),
            &raw mut copy,
            0,
            0,
            DUPLICATE_SAME_ACCESS,
        )
    })?;
    owned(copy)
}

/// The name of a pipe below `\\.\pipe`, with a backslash; `None` for what has none.
fn name(pipe: &OwnedFd) -> Option<String> {
    // `FILE_NAME_INFO`: a length in bytes, then so many of UTF-16.
    let mut told = [0_u16; 2 + LONGEST_NAME];
    // SAFETY: there is as much room as is told.
    let known = unsafe {
        let room = told.as_mut_ptr().cast();
        GetFileInformationByHandleEx(pipe.as_raw_handle(), FileNameInfo, room, size_of_val(&told) as u32)
    };
    let (length, name) = told.split_at(2);
    let length = length.first().map_or(0, |length| usize::from(*length) / 2);
    let name = String::from_utf16(name.get(..length)?).ok()?;
    (known != 0 && name.len() > 1).then_some(name)
}
