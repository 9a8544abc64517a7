//! Starting a program: what is asked for, and everything that can be wrong with it.

use super::Process;
use crate::fd::BorrowedFd;
use crate::sys::process as sys;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::OutputMode;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The environment variable by which the members of a run's tree are known.
pub const RUN_ID_VARIABLE: &str = "TOM_PM_RUN_ID";

/// The environment variable that tells a program under which name it is managed.
pub const PROCESS_ID_VARIABLE: &str = "TOM_PM_PROCESS_ID";

/// Variables by which a service manager talks with the monitor (sd_notify(3), sd_listen_fds(3)), and the token that
/// the command line shows to a monitor elsewhere: what the monitor runs must not act in its name.
pub const NOT_FOR_PROGRAMS: [&str; 7] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "TOM_PM_TOKEN",
];

/// A program to start. It gets a session of its own, `/dev/null` as its input, default signal
/// handlers, no descriptor beside 0, 1 and 2, and the monitor's environment without [`NOT_FOR_PROGRAMS`], plus
/// [`RUN_ID_VARIABLE`], [`PROCESS_ID_VARIABLE`] and `environment`.
#[derive(Clone)]
pub struct SpawnRequest<'a> {
    /// The name under which it is managed.
    pub process: &'a ProcessId,
    /// Which run this is.
    pub run: &'a RunId,
    /// With a slash: a path, relative to `working_directory`. Without: looked up in the `PATH` of
    /// the program's environment. Never a shell line.
    pub command: &'a OsStr,
    /// The file to execute instead of what `command` leads to, for who has looked at that before: between the look
    /// and the start it could come to lead elsewhere. `command` is still what the program is told as its name.
    pub executable: Option<&'a Path>,
    /// Passed byte for byte; the program's own name comes before them and is `command`.
    pub args: Vec<&'a OsStr>,
    /// Where it runs; `None`: where the monitor runs.
    pub working_directory: Option<&'a Path>,
    /// Added to the monitor's own environment, whose variables of the same name it replaces.
    pub environment: Vec<(&'a OsStr, &'a OsStr)>,
    /// Becomes its descriptor 1.
    pub stdout: BorrowedFd<'a>,
    /// Becomes its descriptor 2.
    pub stderr: BorrowedFd<'a>,
    /// The open run record ([`super::record::RunRecord`]), to which the child appends its own line
    /// before it becomes the program.
    pub record: BorrowedFd<'a>,
    /// What the program keeps open without knowing, by the same numbers as here: what keeps unread output, where that is not
    /// kept by the writing ends (Windows). Elsewhere none.
    pub keeps: &'a [BorrowedFd<'a>],
}

/// Values of environment variables are secrets, arguments may be.
impl fmt::Debug for SpawnRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnRequest")
            .field("process", &self.process)
            .field("run", &self.run)
            .field("command", &self.command)
            .field("args", &self.args.len())
            .field("working_directory", &self.working_directory)
            .field("environment", &self.environment.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Whether there are descriptors for one more program, its run record and its `output`, so that a start
/// that cannot succeed takes none. Some are kept back for the monitor itself: to be talked to, and to save.
///
/// # Errors
/// [`SpawnError::OutOfDescriptors`].
pub fn ensure_room(output: OutputMode) -> Result<(), SpawnError> {
    sys::spawn::ensure_room(output)
}

/// Starts a program and returns when it has become one (the exec succeeded), or has failed to.
/// After an error nothing runs, and the run record holds the intent only.
///
/// It blocks for the length of a fork and exec, so call it from a thread that may wait, but from one
/// that lives as long as the monitor: when a thread ends, the kernel moves its children to the main
/// thread, where the orphans are looked for.
///
/// # Errors
/// [`SpawnError`] says which stage failed and why.
pub fn spawn(request: &SpawnRequest<'_>) -> Result<Process, SpawnError> {
    sys::spawn::spawn(request)
}

/// The step of a spawn that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The request cannot be passed to the system.
    Prepare,
    /// A new process could not be made.
    Fork,
    /// A new session could not be made.
    Session,
    /// Its input and output could not be put in place.
    Descriptors,
    /// The working directory could not be entered.
    WorkingDirectory,
    /// The limit of open descriptors could not be set back.
    Limits,
    /// The child could not record itself.
    Record,
    /// The monitor died in the meantime, so the child gave up.
    Orphaned,
    /// The program could not be executed.
    Exec,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare the start",
            Self::Fork => "make a new process",
            Self::Session => "make a session of its own",
            Self::Descriptors => "set up its input and output",
            Self::WorkingDirectory => "enter its working directory",
            Self::Limits => "set its limit of open descriptors",
            Self::Record => "write its run record",
            Self::Orphaned => "stay with the monitor",
            Self::Exec => "execute it",
        })
    }
}

