//! How a child that does not share its parent's memory tells which of its steps failed: by a pipe, whose end says that it is
//! a program or gone.

use super::diagnose::Failure;
use crate::process::spawn::Stage;
use rustix::io::Errno;
use std::io::{PipeReader, Read};
use std::os::fd::BorrowedFd;

/// Which stage, which candidate, which errno.
const BYTES: usize = 12;

/// The stages by the numbers under which they are told.
const STAGES: [Stage; 8] = [
    Stage::Fork,
    Stage::Session,
    Stage::Descriptors,
    Stage::WorkingDirectory,
    Stage::Limits,
    Stage::Record,
    Stage::Orphaned,
    Stage::Exec,
];

/// For the child: makes one system call, and allocates nothing. The parent sees the end of the pipe if it cannot be written.
pub fn tell(pipe: BorrowedFd<'_>, failure: Failure) {
    let _ = rustix::io::write(pipe, &told(failure));
}

/// What the child has told before it gave up; `None`: it has become the program, or was killed on its way. Waits for either,
/// so the parent must not hold the writing end.
pub fn hear(mut pipe: PipeReader) -> Option<Failure> {
    let mut told = [0; BYTES];
    // The pipe is our own; when it cannot be read, the exit of the child says that it is gone.
    pipe.read_exact(&mut told).ok()?;
    failure_from(told)
}

fn told(failure: Failure) -> [u8; BYTES] {
    let stage = STAGES.iter().position(|stage| *stage == failure.stage).unwrap_or(0) as i32;
    let numbers = [stage, failure.candidate as i32, failure.errno.raw_os_error()];
    let mut told = [0; BYTES];
    for (place, number) in told.chunks_exact_mut(4).zip(numbers) {
        place.copy_from_slice(&number.to_ne_bytes());
    }
    told
}

fn failure_from(told: [u8; BYTES]) -> Option<Failure> {
    let number = |at: usize| told.get(at..at + 4)?.try_into().ok().map(i32::from_ne_bytes);
    let stage = *STAGES.get(usize::try_from(number(0)?).ok()?)?;
    let candidate = usize::try_from(number(4)?).ok()?;
    Some(Failure { stage, candidate, errno: Errno::from_raw_os_error(number(8)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn failures_are_told_whole() {
        for stage in STAGES {
            let (reader, writer) = std::io::pipe().unwrap();
            tell(writer.as_fd(), Failure { stage, errno: Errno::NOENT, candidate: 3 });
            let heard = hear(reader).unwrap();
            assert_eq!((heard.stage, heard.errno, heard.candidate), (stage, Errno::NOENT, 3));
        }
        assert!(failure_from([0xff; BYTES]).is_none());
    }

    #[test]
    fn who_becomes_a_program_tells_nothing() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(writer);
        assert!(hear(reader).is_none());
    }
}
