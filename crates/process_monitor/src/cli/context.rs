//! What every command has at hand.

use super::args::{MonitorFlags, Target};
use super::failure::Failure;
use super::render::{Style, format};
use process_monitor_client::Client;
use process_monitor_core::id::InstanceId;
use process_monitor_host::layout::Layout;
use std::path::{Path, PathBuf};

/// Under which name the program was built; that decides the instance it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `process_monitor`
    Monitor,
    /// `monitor_watcher`
    Watcher,
}

impl Program {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Monitor => "process_monitor",
            Self::Watcher => "monitor_watcher",
        }
    }

    /// The instance that is meant when none is named.
    fn instance(self) -> Result<InstanceId, Failure> {
        match self {
            Self::Monitor => Ok(InstanceId::default()),
            Self::Watcher => InstanceId::new("watcher").map_err(|why| Failure::failed(why.to_string())),
        }
    }
}

/// What every command has at hand.
pub struct Context {
    /// Talks to the monitor.
    pub client: Client,
    /// Whether to answer in JSON.
    pub json: bool,
    /// How to colour the standard output.
    pub style: Style,
    /// The flags about the monitor itself.
    pub flags: MonitorFlags,
    /// How the user would type another command about the same instance.
    pub invocation: String,
}

impl Context {
    /// From the command line and the environment.
    pub fn new(
        target: Target,
        flags: MonitorFlags,
        program: Program,
        invocation: &str,
    ) -> Result<Self, Failure> {
        let directory = match target.directory {
            Some(directory) => directory,
            None => default_directory()?,
        };
        let directory = std::path::absolute(&directory).map_err(|error| {
            Failure::failed(format!("cannot use the directory {}: {error}", directory.display()))
                .advise("name another with --directory")
        })?;
        let instance = target.instance.map_or_else(|| program.instance(), Ok)?;
        Ok(Self {
            client: Client::local(directory, instance),
            json: target.json,
            style: Style::for_stream(&std::io::stdout()),
            flags,
            invocation: invocation.to_owned(),
        })
    }

    /// Where the instance keeps its files.
    pub fn layout(&self) -> &Layout {
        self.client.layout()
    }

    /// Runs a command that waits for others.
    pub fn block_on(&self, command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| Failure::failed(format!("cannot prepare for waiting: {error}")))?;
        runtime.block_on(command)
    }
}

/// `~/.tom/process_monitor`
fn default_directory() -> Result<PathBuf, Failure> {
    let home = ["HOME", "USERPROFILE"].iter().filter_map(std::env::var_os).find(|home| !home.is_empty());
    home.map(|home| Path::new(&home).join(".tom").join("process_monitor")).ok_or_else(|| {
        Failure::failed("cannot tell where your files are: neither HOME nor USERPROFILE is set")
            .advise("name the directory with --directory or TOM_PM_DIRECTORY")
    })
}

/// How the user calls this program for `target`: the words before a subcommand. A program that was started by a path is not in PATH, so it is
/// shown by its path.
pub fn invocation(target: &Target, program: Program) -> String {
    let typed = std::env::args().next().filter(|word| word.contains(std::path::is_separator));
    let mut words = vec![typed.unwrap_or_else(|| program.name().to_owned())];
    let from_environment = std::env::var_os("TOM_PM_DIRECTORY");
    if let Some(directory) =
        target.directory.as_ref().filter(|d| Some(d.as_os_str()) != from_environment.as_deref())
    {
        words.extend(["--directory".to_owned(), directory.to_string_lossy().into_owned()]);
    }
    if let Some(instance) = &target.instance {
        words.extend(["--instance".to_owned(), instance.to_string()]);
    }
    format::command_line(words.iter().map(String::as_str))
}
