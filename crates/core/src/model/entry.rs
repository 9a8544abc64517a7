//! One process of the registry.

use super::document::document;
use super::problem::{Problem, nested};
use super::rule::{Arguments, Bounds, Executable, Folder, Variables};
use super::{AlivenessCheck, OutputMode, ProcessState, Readiness, RestartPolicy, StopSignal};
use crate::exit::LastExit;
use crate::id::{ProcessId, RunId};
use crate::time::Wall;
use indexmap::IndexMap;

/// Smallest `logs.maxFileBytes`. With less, rotating would cost more than writing.
pub const MIN_FILE_BYTES: u64 = 1024;

document! {
    /// `stop` of an entry: how a process is asked to end.
    #[derive(Debug, Eq)]
    pub struct StopConfig {
        /// Sent to the process's whole group. Default `SIGTERM`.
        signal: StopSignal = StopSignal::Term,
        /// How long it may take before its tree is killed. Default 10000.
        timeout_ms: u64 = 10_000,
        /// Whether what is left of its tree is killed with it, also after a crash. Default true.
        kill_tree: bool = true,
    }
}

document! {
    /// `logs` of an entry: what is kept of its output.
    #[derive(Debug, Eq)]
    pub struct LogConfig {
        /// A log file that has reached this size is rotated at the end of its line. Default 50 MiB,
        /// at least 1024.
        max_file_bytes: u64 = 50 << 20 => Bounds::AtLeast(MIN_FILE_BYTES),
        /// Files kept of each stream of a run, the one being written included. Default 5, at least 1.
        keep_files: u32 = 5 => Bounds::AtLeast(1),
        /// Runs kept of a process, the present one included. Default 10, at least 1.
        keep_runs: u32 = 10 => Bounds::AtLeast(1),
        /// Whether each line begins with the time at which it was read. Default false.
        timestamps: bool = false,
    }
}

document! {
    /// An entry of the registry's `processes` (SPEC 3.3): configuration, then the runtime state that the
    /// monitor writes. One flat struct, because that is what lets a parse error name path and line.
    pub struct ProcessEntry requires {
        /// The same as its key in `processes`.
        id: ProcessId,
        /// For people.
        name: String,
        /// An executable: absolute, relative to `workingDirectory`, or looked up in PATH. Never a shell line.
        command: String => Executable,
    } defaults {
        /// Passed verbatim. Default none.
        args: Vec<String> = Vec::new() => Arguments,
        /// Where it runs. Default: the monitor's own directory of work.
        #[serde(skip_serializing_if = "Option::is_none")]
        working_directory: Option<String> = None => Folder,
        /// Added to the monitor's own environment. Never shown in logs or lists.
        #[serde(skip_serializing_if = "Option::is_none")]
        environment: Option<IndexMap<String, String>> = None => Variables,
        /// Start it when the monitor starts. Default true.
        autostart: bool = true,
        /// False: it cannot be started. Default true.
        enabled: bool = true,
        /// Registered by another host. Default false.
        is_remote: bool = false,
        /// When it is restarted. Default: that of an empty policy.
        #[serde(skip_serializing_if = "Option::is_none")]
        restart_policy: Option<RestartPolicy> = None,
        /// Health check. Default none.
        // Boxed: most have none, and it is the largest part of what has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        aliveness_check: Option<Box<AlivenessCheck>> = None,
        /// How it is asked to end. Default: that of an empty object.
        #[serde(skip_serializing_if = "Option::is_none")]
        stop: Option<StopConfig> = None,
        /// What is kept of its output. Default: that of an empty object.
        #[serde(skip_serializing_if = "Option::is_none")]
        logs: Option<LogConfig> = None,
        /// What becomes of its output: `capture` copies it to log files, `discard` sends it to the null device. Then there
        /// are no logs of it, and no line of it can say that it is ready. Default `capture`.
        #[serde(skip_serializing_if = "OutputMode::is_default")]
        output: OutputMode = OutputMode::Capture,
        /// When it was registered.
        #[serde(skip_serializing_if = "Option::is_none")]
        registered_at: Option<Wall> = None,
        /// The peer that registered or last changed it without being trusted. While one stands here, its programs are
        /// checked against `executableWhitelist` and `executableBlacklist` at every start, and after a crash it is started
        /// no sooner than 1 s later, whatever `restartPolicy` says. Set by the monitor, never by who registers. Default
        /// none.
        #[serde(skip_serializing_if = "Option::is_none")]
        untrusted_peer: Option<String> = None,

        /// Runtime: when it was last started.
        last_started_at: Option<Wall> = None,
        /// Runtime: when it last ended.
        last_stopped_at: Option<Wall> = None,
        /// Runtime: its process id while it runs.
        pid: Option<u32> = None,
        /// Runtime: its state. Default `stopped`.
        state: ProcessState = ProcessState::Stopped,
        /// Runtime: automatic restarts since the last manual start or stable run. Default 0.
        restart_attempts: u32 = 0,
        /// Runtime: failed health checks in a row. Default 0.
        consecutive_failures: u32 = 0,
        /// Runtime: how its last run ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_exit: Option<LastExit> = None,
        /// Runtime: the runs that are over for this entry: the last one that ended, and the one that is being stopped.
        /// `state` tells what follows them: in `starting` another run. Default none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        past_runs: Vec<RunId> = Vec::new(),
        /// Runtime: it is being stopped to be removed. Default false.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        removing: bool = false,
    }
}

