//! Running the program of a check, and reading what it prints.

use super::process::spawn;
use crate::fd::AsFd;
use crate::process::{Process, SpawnRequest};
use crate::sys::terms::CheckStart;
use std::ffi::OsStr;
use std::io::{self, ErrorKind, PipeReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::Notify;

/// How much is read ahead of who asks for it, in bytes; more waits in the pipe.
const AHEAD: usize = 64 << 10;

/// Starts the program of a check, in a job of its own.
///
/// # Errors
/// What the system said.
pub fn start(check: &CheckStart<'_>) -> io::Result<Process> {
    let environment = check.environment.iter();
    let request = SpawnRequest {
        process: check.process,
        run: check.run,
        command: OsStr::new(check.command),
        executable: Some(check.file),
        args: check.args.iter().map(OsStr::new).collect(),
        working_directory: check.working_directory,
        environment: environment.map(|(name, value)| (OsStr::new(name), OsStr::new(value))).collect(),
        stdout: check.output.as_fd(),
        stderr: check.output.as_fd(),
        keeps: &[],
        record: check.output.as_fd(),
    };
    spawn::unrecorded(&request).map_err(io::Error::other)
}

/// What a check prints. Such a pipe cannot be waited for by the runtime, so a thread reads it; it ends with the pipe, or with
/// who reads.
pub struct Printed(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to take.
    came: Notify,
    /// There is room again, or nobody wants any more.
    taken: std::sync::Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
    given_up: bool,
}

impl Printed {
    /// # Errors
    /// When no thread can be started.
    pub fn new(pipe: PipeReader) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let reading = Arc::clone(&shared);
        thread::Builder::new().name("check-output".into()).spawn(move || reading.read(pipe))?;
        Ok(Self(shared))
    }

    /// Waits until there is something to read, its end included.
    ///
    /// # Errors
    /// None.
    pub async fn readable(&self) -> io::Result<()> {
        loop {
            let came = self.0.came.notified();
            if self.0.has_something() {
                return Ok(());
            }
            came.await;
        }
    }

    /// Reads what is there. 0: there will never be any more; [`ErrorKind::WouldBlock`]: nothing yet.
    ///
    /// # Errors
    /// What is said above.
    pub fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.bytes.is_empty() {
            return if state.ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let count = bytes.len().min(state.bytes.len());
        for (place, byte) in bytes.iter_mut().zip(state.bytes.drain(..count)) {
            *place = byte;
        }
        self.0.taken.notify_one();
        Ok(count)
    }
}

impl Drop for Printed {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).given_up = true;
        self.0.taken.notify_one();
    }
}

impl Shared {
    fn has_something(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended || !state.bytes.is_empty()
    }

    fn read(&self, mut pipe: PipeReader) {
        let mut buffer = [0; 4096];
        loop {
            // Who cannot be read from any more has ended.
            let count = pipe.read(&mut buffer).unwrap_or(0);
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
            state.ended = count == 0;
            self.came.notify_one();
            while state.bytes.len() >= AHEAD && !state.given_up {
                state = self.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.ended || state.given_up {
                return;
            }
        }
    }
}
