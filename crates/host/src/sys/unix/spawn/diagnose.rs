//! From an errno of the child to an error that says what to do.

use super::prepare::Prepared;
use crate::process::spawn::{SpawnError, SpawnRequest, Stage};
use crate::sys::process::advice;
use crate::sys::unix::limits;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A step of a child that failed.
#[derive(Clone, Copy)]
pub struct Failure {
    pub stage: Stage,
    pub errno: Errno,
    /// Which of the candidates, for [`Stage::Exec`].
    pub candidate: usize,
}

/// What the child reported.
pub fn diagnose(request: &SpawnRequest<'_>, prepared: &Prepared, failure: Failure) -> SpawnError {
    match failure.stage {
        Stage::Exec => exec(request, prepared, failure),
        Stage::WorkingDirectory => SpawnError::WorkingDirectory {
            path: request.working_directory.unwrap_or(Path::new(".")).to_owned(),
            source: failure.errno.into(),
        },
        stage => setup(stage, failure.errno),
    }
}

/// A failure before the exec.
pub fn setup(stage: Stage, errno: Errno) -> SpawnError {
    match errno {
        Errno::MFILE | Errno::NFILE => out_of_descriptors(errno),
        Errno::NOSYS if stage == Stage::Descriptors => SpawnError::Setup {
            stage,
            source: io::Error::new(
                io::ErrorKind::Unsupported,
                "close_range is missing; Linux 5.9 or later is needed",
            ),
        },
        _ => SpawnError::Setup { stage, source: errno.into() },
    }
}

/// No process could be made.
pub fn fork(source: io::Error) -> SpawnError {
    match source.raw_os_error() {
        Some(libc::EMFILE) => out_of_descriptors(Errno::MFILE),
        Some(libc::ENFILE) => out_of_descriptors(Errno::NFILE),
        Some(libc::EAGAIN) => SpawnError::Fork { source, hint: advice::TOO_MANY_PROCESSES },
        Some(libc::ENOMEM) => SpawnError::Fork { source, hint: "memory is used up; free some or add swap" },
        _ => SpawnError::Fork { source, hint: "see fork(2)" },
    }
}

/// There is no room for one more program.
pub fn out_of_descriptors(errno: Errno) -> SpawnError {
    let limit = match (errno, limits::nofile()) {
        (Errno::NFILE, _) => format!("the system's limit, {}", advice::ALL_OPEN_FILES),
        (_, Some(limit)) => format!("limit {limit}"),
        (_, None) => "no limit set".to_owned(),
    };
    SpawnError::OutOfDescriptors { limit }
}

fn exec(request: &SpawnRequest<'_>, prepared: &Prepared, failure: Failure) -> SpawnError {
    let seen_from_here = |text: &OsStr| match request.working_directory {
        Some(directory) => directory.join(text),
        None => PathBuf::from(text),
    };
    let candidate = |text: &std::ffi::CString| seen_from_here(OsStr::from_bytes(text.as_bytes()));
    let reported = prepared.candidates.get(failure.candidate).map(candidate).unwrap_or_default();
    match failure.errno {
        Errno::NOENT | Errno::NOTDIR => {
            match prepared.candidates.iter().map(candidate).find(|path| path.exists()) {
                Some(path) => missing_interpreter(path),
                None => nowhere(request, prepared, reported, failure.errno),
            }
        }
        Errno::ACCESS | Errno::PERM => denied(reported, failure.errno),
        Errno::ISDIR => SpawnError::IsDirectory { path: reported },
        Errno::NOEXEC => SpawnError::NotAProgram { path: reported },
        Errno::TXTBSY => SpawnError::BeingWritten { path: reported },
        Errno::TOOBIG => {
            let (bytes, longest) = prepared.size();
            SpawnError::TooLong { bytes, longest }
        }
        Errno::MFILE | Errno::NFILE => out_of_descriptors(failure.errno),
        errno => SpawnError::Exec { path: reported, source: errno.into() },
    }
}

fn nowhere(request: &SpawnRequest<'_>, prepared: &Prepared, path: PathBuf, errno: Errno) -> SpawnError {
    let Some(searched) = &prepared.searched else {
        return match errno {
            Errno::NOTDIR => SpawnError::NotAFolderOnTheWay { path },
            _ if path.ancestors().skip(1).any(Path::is_file) => SpawnError::NotAFolderOnTheWay { path },
            _ => SpawnError::NotFound { path },
        };
    };
    let command = request.command.to_string_lossy().into_owned();
    let is_here =
        request.working_directory.is_some_and(|directory| directory.join(request.command).is_file());
    let hint = if is_here {
        format!("; for the one in the working directory write ./{command}")
    } else {
        String::new()
    };
    SpawnError::NotInPath { command, searched: searched.to_string_lossy().into_owned(), hint }
}

fn denied(path: PathBuf, errno: Errno) -> SpawnError {
    let Ok(metadata) = fs::metadata(&path) else {
        return SpawnError::PermissionDenied {
            path,
            hint: "a folder on the way may not be entered (it needs the x right)",
        };
    };
    if metadata.is_dir() {
        return SpawnError::IsDirectory { path };
    }
    if !metadata.is_file() {
        return SpawnError::NotAFile { path };
    }
    let hint = match metadata.permissions().mode() & 0o111 {
        0 => "the file is not executable (chmod +x)",
        _ if errno == Errno::PERM => "the system forbids it, see execve(2)",
        _ => {
            "this user may not execute it, its interpreter is not executable, or its file system is mounted noexec"
        }
    };
    SpawnError::PermissionDenied { path, hint }
}

/// The kernel says "no such file" of a file that exists: it means what the file itself asks for.
fn missing_interpreter(path: PathBuf) -> SpawnError {
    match shebang(&path) {
        Some(interpreter) => SpawnError::MissingInterpreter { path, interpreter },
        None => SpawnError::MissingLoader { path },
    }
}

/// The program that the first line names; the kernel looks at 256 bytes (`BINPRM_BUF_SIZE`).
fn shebang(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(256).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let text = String::from_utf8_lossy(line);
    // A carriage return is part of the name to the kernel: show it, or nobody finds the mistake.
    let name = text.trim_matches([' ', '\t']).split([' ', '\t']).next()?;
    Some(name.escape_debug().to_string())
}
