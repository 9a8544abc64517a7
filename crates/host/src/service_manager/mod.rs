//! What starts monitors on this machine, as far as having one started needs it: where units lie (launchd calls them property
//! lists), and telling it that one has changed.
//!
//! | file | |
//! | --- | --- |
//! | `systemd` | Linux |
//! | `launchd` | macOS |

mod launchd;
mod systemd;

use crate::files::{self, Durability, FileError};
use crate::layout::NoHome;
use crate::sys::services;
pub use crate::sys::users::{is_root, name_of, owner_unless_root};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A unit is no longer than that, in bytes.
const LONGEST_UNIT: u64 = 1 << 20;

/// Why the service manager was not told.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// The user has no folder for units.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// Another one starts services here.
    #[error("{0} does not run on this machine")]
    NotBooted(&'static str),
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

/// Which service manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of most Linux distributions.
    Systemd,
    /// Of macOS.
    Launchd,
}

impl Kind {
    /// The one that this system has.
    pub fn here() -> Self {
        services::KIND
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
        }
    }
}

/// The service manager of the machine, or of this user.
#[derive(Debug, Clone, Copy)]
pub struct Manager {
    /// Which one.
    pub kind: Kind,
    /// Of this user.
    pub of_user: bool,
}

impl Manager {
    /// Where an administrator, or this user, puts units.
    ///
    /// # Errors
    /// When the user has no home.
    pub fn folder(self) -> Result<PathBuf, ManagerError> {
        match self.kind {
            Kind::Systemd => systemd::folder(self.of_user),
            Kind::Launchd => launchd::folder(self.of_user),
        }
    }

    /// Writes a unit, which everybody may read.
    ///
    /// # Errors
    /// When the folder cannot be written; a unit that was there is as it was.
    pub fn write_unit(self, path: &Path, text: &str) -> Result<(), FileError> {
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
    /// [`ManagerError`]
    pub fn reload(self) -> Result<(), ManagerError> {
        match self.kind {
            Kind::Systemd => run("systemctl", &systemd::words(self.of_user, &["daemon-reload"])?),
            // A property list is read when it is loaded.
            Kind::Launchd => Ok(()),
        }
    }

    /// Has it not start the unit of this name any more; one that runs goes on.
    ///
    /// # Errors
    /// [`ManagerError`]
    pub fn disable(self, unit: &str) -> Result<(), ManagerError> {
        match self.kind {
            Kind::Systemd => run("systemctl", &systemd::words(self.of_user, &["disable", unit])?),
            Kind::Launchd => run("launchctl", &["disable".into(), launchd::target(self.of_user, unit)]),
        }
    }

    /// Whether it starts the unit of this name by itself, in one word of its own.
    ///
    /// # Errors
    /// [`ManagerError`]; that the answer is no is none.
    pub fn is_enabled(self, unit: &str) -> Result<String, ManagerError> {
        match self.kind {
            Kind::Systemd => systemd::ask(self.of_user, "is-enabled", unit),
            Kind::Launchd => launchd::is_enabled(self.of_user, unit),
        }
    }

    /// Whether the unit of this name runs, in one word of its own.
    ///
    /// # Errors
    /// As [`Manager::is_enabled`].
    pub fn is_active(self, unit: &str) -> Result<String, ManagerError> {
        match self.kind {
            Kind::Systemd => systemd::ask(self.of_user, "is-active", unit),
            Kind::Launchd => launchd::is_active(self.of_user, unit),
        }
    }

    /// What a person would enter to have it read its units again, if that is needed.
    pub fn reload_command(self) -> Option<String> {
        (self.kind == Kind::Systemd).then(|| systemd::command(self.of_user, "daemon-reload"))
    }

    /// What a person would enter to have the unit at `path` started now and from now on.
    pub fn start_command(self, unit: &str, path: &Path) -> String {
        match self.kind {
            Kind::Systemd => systemd::command(self.of_user, &format!("enable --now {unit}")),
            Kind::Launchd => launchd::start_command(self.of_user, path),
        }
    }

    /// What a person would enter to see how the unit is.
    pub fn status_command(self, unit: &str) -> String {
        match self.kind {
            Kind::Systemd => systemd::command(self.of_user, &format!("status {unit}")),
            Kind::Launchd => format!("launchctl print {}", launchd::target(self.of_user, unit)),
        }
    }

    /// How a unit of a user comes to run also while he is not logged in.
    pub fn without_login(self) -> Option<&'static str> {
        match self.kind {
            _ if !self.of_user => None,
            Kind::Systemd => {
                Some("To have it run also while you are not logged in:\n  loginctl enable-linger\n")
            }
            Kind::Launchd => {
                Some("It runs while you are logged in; for always, install it with --system as root.\n")
            }
        }
    }
}

fn run(program: &str, words: &[String]) -> Result<(), ManagerError> {
    let (command, output) = output(program, words)?;
    if output.status.success() {
        return Ok(());
    }
    Err(ManagerError::Refused { command, why: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

fn output(program: &str, words: &[String]) -> Result<(String, Output), ManagerError> {
    let name = format!("{program} {}", words.join(" "));
    match Command::new(program).args(words).stdin(Stdio::null()).output() {
        Ok(output) => Ok((name, output)),
        Err(source) => Err(ManagerError::Run { command: name, source }),
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
