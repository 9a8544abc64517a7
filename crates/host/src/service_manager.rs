//! systemd, as far as having the monitor started by it needs: where units lie, and telling it that one has changed.

use crate::files::{self, Durability, FileError};
use crate::layout::home_directory;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A unit is no longer than that, in bytes.
const LONGEST_UNIT: u64 = 1 << 20;

/// There while systemd runs the machine (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// Why systemd was not told.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// The user has no folder for units.
    #[error(transparent)]
    NoHome(#[from] crate::layout::NoHome),
    /// Another system starts services here.
    #[error("systemd does not run on this machine")]
    NotBooted,
    /// It could not be asked.
    #[error("cannot run {command}: {source}")]
    Run {
        /// What was to be run.
        command: String,
        /// Why not.
        source: io::Error,
    },
    /// It said no.
    #[error("{command} failed: {why}")]
    Refused {
        /// What was run.
        command: String,
        /// What it said.
        why: String,
    },
}

/// The systemd of the machine, or of this user.
#[derive(Debug, Clone, Copy)]
pub struct Systemd {
    /// Of this user.
    pub of_user: bool,
}

impl Systemd {
    /// Where an administrator, or this user, puts units.
    ///
    /// # Errors
    /// When the user has no home.
    pub fn folder(self) -> Result<PathBuf, SystemdError> {
        if !self.of_user {
            return Ok("/etc/systemd/system".into());
        }
        let configured =
            std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = match configured {
            Some(folder) => folder,
            None => home_directory()?.join(".config"),
        };
        Ok(folder.join("systemd/user"))
    }

    /// Writes a unit, which everybody may read.
    ///
    /// # Errors
    /// When the folder cannot be written; a unit that was there is as it was.
    pub fn write_unit(self, path: &Path, text: &str) -> Result<(), FileError> {
        use std::os::unix::fs::PermissionsExt;
        if let Some(folder) = path.parent() {
            files::create_folders(folder)?;
        }
        files::write_atomic(path, text.as_bytes(), Durability::Synced)?;
        let readable = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(path, readable).map_err(FileError::os("let everybody read", path))
    }

    /// Has it read its units again.
    ///
    /// # Errors
    /// [`SystemdError`]
    pub fn reload(self) -> Result<(), SystemdError> {
        self.run(&["daemon-reload"]).map(drop)
    }

    /// Has it not start `unit` any more; one that runs goes on.
    ///
    /// # Errors
    /// [`SystemdError`]
    pub fn disable(self, unit: &str) -> Result<(), SystemdError> {
        self.run(&["disable", unit]).map(drop)
    }

    /// What it answers to a question about `unit`, such as `is-active`, in one word.
    ///
    /// # Errors
    /// [`SystemdError`]; that the answer is no is none.
    pub fn ask(self, question: &str, unit: &str) -> Result<String, SystemdError> {
        let (_, output) = self.output(&[question, unit])?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn run(self, words: &[&str]) -> Result<(), SystemdError> {
        let (command, output) = self.output(words)?;
        if output.status.success() {
            return Ok(());
        }
        Err(SystemdError::Refused { command, why: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    }

    fn output(self, words: &[&str]) -> Result<(String, std::process::Output), SystemdError> {
        if !Path::new(BOOTED).exists() {
            return Err(SystemdError::NotBooted);
        }
        let user = if self.of_user { &["--user"][..] } else { &[] };
        let words: Vec<&str> = user.iter().chain(words).copied().collect();
        let name = format!("systemctl {}", words.join(" "));
        match Command::new("systemctl").args(words).stdin(Stdio::null()).output() {
            Ok(output) => Ok((name, output)),
            Err(source) => Err(SystemdError::Run { command: name, source }),
        }
    }
}

/// The text of a unit; `None` where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn read_unit(path: &Path) -> Result<Option<String>, FileError> {
    match files::read_bounded(path, LONGEST_UNIT) {
        Ok(text) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
        Err(FileError::Os { reason, .. }) if reason.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// To whom `folder` belongs, or will when it is made; `None`: to root.
pub fn owner_unless_root(folder: &Path) -> Option<u32> {
    let owner = std::fs::metadata(folder).map(|folder| folder.uid());
    Some(owner.unwrap_or_else(|_| rustix::process::geteuid().as_raw())).filter(|uid| *uid != 0)
}
