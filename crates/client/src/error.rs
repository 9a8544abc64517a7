//! Why a command failed, and what to do about it.

use crate::Fingerprint;
use crate::api::{ErrorBody, ErrorCode, Problem};
use process_monitor_core::id::{InstanceId, ProcessId};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Any other error, kept as the source of one of ours.
pub type Source = Box<dyn StdError + Send + Sync>;

/// Where a monitor is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// At its control socket.
    Socket(PathBuf),
    /// At its API.
    Url(String),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Url(url) => f.write_str(url),
        }
    }
}

/// Why a command failed. `Display` says what is wrong; [`Error::advice`] what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command needs a running monitor, and there is none.
    #[error("the monitor of instance {instance} in {} is not running", directory.display())]
    NotRunning {
        /// Where it would be.
        directory: PathBuf,
        /// Which one.
        instance: InstanceId,
    },
    /// The monitor accepts connections, but does not answer.
    #[error("the monitor does not answer at {at} (waited {} s)", waited.as_secs())]
    Unresponsive {
        /// Where.
        at: Endpoint,
        /// How long it was given.
        waited: Duration,
    },
    /// The monitor could not be reached, and not because it is down.
    #[error("cannot connect to the monitor at {at}: {source}")]
    Connect {
        /// Where.
        at: Endpoint,
        /// What the system said.
        source: Source,
    },
    /// Nobody takes a connection at the monitor's URL.
    #[error("no monitor can be reached at {url}: {source}")]
    Unreachable {
        /// Where.
        url: String,
        /// What the system said.
        source: Source,
    },
    /// The monitor's certificate is not believed.
    #[error(
        "the monitor at {url} cannot prove who it is: {why}; the certificate that it shows is {fingerprint}"
    )]
    Untrusted {
        /// Where.
        url: String,
        /// What is wrong with its certificate.
        why: String,
        /// By which it would be believed.
        fingerprint: Fingerprint,
    },
    /// Nowhere a monitor was found.
    #[error("no process monitor was found: {tried}{}", listed(answers))]
    DiscoveryFailed {
        /// Which ports on which hosts were tried.
        tried: String,
        /// Who answered, and why that was no monitor that can be used.
        answers: Vec<String>,
    },
    /// What was asked for cannot be meant.
    #[error("{what}")]
    Options {
        /// What, and why not.
        what: String,
    },
    /// The connection ended before the answer came: the monitor was killed, or restarted.
    #[error("the monitor went away before it answered {request}: {source}")]
    Interrupted {
        /// The request.
        request: String,
        /// What was seen of it.
        source: Source,
    },
    /// This user may not do this.
    #[error("permission denied: {what}")]
    PermissionDenied {
        /// What was attempted, on what.
        what: String,
        /// Whether the monitor said so, not the system.
        by_monitor: bool,
    },
    /// A token is missing, wrong, expired or revoked.
    #[error("not authorised: {what}")]
    Unauthorized {
        /// What the monitor said.
        what: String,
    },
    /// Too much was asked in too little time.
    #[error("{what}")]
    RateLimited {
        /// What the monitor said.
        what: String,
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// There is no such process.
    #[error("there is no process {id}")]
    ProcessNotFound {
        /// The id that was asked for.
        id: ProcessId,
        /// The id that is most like it, if one is.
        nearest: Option<ProcessId>,
    },
    /// There is no such token.
    #[error("there is no token {id:?}")]
    TokenNotFound {
        /// The id that was asked for.
        id: String,
    },
    /// The id is taken.
    #[error("there already is a process {id}")]
    AlreadyExists {
        /// The id.
        id: ProcessId,
    },
    /// A disabled process cannot be started.
    #[error("process {id} is disabled")]
    ProcessDisabled {
        /// The id.
        id: ProcessId,
    },
    /// There are no logs of it: its output is not captured.
    #[error("the output of {id} is discarded, so nobody knows what it prints")]
    OutputDiscarded {
        /// The id.
        id: ProcessId,
    },
    /// It could not be started, or it did not become ready.
    #[error("process {id} did not start: {reason}")]
    StartFailed {
        /// The id.
        id: ProcessId,
        /// What the system, the program's exit or its startup check said.
        reason: String,
    },
    /// Another command overtook this one.
    #[error("{reason}")]
    Superseded {
        /// What overtook it.
        reason: String,
    },
    /// A registration holds wrong values.
    #[error("{}", describe(problems))]
    Invalid {
        /// Every one of them.
        problems: Vec<Problem>,
    },
    /// Someone else holds the registry's lock for too long.
    #[error("{reason}")]
    LockTimeout {
        /// Who holds it, since when, and for what.
        reason: String,
    },
    /// The registry could not be read or understood.
    #[error("cannot read the registry {}: {source}", path.display())]
    Registry {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Source,
    },
    /// The registry could not be written; nothing was changed.
    #[error("cannot change the registry {}: {source}", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Source,
    },
    /// The monitor refused for a reason that has no case of its own here.
    #[error("{message}")]
    Refused {
        /// The kind of error.
        code: ErrorCode,
        /// What the monitor said.
        message: String,
    },
    /// The monitor, or what answers in its place, did not speak the API.
    #[error("the monitor's answer to {request} is not understood: {why}")]
    Protocol {
        /// The request.
        request: String,
        /// What is wrong with the answer.
        why: String,
    },
}

