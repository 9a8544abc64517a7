//! Whether the executable that is to follow can: it is started beside us, looks at everything that it would need, says
//! that it is ready or why it is not, and ends.

use crate::files::Hint;
use crate::process::spawn::NOT_FOR_PROGRAMS;
use crate::program::{self, Incomplete};
use crate::sys::handover::Trial;
use crate::sys::memory;
use crate::sys::positioned::FileExt;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a rehearsal may take.
pub const REHEARSED_WITHIN: Duration = Duration::from_secs(10);

/// What it may write into any file, its output included.
const MAY_WRITE: u64 = 16 << 20;

/// How much of its output is looked at, in bytes.
const HEARD: usize = 64 << 10;

/// How much of its last words is repeated, in bytes.
const REPEATED: usize = 2000;

/// What a rehearsal says at its end, as one line of JSON on its standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rehearsed {
    /// It could go on from here. Fields that a later version adds are ignored.
    Ready {
        /// Its version.
        version: String,
    },
    /// It could not.
    Failed(String),
}

/// Why an executable cannot follow. Everything is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The file is not all there.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// It could not be started.
    #[error("cannot start {}: {reason}{}", executable.display(), Hint(reason))]
    Start {
        /// The file.
        executable: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// It says itself why it cannot go on.
    #[error("{} cannot go on from here: {why}", executable.display())]
    Refused {
        /// The file.
        executable: PathBuf,
        /// Its reason.
        why: String,
    },
    /// It ended without saying that it is ready.
    #[error("{} ended without saying that it is ready ({how}){}", executable.display(), quoted(words))]
    Ended {
        /// The file.
        executable: PathBuf,
        /// How it ended.
        how: String,
        /// The last lines of its error output.
        words: String,
    },
    /// It took too long, and was killed.
    #[error("{} did not say within {} s whether it is ready, and was killed{}", executable.display(), within.as_secs_f32(), quoted(words))]
    Hung {
        /// The file.
        executable: PathBuf,
        /// How long it was given.
        within: Duration,
        /// The last lines of its error output.
        words: String,
    },
}

fn quoted(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!("; its last words:\n{words}") }
}

/// Has `executable` rehearse to go on as a monitor that is started with `args`. Returns its version.
///
/// # Errors
/// [`RehearsalError`] says why it can't; nothing of it is left running.
pub fn rehearse(executable: &Path, args: &[OsString], within: Duration) -> Result<String, RehearsalError> {
    let not_started = |reason| RehearsalError::Start { executable: executable.to_owned(), reason };
    let found = File::open(executable).map_err(not_started)?;
    program::check_whole(executable, &found).map_err(not_started)??;
    let (said, words) = (sink("said").map_err(not_started)?, sink("words").map_err(not_started)?);
    let trial = start(executable, args, &said, &words).map_err(not_started)?;
    let ended = trial.end(within).map_err(not_started)?;
    let executable = executable.to_owned();
    let words = tail(&words);
    let Some(status) = ended else { return Err(RehearsalError::Hung { executable, within, words }) };
    match serde_json::from_slice(&content(&said)) {
        Ok(Rehearsed::Ready { version }) => Ok(version),
        Ok(Rehearsed::Failed(why)) => Err(RehearsalError::Refused { executable, why }),
        Err(_) => Err(RehearsalError::Ended { executable, how: status.to_string(), words }),
    }
}

fn sink(name: &str) -> io::Result<File> {
    memory::file(name)
}

/// In a session of its own, so that all of it can be killed, and without what belongs to us alone.
fn start(executable: &Path, args: &[OsString], said: &File, words: &File) -> io::Result<Trial> {
    let mut command = Command::new(executable);
    command.args(["rehearse", "--"]).args(args);
    command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(words.try_clone()?);
    NOT_FOR_PROGRAMS.iter().for_each(|name| {
        command.env_remove(name);
    });
    Trial::start(&mut command, MAY_WRITE)
}

fn content(file: &File) -> Vec<u8> {
    let length = file.metadata().map_or(0, |file| file.len());
    let start = length.saturating_sub(HEARD as u64);
    let mut bytes = vec![0; usize::try_from(length - start).unwrap_or(0)];
    // It is ours alone by now, so it can be read to its end; what cannot is as good as nothing said.
    if file.read_exact_at(&mut bytes, start).is_err() {
        bytes.clear();
    }
    bytes
}

fn tail(file: &File) -> String {
    let bytes = content(file);
    let from = bytes.len().saturating_sub(REPEATED);
    String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).trim().to_owned()
}
