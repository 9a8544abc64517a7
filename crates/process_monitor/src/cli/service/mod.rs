//! `service`: having the service manager (systemd, launchd) start the monitor.
//!
//! | file | what |
//! | --- | --- |
//! | `unit` | the unit's text; whether a file is ours, and as we wrote it |
//! | `install` | `install`, `uninstall` |
//! | `status` | `status` |

mod install;
mod status;
mod unit;

use super::context::{Context, Program};
use super::failure::Failure;
use super::monitor::foreground;
use clap::{Args, Subcommand};
use process_monitor_host::program;
use process_monitor_host::service_manager::{self, Kind, Manager};
use std::ffi::OsString;
use std::path::PathBuf;
use unit::{Scope, Unit, User};

/// Arguments of `service`.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a unit of systemd (on macOS a property list of launchd, on Windows a service) that starts this monitor
    Install(InstallArgs),
    /// Remove the unit; the monitor runs on
    Uninstall(RemoveArgs),
    /// Show whether there is a unit, and what the service manager makes of it
    Status(WhichArgs),
}

/// Which unit.
#[derive(Debug, Clone, Args)]
struct WhichArgs {
    /// For the machine: /etc/systemd/system, /Library/LaunchDaemons, Windows services [default for root, administrators]
    #[arg(long, conflicts_with = "user")]
    system: bool,
    /// For this user: ~/.config/systemd/user, ~/Library/LaunchAgents [default for everybody else]
    #[arg(long)]
    user: bool,
    /// The unit of the watcher instead of the monitor that it watches
    #[arg(long)]
    watcher: bool,
}

#[derive(Debug, Args)]
struct InstallArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Replace a unit that somebody else wrote, or has edited
    #[arg(long)]
    force: bool,
    /// Print the unit, and write nothing
    #[arg(long)]
    print: bool,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Remove a unit that somebody else wrote, or has edited
    #[arg(long)]
    force: bool,
}

pub async fn run(context: &Context, args: &ServiceArgs) -> Result<(), Failure> {
    match &args.action {
        Action::Install(args) => install::install(context, args),
        Action::Uninstall(args) => install::uninstall(context, args),
        Action::Status(args) => status::run(context, args).await,
    }
}

/// A unit with its place.
struct Service {
    unit: Unit,
    name: String,
    path: PathBuf,
    manager: Manager,
}

impl Service {
    fn of(context: &Context, which: &WhichArgs) -> Result<Self, Failure> {
        let scope = match (which.system, which.user) {
            (true, _) => Scope::System,
            (_, true) => Scope::User,
            _ if service_manager::is_root() => Scope::System,
            _ => Scope::User,
        };
        let layout = context.layout()?;
        let instance = match which.watcher {
            true => Program::Watcher.instance()?,
            false => layout.instance().clone(),
        };
        let executable = program::own().map_err(|error| {
            Failure::failed(format!("cannot tell where this program's own file is: {error}"))
        })?;
        let directory = layout.directory();
        let words = |path: &std::path::Path| text(path.as_os_str().to_owned());
        let unit = Unit {
            scope,
            instance: instance.to_string(),
            executable: words(&executable)?,
            target: vec!["--directory".into(), words(directory)?, "--instance".into(), instance.to_string()],
            options: match which.watcher {
                // They are the ports of the one that it watches.
                true => Vec::new(),
                false => foreground::options(context, true)?
                    .flags()
                    .into_iter()
                    .map(text)
                    .collect::<Result<_, _>>()?,
            },
            user: service_manager::owner_unless_root(directory).map(user),
        };
        let manager = Manager { kind: Kind::here(), of_user: scope == Scope::User };
        let name = Unit::name(manager.kind, &unit.instance);
        let folder = manager.folder().map_err(|error| Failure::failed(error.to_string()))?;
        Ok(Self { unit, path: folder.join(&name), name, manager })
    }

    /// What is to be in its file.
    fn text(&self) -> String {
        self.unit.text(self.manager.kind)
    }
}

/// Only launchd needs the name, and a number means the same to a person who has none.
fn user(uid: u32) -> User {
    User { uid, name: service_manager::name_of(uid).unwrap_or_else(|| uid.to_string()) }
}

fn text(word: OsString) -> Result<String, Failure> {
    word.into_string().map_err(|word| {
        Failure::failed(format!("{word:?} cannot stand in a unit: it is not UTF-8"))
            .advise("use another path")
    })
}
