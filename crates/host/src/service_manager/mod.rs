//! What starts monitors on this machine, as far as having one started needs it: where units lie (launchd calls them property
//! lists), and telling it that one has changed.
//!
//! | file | |
//! | --- | --- |
//! | `systemd` | Linux |
//! | `launchd` | macOS |
//! | `sys::services` | Windows; and the files of the others |

mod launchd;
mod systemd;

use crate::layout::NoHome;
use crate::sys::services;
pub use crate::sys::services::{read_unit, remove_unit, supervised, tell, write_unit};
pub use crate::sys::users::{is_root, name_of, owner_unless_root};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Why the service manager was not told.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// The user has no folder for units.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// Another one starts services here.
    #[error("{0} does not run on this machine")]
    NotBooted(&'static str),
    /// It starts services for nobody in particular.
    #[error(
        "Windows starts services for the machine only; become administrator and install it with --system, or have it started when \
         you log on: schtasks /create /tn process_monitor /sc onlogon /tr process_monitor"
    )]
    MachineOnly,
    /// The service control manager said no.
    #[error("the service control manager refused to {attempt}: {source}")]
    Denied {
        /// What was attempted.
        attempt: &'static str,
        /// What it said.
        source: io::Error,
    },
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
    /// Of Windows: the service control manager.
    Windows,
}

/// How a service is, for its manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is up.
    Ready,
    /// It ends, and may take that long.
    Stopping {
        /// At most.
        within: Duration,
    },
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
            Self::Windows => "the service control manager",
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
            Kind::Windows => services::folder(self.of_user),
        }
    }

    /// Has it read its units again.
    ///
    /// # Errors
    /// [`ManagerError`]
    pub fn reload(self) -> Result<(), ManagerError> {
        match self.kind {
            Kind::Systemd => run("systemctl", &systemd::words(self.of_user, &["daemon-reload"])?),
            // A property list is read when it is loaded, and a service is known once it is written.
            Kind::Launchd | Kind::Windows => Ok(()),
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
            Kind::Windows => services::disable(unit).map_err(denied("disable the service")),
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
            Kind::Windows => services::is_enabled(unit).map_err(denied("tell of the service")),
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
            Kind::Windows => services::is_active(unit).map_err(denied("tell of the service")),
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
            Kind::Launchd => launchd::start_command(self.of_user, unit, path),
            Kind::Windows => format!("sc start {unit}"),
        }
    }

    /// What a person would enter to see how the unit is.
    pub fn status_command(self, unit: &str) -> String {
        match self.kind {
            Kind::Systemd => systemd::command(self.of_user, &format!("status {unit}")),
            Kind::Launchd => format!("launchctl print {}", launchd::target(self.of_user, unit)),
            Kind::Windows => format!("sc query {unit}"),
        }
    }

    /// How a unit of a user comes to run also while he is not logged in.
    pub fn without_login(self) -> Option<&'static str> {
        match self.kind {
            _ if !self.of_user => None,
            Kind::Systemd => {
                Some("To have it run also while you are not logged in:\n  loginctl enable-linger\n")
            }
            Kind::Windows => None,
            Kind::Launchd => {
                Some("It runs while you are logged in; for always, install it with --system as root.\n")
            }
        }
    }
}

fn denied(attempt: &'static str) -> impl FnOnce(io::Error) -> ManagerError {
    move |source| ManagerError::Denied { attempt, source }
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
