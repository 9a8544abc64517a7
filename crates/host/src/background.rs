//! Starting the monitor in the background, and knowing that it is ready or why it is not.
//!
//! The starter hands the new process the writing end of a pipe and waits. The new process writes one
//! line of JSON, `{"ready":{"pid":4711}}` or `{"failed":"why"}`. When it dies before that, the pipe's end
//! says so at once.

use crate::detach;
use crate::fd::AsFd;
use crate::sys::positioned::FileExt;
use crate::sys::process::exit_watch::ExitWatch;
use crate::sys::{files, memory, ready};
use serde::{Deserialize, Serialize};
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a new monitor may take until it is ready.
pub const READY_WITHIN: Duration = Duration::from_secs(30);

/// Tells which pipe it is ([`ready::mark`]). Programs started by the monitor inherit this variable, but not the pipe.
const VARIABLE: &str = "TOM_PM_READY_PIPE";
const REPORT_MAX_BYTES: u64 = 64 << 10;
const STDERR_TAIL_BYTES: u64 = 4096;
/// A process that has closed its pipe is expected to end at once.
const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// What a background monitor says when it is ready. Fields that a later version adds are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Its process id.
    pub pid: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Report {
    Ready(Ready),
    Failed(String),
}

/// Why there is no ready background process.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The pipe or the file for its error output could not be made.
    #[error("cannot prepare a background start ({step}): {reason}{}", crate::files::Hint(reason))]
    Prepare {
        /// Which step failed.
        step: &'static str,
        /// What the system said.
        reason: io::Error,
    },
    /// The executable could not be started at all.
    #[error(
        "cannot start {} in the background: {reason}{}{}",
        executable.display(), crate::files::Hint(reason), crate::survey::MissingHint
    )]
    Spawn {
        /// What was to be started.
        executable: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// It started, and said itself why it cannot go on.
    #[error("{0}")]
    Failed(String),
    /// It ended without a word.
    #[error("the background process {pid} ended before it was ready ({status}){}", quoted(stderr))]
    Died {
        /// Its process id.
        pid: u32,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its error output.
        stderr: String,
    },
    /// It lives, but what it said cannot be understood, or it said nothing and never will.
    #[error(
        "the background process {pid} did not report whether it is ready (it said {said:?}); see whether it runs with --status{}",
        quoted(stderr)
    )]
    Garbled {
        /// Its process id.
        pid: u32,
        /// What it said.
        said: String,
        /// The last lines of its error output.
        stderr: String,
    },
    /// It is still not ready, and goes on.
    #[error("the background process {pid} is not ready after {} s and still at it; see --status later{}", waited.as_secs(), quoted(stderr))]
    NotReady {
        /// Its process id.
        pid: u32,
        /// How long it was waited for.
        waited: Duration,
        /// The last lines of its error output.
        stderr: String,
    },
}

fn quoted(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; its last words:\n{stderr}") }
}

/// Starts `exe` in a session of its own, without a terminal, and waits until it is ready: until it calls
/// [`ReadyReporter::ready`], at most [`READY_WITHIN`]. Its error output is appended to `log`, or goes nowhere
/// that outlives it. It stays a child of this process, in this process's folder of work.
pub fn start_background(exe: &Path, args: &[OsString], log: Option<&Path>) -> Result<Ready, StartError> {
    start_within(&Program { exe, args, environment: None }, log, READY_WITHIN)
}

/// The same, with `environment` in place of this process's own.
///
/// # Errors
/// As [`start_background`].
pub fn start_background_in(
    environment: &[(OsString, OsString)],
    exe: &Path,
    args: &[OsString],
) -> Result<Ready, StartError> {
    start_within(&Program { exe, args, environment: Some(environment) }, None, READY_WITHIN)
}

/// What is started.
struct Program<'a> {
    exe: &'a Path,
    args: &'a [OsString],
    /// Its environment, if it is not this process's own.
    environment: Option<&'a [(OsString, OsString)]>,
}

impl Program<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.exe);
        command.args(self.args);
        if let Some(environment) = self.environment {
            command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        }
        command
    }
}

fn start_within(program: &Program<'_>, log: Option<&Path>, within: Duration) -> Result<Ready, StartError> {
    let prepare = |step| move |reason| StartError::Prepare { step, reason };
    let stderr = Stderr::open(log).map_err(prepare("open the file for its error output"))?;
    let (reader, writer) = io::pipe().map_err(prepare("make a pipe"))?;
    let mut child = spawn(program.command(), &stderr, &writer).map_err(|reason| match reason {
        SpawnFailure::Prepare(reason) => prepare("describe the pipe")(reason),
        SpawnFailure::Spawn(reason) => StartError::Spawn { executable: program.exe.to_owned(), reason },
    })?;
    // Else the pipe would never end.
    drop(writer);
    let said = read_report(reader, within).map_err(prepare("read the report"))?;
    interpret(&mut child, said, &stderr, within)
}

enum SpawnFailure {
    Prepare(io::Error),
    Spawn(io::Error),
}

fn spawn(mut command: Command, stderr: &Stderr, writer: &PipeWriter) -> Result<Child, SpawnFailure> {
    let mark = ready::mark(writer).map_err(SpawnFailure::Prepare)?;
    let errors = stderr.file.try_clone().map_err(SpawnFailure::Prepare)?;
    command.env(VARIABLE, mark).stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
    detach::spawn(&mut command, &[writer.as_fd()]).map_err(SpawnFailure::Spawn)
}

