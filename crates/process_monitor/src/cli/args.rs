//! What can be typed: the flags that were always there, and the subcommands.

use super::{
    add, autostart, completions, config, discover, doctor, events, generate, lifecycle, list, logs, rehearse,
    run, service, signal, status, token, update, upgrade,
};
use clap::{ArgGroup, Args, Parser, Subcommand};
use process_monitor_client::{Fingerprint, Url};
use process_monitor_core::id::{InstanceId, ProcessId};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

const ABOUT: &str = "Starts programs, keeps them running, and shows what they do";

const EXAMPLES: &str = "\
Examples:
  process_monitor run --name web -- python3 -m http.server 8000
  process_monitor list
  process_monitor logs web -f
  process_monitor restart web

Without a subcommand and a flag it starts the monitor in the background.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the monitor is not running, 4 no such process";

/// The heading of the flags that name a monitor elsewhere.
pub const ELSEWHERE: &str = "A monitor elsewhere";

/// Everything that can be typed.
#[derive(Debug, Parser)]
#[command(name = "process_monitor", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
#[command(disable_help_subcommand = true, infer_long_args = false)]
pub struct Arguments {
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub monitor: MonitorFlags,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Which monitor, and in what form to answer.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Target {
    /// The folder that holds everything [default: ~/.tom/process_monitor]
    #[arg(
        short,
        long,
        global = true,
        display_order = 100,
        value_name = "DIR",
        env = "TOM_PM_DIRECTORY",
        hide_env_values = true
    )]
    pub directory: Option<PathBuf>,
    /// The monitor to start or to talk to [default: default]
    #[arg(long, global = true, display_order = 101, value_name = "ID", alias = "instance-id")]
    pub instance: Option<InstanceId>,
    /// Answer in JSON
    #[arg(long, global = true, display_order = 102)]
    pub json: bool,
    #[command(flatten)]
    pub remote: RemoteFlags,
}

/// A monitor that is reached by its API, not by its directory.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = ELSEWHERE)]
pub struct RemoteFlags {
    /// Talk to the monitor whose API is here, like http://nas:5679; find one with: discover
    #[arg(long, global = true, display_order = 110, hide_short_help = true, value_name = "URL")]
    pub url: Option<Url>,
    /// The file that holds the token to show it; better than --token, which everybody on this machine sees in the
    /// list of processes. The environment variable TOM_PM_TOKEN holds it as well
    #[arg(
        long,
        global = true,
        display_order = 111,
        hide_short_help = true,
        value_name = "FILE",
        conflicts_with = "token"
    )]
    pub token_file: Option<PathBuf>,
    /// The token itself
    #[arg(long, global = true, display_order = 112, hide_short_help = true, value_name = "TOKEN")]
    pub token: Option<Typed>,
    /// Trust the one certificate with this SHA-256, as doctor shows it on the monitor's own machine
    #[arg(
        long,
        global = true,
        display_order = 113,
        hide_short_help = true,
        value_name = "SHA256",
        conflicts_with = "ca_file"
    )]
    pub fingerprint: Option<Fingerprint>,
    /// Trust certificates of the authorities in this PEM file, instead of the system's
    #[arg(long, global = true, display_order = 114, hide_short_help = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// A secret as it was typed; shown nowhere.
#[derive(Clone)]
pub struct Typed(String);

