//! The pipe by which a process in the background says that it is ready: which it is, and reading from it in time.

use rustix::fs::{FileType, fstat};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// What tells a child which pipe it has inherited: `{descriptor}:{inode}`. The inode, because programs started by the child
/// inherit what it was told, but not the pipe: they must not take whatever has its number for it.
///
/// # Errors
/// What the system said.
pub fn mark(pipe: &PipeWriter) -> io::Result<String> {
    Ok(format!("{}:{}", pipe.as_raw_fd(), fstat(pipe)?.st_ino))
}

/// The pipe that `mark` tells of; `None`: this process has not inherited it. To be called once.
///
/// # Errors
/// What the system said.
pub fn take(mark: &str) -> io::Result<Option<File>> {
    let Some((descriptor, inode)) = parse(mark) else { return Ok(None) };
    if !is_pipe(descriptor, inode) {
        return Ok(None);
    }
    // SAFETY: it is open, it is the pipe that the starter made for this very use, so nothing else in
    // this process owns it, and nobody comes here twice.
    let pipe = unsafe { OwnedFd::from_raw_fd(descriptor) };
    fcntl_setfd(&pipe, fcntl_getfd(&pipe)? | FdFlags::CLOEXEC)?;
    Ok(Some(File::from(pipe)))
}

/// Reads until `enough` says so of all that was read, or the pipe ends, at most for `within`; the flag tells whether that
/// was in time.
///
/// # Errors
/// What the system said.
pub fn read(
    mut pipe: PipeReader,
    within: Duration,
    enough: impl Fn(&[u8]) -> bool,
) -> io::Result<(Vec<u8>, bool)> {
    let started = Instant::now();
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = within.saturating_sub(started.elapsed());
        if super::wait::any(&[pipe.as_fd()], Some(left))? == [false] {
            return Ok((read, false));
        }
        let count = pipe.read(&mut buffer)?;
        read.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if count == 0 || enough(&read) {
            return Ok((read, true));
        }
    }
}

fn parse(mark: &str) -> Option<(RawFd, u64)> {
    let (descriptor, inode) = mark.split_once(':')?;
    Some((descriptor.parse().ok().filter(|fd| *fd >= 0)?, inode.parse().ok()?))
}

fn is_pipe(descriptor: RawFd, inode: u64) -> bool {
    // SAFETY: only asked about, and not negative; a number that is not open is an error of fstat.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    fstat(borrowed)
        .is_ok_and(|it| FileType::from_raw_mode(it.st_mode) == FileType::Fifo && it.st_ino == inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_of_somebody_else_is_not_obeyed() {
        for bad in ["", "3", "-1:5", "x:5", "3:x", "3:"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        let (reader, writer) = io::pipe().unwrap();
        let inode = fstat(&writer).unwrap().st_ino;
        assert!(is_pipe(writer.as_raw_fd(), inode));
        assert!(!is_pipe(writer.as_raw_fd(), inode + 1), "another pipe under the same number");
        let null = File::open("/dev/null").unwrap();
        assert!(!is_pipe(null.as_raw_fd(), fstat(&null).unwrap().st_ino), "no pipe");
        drop(reader);
    }
}