/// What was said before the time was up, or until the pipe's end.
struct Said {
    text: String,
    in_time: bool,
}

fn read_report(reader: PipeReader, within: Duration) -> io::Result<Said> {
    let enough = |text: &[u8]| text.contains(&b'\n') || text.len() as u64 > REPORT_MAX_BYTES;
    let (text, in_time) = ready::read(reader, within, enough)?;
    Ok(Said { text: String::from_utf8_lossy(&text).trim().to_owned(), in_time })
}

fn interpret(child: &mut Child, said: Said, stderr: &Stderr, waited: Duration) -> Result<Ready, StartError> {
    let pid = child.id();
    match serde_json::from_str(&said.text) {
        Ok(Report::Ready(ready)) => return Ok(ready),
        Ok(Report::Failed(why)) => {
            // Whoever mends the cause and starts again must not meet one that still holds its lock.
            let _ends = wait_for_end(child);
            return Err(StartError::Failed(why));
        }
        Err(_) if !said.in_time => return Err(StartError::NotReady { pid, waited, stderr: stderr.tail() }),
        Err(_) => {}
    }
    match wait_for_end(child) {
        Some(status) => Err(StartError::Died { pid, status, stderr: stderr.tail() }),
        None => Err(StartError::Garbled { pid, said: said.text, stderr: stderr.tail() }),
    }
}

fn wait_for_end(child: &mut Child) -> Option<ExitStatus> {
    let ended = ExitWatch::of_child(child.id()).and_then(|child| child.wait(Some(ENDS_WITHIN))).ok()?;
    ended.then(|| child.wait().ok()).flatten()
}

/// Where its error output goes, and where in it its own begins.
struct Stderr {
    file: File,
    start: u64,
}

impl Stderr {
    fn open(log: Option<&Path>) -> io::Result<Self> {
        let file = match log {
            Some(path) => files::open_appending(path)?,
            None => memory::file("stderr")?,
        };
        let start = file.metadata()?.len();
        Ok(Self { file, start })
    }

    fn tail(&self) -> String {
        let end = self.file.metadata().map_or(self.start, |file| file.len());
        let from = self.start.max(end.saturating_sub(STDERR_TAIL_BYTES));
        let mut tail = vec![0; usize::try_from(end.saturating_sub(from)).unwrap_or(0)];
        match self.file.read_exact_at(&mut tail, from) {
            Ok(()) => String::from_utf8_lossy(&tail).trim().to_owned(),
            Err(reason) => format!("(its error output cannot be read: {reason})"),
        }
    }
}

/// The background process's side: tells the starter, once, how the start went. Dropped without a word
/// it tells that the start failed.
#[derive(Debug)]
pub struct ReadyReporter {
    pipe: File,
}

impl ReadyReporter {
    /// The reporter of a process that [`start_background`] started; `None` in any other, and from the
    /// second call on. Call it first thing: programs that are started before it inherit the pipe.
    pub fn from_env() -> io::Result<Option<Self>> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let Ok(mark) = env::var(VARIABLE) else { return Ok(None) };
        if TAKEN.swap(true, Ordering::SeqCst) {
            return Ok(None);
        }
        Ok(ready::take(&mark)?.map(|pipe| Self { pipe }))
    }

    /// Tells the starter that this process is ready.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] when nobody waits any more, which is no reason to stop.
    pub fn ready(self, ready: Ready) -> io::Result<()> {
        self.report(&Report::Ready(ready))
    }

    /// Tells the starter why this process gives up.
    ///
    /// # Errors
    /// As [`ReadyReporter::ready`].
    pub fn failed(self, why: impl Into<String>) -> io::Result<()> {
        self.report(&Report::Failed(why.into()))
    }

    fn report(mut self, report: &Report) -> io::Result<()> {
        let mut line = serde_json::to_vec(report)?;
        line.push(b'\n');
        self.pipe.write_all(&line)
    }
}

#[cfg(test)]
#[cfg(unix)] // by programs that no other system has
mod tests {
    use super::*;

    fn sh(script: &str, within: Duration) -> Result<Ready, StartError> {
        let arguments = ["-c".into(), script.into()];
        let program = Program { exe: Path::new("/bin/sh"), args: &arguments, environment: None };
        start_within(&program, None, within)
    }

    fn pipe_of(environment: &str) -> String {
        format!("/proc/self/fd/${{{environment}%%:*}}")
    }

    #[test]
    fn a_slow_one_is_named_and_left_alone() {
        let Err(StartError::NotReady { pid, stderr, .. }) =
            sh("echo still at it >&2; exec sleep 100", Duration::from_millis(300))
        else {
            panic!("should not be ready")
        };
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let status = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()).unwrap();
        assert_eq!(status.unwrap().1.terminating_signal(), Some(9), "it was alive until now");
        assert_eq!(stderr, "still at it");
    }

    #[test]
    fn nonsense_from_a_living_process_is_shown() {
        let script = format!("echo nonsense > {}; read forever < /dev/null; exit 7", pipe_of(VARIABLE));
        let Err(error) = sh(&script, READY_WITHIN) else { panic!("should not be ready") };
        assert!(matches!(error, StartError::Died { .. }), "{error}");
        let script = format!("exec > {}; echo nonsense; exec sleep 2", pipe_of(VARIABLE));
        let Err(error) = sh(&script, READY_WITHIN) else { panic!("should not be ready") };
        assert!(matches!(&error, StartError::Garbled { said, .. } if said == "nonsense"), "{error}");
    }
}