impl Typed {
    /// The secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes everything, so that no error of the command line repeats it.
impl FromStr for Typed {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// The flags about the monitor itself.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("action").multiple(false), next_help_heading = "The monitor itself")]
pub struct MonitorFlags {
    /// Run the monitor here instead of in the background
    #[arg(short, long, group = "action")]
    pub foreground: bool,
    /// Stop the monitor and every process it manages
    #[arg(long, group = "action")]
    pub stop: bool,
    /// Show how the monitor is
    #[arg(long, group = "action")]
    pub status: bool,
    /// Restart the monitor; its processes run on
    #[arg(long, group = "action")]
    pub restart: bool,
    /// Process id of the monitor that watches this one
    #[arg(long, value_name = "PID")]
    pub watcher_pid: Option<u32>,
    /// Do nothing if the monitor was stopped since its partner decided to start it
    #[arg(long, hide = true)]
    pub unless_stopped: bool,
    /// With --stop: the partner, too
    #[arg(long, requires = "stop")]
    pub all: bool,
    /// Have no partner
    #[arg(long)]
    pub standalone: bool,
    /// Where its aliveness server listens on loopback [default: 5681, the watcher's 5682]
    #[arg(long, value_name = "PORT", env = "TOM_PM_ALIVENESS_PORT", hide_env_values = true)]
    pub aliveness_port: Option<u16>,
    /// Where its API listens [default: 5679, the watcher's 5680]
    #[arg(long, value_name = "PORT", env = "TOM_PM_API_PORT", hide_env_values = true)]
    pub api_port: Option<u16>,
    /// In the foreground: end when this process has ended and its restart policy does not start it again, with its exit code
    #[arg(long, value_name = "ID", requires = "foreground")]
    pub exit_with: Option<ProcessId>,
    /// What the monitor's own log holds: error, warn, info or debug; with ",json" as JSON [default: info]
    #[arg(long, value_name = "LEVEL", env = "TOM_PM_LOG", hide_env_values = true)]
    pub log: Option<String>,
}

impl MonitorFlags {
    /// The flag among them that asks for something else than what a subcommand does.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.foreground, "--foreground"),
            (self.stop, "--stop"),
            (self.status, "--status"),
            (self.restart, "--restart"),
        ];
        flags.into_iter().find(|(given, _)| *given).map(|(_, name)| name)
    }
}

/// The subcommands, in the order of the help.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a program and start it, with the monitor if need be
    Run(run::RunArgs),
    /// Register a program without starting it
    #[command(visible_alias = "register")]
    Add(add::AddArgs),
    /// Change what is registered of a process: what is given; all else stays as it is
    #[command(visible_alias = "edit", mut_args = update::relaxed)]
    Update(Box<update::UpdateArgs>),
    /// Show every process
    #[command(visible_aliases = ["ls", "ps"])]
    List(list::ListArgs),
    /// Show one process in detail, or the monitor and all processes
    #[command(visible_aliases = ["show", "describe"])]
    Status(status::StatusArgs),
    /// Start processes, and wait until they are up
    Start(lifecycle::Ids),
    /// Stop processes, and wait until they are down
    Stop(lifecycle::Ids),
    /// Stop and start processes, and wait until they are up
    Restart(lifecycle::Ids),
    /// Send a signal to a process, such as SIGHUP; nothing that is wanted of it changes
    Signal(signal::SignalArgs),
    /// Allow processes to be started; starts none
    Enable(lifecycle::Ids),
    /// Stop processes, and refuse to start them
    Disable(lifecycle::Ids),
    /// Stop processes and forget them; their logs stay
    #[command(visible_aliases = ["rm", "delete"])]
    Remove(lifecycle::Ids),
    /// Set whether a process starts with the monitor
    Autostart(autostart::AutostartArgs),
    /// Show what processes print
    #[command(visible_aliases = ["log", "tail"])]
    Logs(logs::LogsArgs),
    /// Show what happens to processes, as it happens
    Events(events::EventsArgs),
    /// Show or change the settings of the monitor
    Config(config::ConfigArgs),
    /// Make, show and revoke tokens, by which other hosts show who they are
    Token(token::TokenArgs),
    /// Find monitors: on this machine, and in the networks that it is in
    Discover(discover::DiscoverArgs),
    /// Find out what is wrong
    Doctor(doctor::DoctorArgs),
    /// Put a new program in the place of the monitor's, and go on with that; processes run on
    Upgrade(upgrade::UpgradeArgs),
    /// Have the system start the monitor: systemd, launchd or Windows services
    Service(service::ServiceArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Is the monitor; a start in the background begins it
    #[command(hide = true)]
    Daemon,
    /// Copies output to log files; the monitor starts it
    #[command(hide = true)]
    Logger,
    /// Whether it could go on in place of the monitor that runs; that one starts it
    #[command(hide = true)]
    Rehearse(rehearse::RehearseArgs),
    /// Generates parts of the documentation
    #[command(hide = true)]
    Generate(generate::GenerateArgs),
}