fn describe(problems: &[Problem]) -> String {
    let line = |problem: &Problem| match problem.path.as_str() {
        "" => problem.message.clone(),
        path => format!("{path}: {}", problem.message),
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn listed(answers: &[String]) -> String {
    answers.iter().map(|answer| format!("\n{answer}")).collect()
}

/// An error of HTTP, TLS or the system, with the words of its innermost cause: the others only say at what.
#[derive(Debug)]
pub(crate) struct Because {
    words: String,
    source: Source,
}

impl Because {
    pub(crate) fn of(source: Source) -> Source {
        let mut innermost: &(dyn StdError + 'static) = source.as_ref();
        while let Some(inner) = innermost.source() {
            innermost = inner;
        }
        Box::new(Self { words: innermost.to_string(), source })
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl StdError for Because {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}

/// The error of type `T` among `error` and its causes.
pub(crate) fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    // What these wrap they do not name as their cause.
    let wrapped: Option<&(dyn StdError + 'static)> = if let Some(io) = error.downcast_ref::<io::Error>() {
        io.get_ref().map(|inner| inner as _)
    } else if let Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) =
        error.downcast_ref()
    {
        Some(other.0.as_ref())
    } else {
        None
    };
    find(wrapped.or_else(|| error.source())?)
}

impl Error {
    /// What a monitor's error says, about process `id` where the request was about one.
    pub(crate) fn from_body(body: ErrorBody, id: Option<&ProcessId>) -> Self {
        let ErrorBody { error, code, process_id, problems, .. } = body;
        let id = process_id.or_else(|| id.cloned());
        match (code, id) {
            (ErrorCode::ProcessNotFound, Some(id)) => Self::ProcessNotFound { id, nearest: None },
            (ErrorCode::AlreadyExists, Some(id)) => Self::AlreadyExists { id },
            (ErrorCode::ProcessDisabled, Some(id)) => Self::ProcessDisabled { id },
            (ErrorCode::OutputDiscarded, Some(id)) => Self::OutputDiscarded { id },
            (ErrorCode::StartFailed, Some(id)) => Self::StartFailed { id, reason: error },
            (ErrorCode::Superseded, _) => Self::Superseded { reason: error },
            (ErrorCode::Invalid, _) if !problems.is_empty() => Self::Invalid { problems },
            (ErrorCode::LockTimeout, _) => Self::LockTimeout { reason: error },
            (ErrorCode::Unauthorized, _) => Self::Unauthorized { what: error },
            (ErrorCode::Forbidden, _) => Self::PermissionDenied { what: error, by_monitor: true },
            (code, _) => Self::Refused { code, message: error },
        }
    }

    /// The code by which programs tell errors apart. No server sends `not_running`, `unreachable`, `unresponsive`,
    /// `interrupted`, `untrusted`, `discovery_failed` and `bad_options`.
    pub fn code(&self) -> String {
        let code = match self {
            Self::NotRunning { .. } => return "not_running".to_owned(),
            Self::Unresponsive { .. } | Self::Connect { .. } => return "unresponsive".to_owned(),
            Self::Unreachable { .. } => return "unreachable".to_owned(),
            Self::Interrupted { .. } => return "interrupted".to_owned(),
            Self::Untrusted { .. } => return "untrusted".to_owned(),
            Self::DiscoveryFailed { .. } => return "discovery_failed".to_owned(),
            Self::Options { .. } => return "bad_options".to_owned(),
            Self::Unauthorized { .. } => ErrorCode::Unauthorized,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::PermissionDenied { .. } => ErrorCode::Forbidden,
            Self::ProcessNotFound { .. } => ErrorCode::ProcessNotFound,
            Self::TokenNotFound { .. } => ErrorCode::NotFound,
            Self::AlreadyExists { .. } => ErrorCode::AlreadyExists,
            Self::ProcessDisabled { .. } => ErrorCode::ProcessDisabled,
            Self::OutputDiscarded { .. } => ErrorCode::OutputDiscarded,
            Self::StartFailed { .. } => ErrorCode::StartFailed,
            Self::Superseded { .. } => ErrorCode::Superseded,
            Self::Invalid { .. } => ErrorCode::Invalid,
            Self::LockTimeout { .. } => ErrorCode::LockTimeout,
            Self::Registry { .. } | Self::Storage { .. } => ErrorCode::StorageFailed,
            Self::Refused { code, .. } => *code,
            Self::Protocol { .. } => ErrorCode::Malformed,
        };
        code.name()
    }

    /// What to do about it, in one line. `program` is how the user calls the command line for this
    /// instance: `process_monitor`, or with a path and options.
    pub fn advice(&self, program: &str) -> String {
        match self {
            Self::NotRunning { .. } => format!("start it with: {program}"),
            Self::Unresponsive { at: Endpoint::Url(_), .. } => {
                "try again; if that does not help, run doctor on the monitor's own machine".to_owned()
            }
            Self::Unresponsive { .. } | Self::Connect { .. } => {
                format!("find out why with: {program} doctor")
            }
            Self::Unreachable { .. } => {
                "see on that machine whether the monitor runs, and whether it listens for other hosts (remoteAccess.startRemoteAccess); the command discover finds monitors".to_owned()
            }
            Self::Untrusted { fingerprint, .. } => format!(
                "if doctor on the monitor's own machine shows the same fingerprint, pin it: --fingerprint {fingerprint}"
            ),
            Self::DiscoveryFailed { .. } => "name the monitor with --url http://HOST:PORT".to_owned(),
            Self::Options { .. } | Self::Invalid { .. } => "correct this and try again".to_owned(),
            Self::Unauthorized { .. } => {
                "give a token that is valid with --token-file; an administrator of the monitor makes one with: token create".to_owned()
            }
            Self::RateLimited { retry_after: Some(wait), .. } => format!("try again in {} s", wait.as_secs()),
            Self::RateLimited { retry_after: None, .. } => "try again later".to_owned(),
            Self::Interrupted { .. } => format!("see what became of it with: {program} list"),
            Self::PermissionDenied { by_monitor: true, .. } => {
                "give a token of a wider scope with --token-file, or do it on the monitor's own machine as its user".to_owned()
            }
            Self::PermissionDenied { .. } => "run this as the user who runs the monitor".to_owned(),
            Self::ProcessNotFound { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::ProcessNotFound { nearest: None, .. } => format!("see what there is with: {program} list"),
            Self::TokenNotFound { .. } => format!("see which there are with: {program} token list"),
            Self::AlreadyExists { id } => {
                format!("choose another id, or remove that one with: {program} remove {id}")
            }
            Self::ProcessDisabled { id } => format!("enable it first with: {program} enable {id}"),
            Self::OutputDiscarded { id } => {
                format!("have it captured from its next start on with: {program} update {id} --output capture")
            }
            Self::StartFailed { id, .. } => format!("if it ran, see what it printed with: {program} logs {id}"),
            Self::Superseded { .. } => format!("see its state with: {program} list"),
            Self::LockTimeout { .. } => "wait for the holder to finish, or end it, then try again".to_owned(),
            Self::Registry { .. } => "correct the file (it was left as it is), then try again".to_owned(),
            Self::Storage { .. } => format!("nothing was changed; see what is wrong with: {program} doctor"),
            Self::Refused { code, .. } => advice_on_refusal(*code, program),
            Self::Protocol { .. } => {
                format!("the monitor may be of another version; restart it with: {program} --restart")
            }
        }
    }
}

fn advice_on_refusal(code: ErrorCode, program: &str) -> String {
    match code {
        ErrorCode::Stopping => format!("wait until it has stopped, then start it with: {program}"),
        ErrorCode::Restarting => format!("see what came of it with: {program} list"),
        ErrorCode::RehearsalFailed => "put a program in its place that works, then try again".to_owned(),
        _ => format!("see what the monitor says about it with: {program} doctor"),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