/// Why a program was not started, in words for the person who registered it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each field is what its message says
pub enum SpawnError {
    /// The entry names no command.
    #[error("the command is empty; give the path or the name of a program")]
    EmptyCommand,
    /// A text with a NUL byte ends there for the system, so it cannot be passed byte for byte.
    #[error("{what} contains a NUL byte, which no program can be given")]
    NulByte { what: String },
    /// A variable's name is empty or contains `=`.
    #[error("{name:?} cannot be the name of an environment variable: it must not be empty nor contain '='")]
    VariableName { name: String },
    /// A command with a slash names nothing.
    #[error("{} does not exist", .path.display())]
    NotFound { path: PathBuf },
    /// A command without a slash is in no folder of PATH.
    #[error("{command}: not found in PATH ({searched}){hint}")]
    NotInPath { command: String, searched: String, hint: String },
    /// A folder on the way is no folder.
    #[error("{}: a part of this path is not a folder", .path.display())]
    NotAFolderOnTheWay { path: PathBuf },
    /// The file may not be executed.
    #[error("{}: permission denied; {hint}", .path.display())]
    PermissionDenied { path: PathBuf, hint: &'static str },
    /// The command is a folder.
    #[error("{} is a directory; give the program in it", .path.display())]
    IsDirectory { path: PathBuf },
    /// The command is a device, a socket or a FIFO.
    #[error("{} is not a regular file, so it cannot be a program", .path.display())]
    NotAFile { path: PathBuf },
    /// The command is a script for `cmd.exe`.
    #[error(
        "{} is a batch file, whose arguments cmd.exe would take for commands (CVE-2024-24576), so it is not started; \
         give cmd.exe as the command, with the arguments /d, /c and the file's path, if all its arguments are your own",
        .path.display()
    )]
    BatchFile { path: PathBuf },
    /// The file has not the form of a program of this system.
    #[error(
        "{} is not a program for Windows on this machine; for a script give the program that runs it as the command \
         (such as python.exe, or powershell.exe with -File), and the script's path as its first argument",
        .path.display()
    )]
    ForeignFormat { path: PathBuf },
    /// The kernel does not know the file's format.
    #[error(
        "{}: exec format error: a script needs a first line such as #!/bin/sh, \
         a binary must be built for this machine",
        .path.display()
    )]
    NotAProgram { path: PathBuf },
    /// The first line of a script names a program that is not there.
    #[error("interpreter {interpreter} of the script {} does not exist; correct its first line", .path.display())]
    MissingInterpreter { path: PathBuf, interpreter: String },
    /// The file exists and is no script, yet the kernel reports that something does not exist.
    #[error(
        "{} exists, but its dynamic loader does not; it was built for another system or C library",
        .path.display()
    )]
    MissingLoader { path: PathBuf },
    /// Someone writes to the program.
    #[error("{} is open for writing, perhaps still being copied; start it when that is done", .path.display())]
    BeingWritten { path: PathBuf },
    /// The arguments and the environment exceed the system's limit.
    #[error(
        "argument list too long: arguments and environment have {bytes} bytes together, the longest {longest}; \
         pass long data in a file (`getconf ARG_MAX` tells the limit)"
    )]
    TooLong { bytes: usize, longest: usize },
    /// All arguments together have more characters than the system takes.
    #[error(
        "the command line has {length} characters with its quotes, and Windows takes {longest}; pass long data in a file"
    )]
    LineTooLong { length: usize, longest: usize },
    /// The working directory cannot be entered.
    #[error("working directory {} {}", .path.display(), working_directory_reason(.source))]
    WorkingDirectory { path: PathBuf, source: io::Error },
    /// The monitor cannot open one more descriptor.
    #[error(
        "out of descriptors ({limit}); raise it (`ulimit -n`, systemd: LimitNOFILE=), run fewer programs, or discard the \
         output of some (`output`: \"discard\"), which then need one each instead of three"
    )]
    OutOfDescriptors { limit: String },
    /// No more processes or memory.
    #[error("cannot fork: {source}; {hint}")]
    Fork { source: io::Error, hint: &'static str },
    /// Another failure of the exec, in the system's words.
    #[error("{}: {source}", .path.display())]
    Exec { path: PathBuf, source: io::Error },
    /// Another failure of an earlier stage.
    #[error("cannot {stage}: {source}")]
    Setup { stage: Stage, source: io::Error },
}

impl SpawnError {
    /// The step that failed.
    pub fn stage(&self) -> Stage {
        match self {
            Self::EmptyCommand | Self::NulByte { .. } | Self::VariableName { .. } => Stage::Prepare,
            Self::OutOfDescriptors { .. } => Stage::Descriptors,
            Self::WorkingDirectory { .. } => Stage::WorkingDirectory,
            Self::Fork { .. } => Stage::Fork,
            Self::Setup { stage, .. } => *stage,
            _ => Stage::Exec,
        }
    }
}

fn working_directory_reason(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::NotADirectory => "is not a directory".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "cannot be entered: permission denied (it needs the x right)".to_owned()
        }
        _ => format!("cannot be entered: {source}"),
    }
}
