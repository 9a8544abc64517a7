//! The pipe by which a process in the background says that it is ready: which it is, and reading from it in time.

use super::process::open;
use super::process::spawn::inheritance::set_inheritable;
use crate::fd::AsFd;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Storage::FileSystem::{FILE_TYPE_PIPE, GetFileType};

/// What tells a child which pipe it has inherited: `{handle}:{pid}`, the pid of who made it and starts the child. Programs started by
/// the child inherit what it was told, but not the pipe: they must not take whatever has its number for it.
///
/// # Errors
/// None.
pub fn mark(pipe: &PipeWriter) -> io::Result<String> {
    Ok(format!("{}:{}", pipe.as_raw_handle().addr(), std::process::id()))
}

/// The pipe that `mark` tells of; `None`: this process has not inherited it. To be called once.
///
/// # Errors
/// What the system said.
pub fn take(mark: &str) -> io::Result<Option<File>> {
    let Some((handle, maker)) = parse(mark) else { return Ok(None) };
    if !is_pipe(handle) || open::parent()? != maker {
        return Ok(None);
    }
    // SAFETY: it is open, it is the pipe that the starter made for this very use, so nothing else in
    // this process owns it, and nobody comes here twice.
    let pipe = unsafe { OwnedHandle::from_raw_handle(handle) };
    set_inheritable(pipe.as_fd(), false)?;
    Ok(Some(pipe.into()))
}

/// Reads until `enough` says so of all that was read, or the pipe ends, at most for `within`; the flag tells whether that
/// was in time. Such a pipe cannot be waited for with a time limit, so a thread reads; if it is given up, it ends with the pipe.
///
/// # Errors
/// What the system said.
pub fn read(
    mut pipe: PipeReader,
    within: Duration,
    enough: impl Fn(&[u8]) -> bool,
) -> io::Result<(Vec<u8>, bool)> {
    let (sender, receiver) = mpsc::channel::<io::Result<Vec<u8>>>();
    let reading = move || {
        let mut buffer = [0; 4096];
        loop {
            let read = pipe.read(&mut buffer).map(|count| buffer.get(..count).unwrap_or_default().to_vec());
            let over = !matches!(&read, Ok(part) if !part.is_empty());
            if sender.send(read).is_err() || over {
                return;
            }
        }
    };
    thread::Builder::new().name("ready-pipe".into()).spawn(reading)?;
    let started = Instant::now();
    let mut read = Vec::new();
    loop {
        let Ok(part) = receiver.recv_timeout(within.saturating_sub(started.elapsed())) else {
            return Ok((read, false));
        };
        let part = part?;
        read.extend_from_slice(&part);
        if part.is_empty() || enough(&read) {
            return Ok((read, true));
        }
    }
}

fn parse(mark: &str) -> Option<(HANDLE, u32)> {
    let (handle, maker) = mark.split_once(':')?;
    let handle: usize = handle.parse().ok().filter(|handle| *handle != 0)?;
    Some((ptr::with_exposed_provenance_mut(handle), maker.parse().ok()?))
}

fn is_pipe(handle: HANDLE) -> bool {
    // SAFETY: only asked about; a number that is not open is an error.
    unsafe { GetFileType(handle) == FILE_TYPE_PIPE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_of_somebody_else_is_not_obeyed() {
        for bad in ["", "3", "-1:5", "x:5", "3:x", "3:", "0:5"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        let (_reader, writer) = io::pipe().unwrap();
        assert!(is_pipe(writer.as_raw_handle()));
        assert!(take(&mark(&writer).unwrap()).unwrap().is_none(), "we did not start ourselves");
        let null = File::open("NUL").unwrap();
        assert!(!is_pipe(null.as_raw_handle()), "no pipe");
    }

    #[test]
    fn a_pipe_that_says_nothing_is_given_up() {
        let (reader, writer) = io::pipe().unwrap();
        let (read, in_time) = super::read(reader, Duration::from_millis(50), |_| true).unwrap();
        assert_eq!((read.len(), in_time), (0, false));
        drop(writer);
    }
}
