//! From an error of `CreateProcessW` to one that says what to do.

use super::prepare::Prepared;
use crate::process::spawn::{SpawnError, SpawnRequest};
use std::io;
use std::path::Path;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ACCESS_DISABLED_BY_POLICY, ERROR_BAD_EXE_FORMAT, ERROR_COMMITMENT_LIMIT,
    ERROR_DIRECTORY, ERROR_ELEVATION_REQUIRED, ERROR_EXE_MACHINE_TYPE_MISMATCH, ERROR_FILE_NOT_FOUND,
    ERROR_LOCK_VIOLATION, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY,
    ERROR_PATH_NOT_FOUND, ERROR_SHARING_VIOLATION, ERROR_VIRUS_DELETED, ERROR_VIRUS_INFECTED,
};

/// Why the system did not make the process.
pub fn diagnose(request: &SpawnRequest<'_>, prepared: &Prepared, source: io::Error) -> SpawnError {
    if let Some(error) = directory(request) {
        return error;
    }
    let path = prepared.program.clone();
    match source.raw_os_error().map_or(0, i32::cast_unsigned) {
        ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND => SpawnError::NotFound { path },
        ERROR_DIRECTORY => {
            SpawnError::WorkingDirectory { path: working_directory(request).to_owned(), source }
        }
        ERROR_BAD_EXE_FORMAT | ERROR_EXE_MACHINE_TYPE_MISMATCH => SpawnError::ForeignFormat { path },
        ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION => SpawnError::BeingWritten { path },
        ERROR_NOT_ENOUGH_MEMORY | ERROR_OUTOFMEMORY | ERROR_COMMITMENT_LIMIT | ERROR_NO_SYSTEM_RESOURCES => {
            SpawnError::Fork { source, hint: "memory is used up; end something, or let the page file grow" }
        }
        code => match denial(code) {
            Some(hint) => SpawnError::PermissionDenied { path, hint },
            None => SpawnError::Exec { path, source },
        },
    }
}

fn denial(code: u32) -> Option<&'static str> {
    Some(match code {
        ERROR_ACCESS_DENIED => {
            "this user may not execute it (see its Security settings), or a scanner for viruses holds it back"
        }
        ERROR_ELEVATION_REQUIRED => {
            "it wants the rights of an administrator; run the monitor with them, as a service for example, or choose a program that does without"
        }
        ERROR_ACCESS_DISABLED_BY_POLICY => {
            "a policy of this machine forbids it (AppLocker or software restrictions); ask who manages it"
        }
        ERROR_VIRUS_INFECTED | ERROR_VIRUS_DELETED => {
            "the scanner for viruses forbids it; look at what it reports, and permit the file there if it is wrong"
        }
        _ => return None,
    })
}

/// The system says of a missing folder what it says of a missing program.
fn directory(request: &SpawnRequest<'_>) -> Option<SpawnError> {
    let path = request.working_directory?;
    let source = match std::fs::metadata(path) {
        Ok(folder) if folder.is_dir() => return None,
        Ok(_) => io::ErrorKind::NotADirectory.into(),
        Err(source) => source,
    };
    Some(SpawnError::WorkingDirectory { path: path.to_owned(), source })
}

fn working_directory<'a>(request: &SpawnRequest<'a>) -> &'a Path {
    request.working_directory.unwrap_or(Path::new("."))
}
