//! How a command fails: an exit code, what is wrong, and what to do about it.

use super::render::format;
use process_monitor_client::Error;
use process_monitor_core::partner::RESTART_CODE;
use serde_json::json;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

/// The exit codes of SPEC 6, but for 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// 1: it was tried and did not work.
    Failed = 1,
    /// 2: it was asked for wrongly.
    Usage = 2,
    /// 3: it needs a monitor that runs.
    NotRunning = 3,
    /// 4: there is no such process.
    NoSuchProcess = 4,
    /// 75: a monitor that could not replace itself, and is to be started again (SPEC 4.6).
    Restart = RESTART_CODE as isize,
}

impl Code {
    /// How the program ends when the client could not do what was asked.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::NotRunning { .. } | Error::Unreachable { .. } => Self::NotRunning,
            Error::ProcessNotFound { .. } => Self::NoSuchProcess,
            Error::Options { .. } => Self::Usage,
            _ => Self::Failed,
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// It is to be told.
    Told(Report),
    /// The client could not do it.
    Client(Error),
    /// It was told already (several processes, some of which failed).
    Silent(Code),
    /// The monitor ended with a process, and with this code of that.
    Ended(u8),
    /// Nobody reads what we write (`| head`): no reason to complain.
    ClosedPipe,
}

/// What is told of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How the program ends.
    pub exit: Code,
    /// For programs that read `--json`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Report {
    /// What is told of an error of the client. `program` is how the user calls this program.
    pub fn of(error: &Error, program: &str) -> Self {
        let advice = Some(error.advice(program));
        Self { exit: Code::of(error), code: error.code(), message: error.to_string(), advice }
    }

    /// For people: `error: …`, then what to do.
    pub fn text(&self) -> String {
        // Parts of it may come over the network.
        let lines: Vec<_> = self.message.lines().map(format::printable).collect();
        let mut text = format!("error: {}\n", lines.join("\n       "));
        if let Some(advice) = &self.advice {
            // Infallible: it writes into memory.
            let _ = writeln!(text, "  {}", advice.replace('\n', "\n  "));
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> serde_json::Value {
        json!({ "error": self.message, "code": self.code, "advice": self.advice })
    }
}

impl Failure {
    fn new(exit: Code, code: &str, message: impl Into<String>) -> Self {
        Self::Told(Report { exit, code: code.to_owned(), message: message.into(), advice: None })
    }

    /// It was tried and did not work.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Code::Failed, "failed", message)
    }

    /// The monitor wants to be started again.
    pub fn restart(message: impl Into<String>) -> Self {
        Self::new(Code::Restart, "restart_failed", message)
    }

    /// It was asked for wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, "usage", message)
    }

    /// The same, with what to do about it.
    pub fn advise(self, advice: impl Into<String>) -> Self {
        match self {
            Self::Told(report) => Self::Told(Report { advice: Some(advice.into()), ..report }),
            other => other,
        }
    }

    /// What is to be told, if anything is.
    pub fn report(self, program: &str) -> Option<Report> {
        match self {
            Self::Told(report) => Some(report),
            Self::Client(error) => Some(Report::of(&error, program)),
            Self::Silent(_) | Self::Ended(_) | Self::ClosedPipe => None,
        }
    }

    /// How the program ends.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Told(report) => report.exit.into(),
            Self::Client(error) => Code::of(error).into(),
            Self::Silent(code) => (*code).into(),
            Self::Ended(code) => (*code).into(),
            Self::ClosedPipe => ExitCode::SUCCESS,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<io::Error> for Failure {
    /// For errors of our own output.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::failed(format!("cannot write to the standard output: {error}"))
                .advise("see where the output goes: is that disk full?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_client::api::Problem;
    use process_monitor_core::id::{InstanceId, ProcessId};

    fn told(error: Error) -> String {
        Report::of(&error, "process_monitor").text()
    }

    #[test]
    fn what_is_said_of_errors() {
        let id = ProcessId::new("web").unwrap();
        let problem = |path: &str, message: &str| Problem { path: path.into(), message: message.into() };
        let errors = [
            Error::NotRunning { directory: "/srv/pm".into(), instance: InstanceId::default() },
            Error::ProcessNotFound { id: ProcessId::new("wbe").unwrap(), nearest: Some(id.clone()) },
            Error::ProcessNotFound { id: id.clone(), nearest: None },
            Error::AlreadyExists { id: id.clone() },
            Error::ProcessDisabled { id: id.clone() },
            Error::StartFailed { id, reason: "/opt/x/run: permission denied".into() },
            Error::Invalid {
                problems: vec![problem("args[0]", "holds a NUL"), problem("command", "is empty")],
            },
        ];
        insta::assert_snapshot!(errors.map(told).join("\n"));
    }

    #[test]
    fn programs_get_the_same_in_json() {
        let error = Error::ProcessDisabled { id: ProcessId::new("web").unwrap() };
        let json = Report::of(&error, "pm").json();
        assert_eq!(json["code"], "process_disabled");
        assert_eq!(json["advice"], "enable it first with: pm enable web");
    }
}
