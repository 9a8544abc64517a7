//! What every command has at hand.

use super::args::{MonitorFlags, RemoteFlags, Target};
use super::console;
use super::failure::Failure;
use super::render::{Style, format};
use process_monitor_client::{Client, Token, Trust, Url};
use process_monitor_core::id::InstanceId;
use process_monitor_host::files;
use process_monitor_host::layout::Layout;
use std::path::{Path, PathBuf};

/// The environment variable that holds the token to show a monitor elsewhere.
const TOKEN_VARIABLE: &str = "TOM_PM_TOKEN";

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
    pub fn instance(self) -> Result<InstanceId, Failure> {
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
        let client = match &target.remote.url {
            Some(url) => elsewhere(&target, url)?,
            None => here(&target, program)?,
        };
        Ok(Self {
            client,
            json: target.json,
            style: Style::for_stream(&std::io::stdout()),
            flags,
            invocation: invocation.to_owned(),
        })
    }

    /// Where the instance keeps its files.
    ///
    /// # Errors
    /// When they are out of reach, because the monitor is asked by its API.
    pub fn layout(&self) -> Result<&Layout, Failure> {
        self.client.layout().ok_or_else(|| {
            Failure::usage("this works only on the monitor's own machine, not with --url")
                .advise("log in there and do it without --url")
        })
    }

    /// Runs a command that waits for others.
    pub fn block_on(&self, command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        block_on(command)
    }
}

/// Runs a command that waits for others.
pub fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Failure::failed(format!("cannot prepare for waiting: {error}")))?;
    runtime.block_on(command)
}

/// A client of a monitor of this machine.
fn here(target: &Target, program: Program) -> Result<Client, Failure> {
    if target.remote.token.is_some() || target.remote.token_file.is_some() {
        return Err(Failure::usage("a token is shown to a monitor elsewhere, and none is named")
            .advise("name it with --url; on this machine no token is needed"));
    }
    let directory = match &target.directory {
        Some(directory) => directory.clone(),
        None => default_directory()?,
    };
    let directory = std::path::absolute(&directory).map_err(|error| {
        Failure::failed(format!("cannot use the directory {}: {error}", directory.display()))
            .advise("name another with --directory")
    })?;
    let instance = target.instance.clone().map_or_else(|| program.instance(), Ok)?;
    Ok(Client::local(directory, instance))
}

/// A client of the monitor at `url`.
fn elsewhere(target: &Target, url: &Url) -> Result<Client, Failure> {
    if is_typed(target) || target.instance.is_some() {
        return Err(Failure::usage(
            "--url names a monitor by itself, so --directory and --instance do not go with it",
        )
        .advise("give either --url, or --directory and --instance"));
    }
    let token = token(&target.remote)?;
    if token.is_some() && !url.is_tls() && !url.is_loopback() {
        console::note(&format!("warning: {url} does not speak TLS, so the token can be read on the way"));
    }
    Ok(Client::remote(url.clone(), token.as_ref(), &trust(&target.remote))?)
}

/// The directory that was typed, not that of the environment.
fn is_typed(target: &Target) -> bool {
    let from_environment = std::env::var_os("TOM_PM_DIRECTORY");
    target.directory.as_ref().is_some_and(|typed| Some(typed.as_os_str()) != from_environment.as_deref())
}

/// By what a monitor that speaks TLS is known.
pub fn trust(flags: &RemoteFlags) -> Trust {
    match (&flags.fingerprint, &flags.ca_file) {
        (Some(fingerprint), _) => Trust::Fingerprint(*fingerprint),
        (None, Some(file)) => Trust::CaFile(file.clone()),
        (None, None) => Trust::System,
    }
}

fn token(flags: &RemoteFlags) -> Result<Option<Token>, Failure> {
    if let Some(file) = &flags.token_file {
        if files::readable_by_others(file).unwrap_or(false) {
            console::note(&format!(
                "warning: others can read {0}; close it with: chmod 600 {0}",
                file.display()
            ));
        }
        return Ok(Some(Token::read(file)?));
    }
    if let Some(typed) = &flags.token {
        return Ok(Some(Token::new(typed.expose())?));
    }
    match std::env::var(TOKEN_VARIABLE) {
        Ok(text) if !text.is_empty() => Ok(Some(Token::new(&text)?)),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("{TOKEN_VARIABLE} holds no token")))
        }
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
    if let Some(directory) = target.directory.as_ref().filter(|_| is_typed(target)) {
        words.extend(["--directory".to_owned(), directory.to_string_lossy().into_owned()]);
    }
    if let Some(instance) = &target.instance {
        words.extend(["--instance".to_owned(), instance.to_string()]);
    }
    words.extend(remote_words(&target.remote));
    format::command_line(words.iter().map(String::as_str))
}

/// The words that name a monitor elsewhere, without a token that was typed.
fn remote_words(flags: &RemoteFlags) -> Vec<String> {
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    let words = [
        ("--url", flags.url.as_ref().map(Url::to_string)),
        ("--token-file", flags.token_file.as_ref().map(path)),
        ("--fingerprint", flags.fingerprint.as_ref().map(ToString::to_string)),
        ("--ca-file", flags.ca_file.as_ref().map(path)),
    ];
    words.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value?])).flatten().collect()
}