impl ProcessEntry {
    /// An entry with every default, named like its id.
    pub fn new(id: ProcessId, command: impl Into<String>) -> Self {
        let name = id.to_string();
        Self::with_defaults(id, name, command.into())
    }

    /// Its restart policy, or the default one.
    pub fn restart_policy(&self) -> RestartPolicy {
        self.restart_policy.clone().unwrap_or_default()
    }

    /// How it is stopped, or the default way.
    pub fn stop(&self) -> StopConfig {
        self.stop.clone().unwrap_or_default()
    }

    /// What is kept of its output, or the default.
    pub fn logs(&self) -> LogConfig {
        self.logs.clone().unwrap_or_default()
    }

    /// Its health check, if that is switched on.
    pub fn check(&self) -> Option<&AlivenessCheck> {
        self.aliveness_check.as_deref().filter(|check| check.enabled == Some(true))
    }

    /// This entry with the runtime fields of `other`: what the monitor writes.
    pub fn with_runtime_of(mut self, other: &Self) -> Self {
        self.last_started_at = other.last_started_at;
        self.last_stopped_at = other.last_stopped_at;
        self.pid = other.pid;
        self.state = other.state;
        self.restart_attempts = other.restart_attempts;
        self.consecutive_failures = other.consecutive_failures;
        self.last_exit.clone_from(&other.last_exit);
        self.past_runs.clone_from(&other.past_runs);
        self.removing = other.removing;
        self
    }

    /// This entry as if it had never run.
    pub fn without_runtime(self) -> Self {
        let never_ran = Self::new(self.id.clone(), "");
        self.with_runtime_of(&never_ran)
    }

    /// Whether both say the same but for the runtime fields.
    pub fn same_configuration(&self, other: &Self) -> bool {
        self == other || other.clone().with_runtime_of(self) == *self
    }

    /// What cannot be obeyed, all of it, each with its path in the entry; empty when the entry is good.
    pub fn validate(&self) -> Vec<Problem> {
        let policy = self.restart_policy.iter().flat_map(|p| nested("restartPolicy", p.validate()));
        let check = self.aliveness_check.iter().flat_map(|c| nested("alivenessCheck", c.validate()));
        let logs = self.logs.iter().flat_map(|l| nested("logs", l.validate()));
        self.broken_rules().chain(policy).chain(check).chain(logs).chain(self.unheard_line()).collect()
    }

    /// A line that is waited for, of an output that nobody reads.
    fn unheard_line(&self) -> Option<Problem> {
        let by = self.check().and_then(AlivenessCheck::readiness).map(|(by, _)| by);
        (by == Some(Readiness::Line) && !self.output.is_captured()).then(|| {
            let why = "expected \"capture\", because alivenessCheck.startupCheck.logPattern waits for a line of the output, \
                found \"discard\"; capture the output, or have the program say otherwise that it is ready";
            Problem::new("output", why)
        })
    }
}

impl LogConfig {
    /// What cannot be obeyed, all of it; empty when the settings are good.
    pub fn validate(&self) -> Vec<Problem> {
        self.broken_rules().collect()
    }
}

/// Without the values of the environment: they hold secrets.
impl std::fmt::Debug for ProcessEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessEntry")
            .field("id", &self.id)
            .field("command", &self.command)
            .field("args", &self.args)
            .field("working_directory", &self.working_directory)
            .field("environment", &self.environment.as_ref().map(|e| e.keys().collect::<Vec<_>>()))
            .field("autostart", &self.autostart)
            .field("enabled", &self.enabled)
            .field("state", &self.state)
            .field("pid", &self.pid)
            .field("restart_attempts", &self.restart_attempts)
            .finish_non_exhaustive()
    }
}
