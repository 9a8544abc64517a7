//! One process of the registry.

use super::lenient::null_is_default;
use super::{RestartPolicy, StopSignal};
use crate::exit::LastExit;
use crate::id::ProcessId;
use crate::time::Wall;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The state of a process, as files and the API name it (SPEC 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessState {
    /// Down, and nothing is pending.
    #[default]
    Stopped,
    /// Being spawned, or not yet ready.
    Starting,
    /// Up.
    Running,
    /// Being stopped.
    Stopping,
    /// Ended unexpectedly; its next start is due after a backoff.
    Crashed,
    /// Attempts are used up; it is tried again at long intervals.
    Retrying,
    /// Attempts are used up, or its policy restarts no failure.
    Failed,
    /// May not be started.
    Disabled,
}

impl ProcessState {
    /// The name in files and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Crashed => "crashed",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
        }
    }
}

impl std::fmt::Display for ProcessState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// `stop` of an entry: how a process is asked to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StopConfig {
    /// Sent to the process's whole group. Default `SIGTERM`.
    pub signal: StopSignal,
    /// How long it may take before its tree is killed. Default 10000.
    pub timeout_ms: u64,
    /// Whether what is left of its tree is killed with it, also after a crash. Default true.
    pub kill_tree: bool,
    /// Fields this version does not know, kept for who wrote them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Default for StopConfig {
    fn default() -> Self {
        Self { signal: StopSignal::Term, timeout_ms: 10_000, kill_tree: true, extra: Map::new() }
    }
}

/// `logs` of an entry: what is kept of its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogConfig {
    /// A log file that has reached this size is rotated at the end of its line. Default 50 MiB.
    pub max_file_bytes: u64,
    /// Files kept of each stream of a run, the one being written included. Default 5.
    pub keep_files: u32,
    /// Runs kept of a process, the present one included. Default 10.
    pub keep_runs: u32,
    /// Whether each line begins with the time at which it was read. Default false.
    pub timestamps: bool,
    /// Fields this version does not know, kept for who wrote them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { max_file_bytes: 50 << 20, keep_files: 5, keep_runs: 10, timestamps: false, extra: Map::new() }
    }
}

/// An entry of the registry's `processes` (SPEC 3.3): configuration, then the runtime state that the
/// monitor writes. One flat struct, because that is what lets a parse error name path and line.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessEntry {
    /// The same as its key in `processes`.
    pub id: ProcessId,
    /// For people.
    pub name: String,
    /// An executable: absolute, relative to `workingDirectory`, or looked up in PATH. Never a shell line.
    pub command: String,
    /// Passed verbatim. Default none.
    #[serde(default, deserialize_with = "null_is_default")]
    pub args: Vec<String>,
    /// Default: the monitor's own directory of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Added to the monitor's own environment. Never shown in logs or lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<IndexMap<String, String>>,
    /// Start it when the monitor starts. Default true.
    #[serde(default = "yes")]
    pub autostart: bool,
    /// False: it cannot be started. Default true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Registered by another host. Default false.
    #[serde(default, deserialize_with = "null_is_default")]
    pub is_remote: bool,
    /// Default: [`RestartPolicy::default`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// Health check; carried unread until the monitor checks health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aliveness_check: Option<Value>,
    /// Default: [`StopConfig::default`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopConfig>,
    /// Default: [`LogConfig::default`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<LogConfig>,
    /// When it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Wall>,

    /// Runtime: when it was last started.
    #[serde(default)]
    pub last_started_at: Option<Wall>,
    /// Runtime: when it last ended.
    #[serde(default)]
    pub last_stopped_at: Option<Wall>,
    /// Runtime: its process id while it runs.
    #[serde(default)]
    pub pid: Option<u32>,
    /// Runtime. Default `stopped`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub state: ProcessState,
    /// Runtime: automatic restarts since the last manual start or stable run.
    #[serde(default, deserialize_with = "null_is_default")]
    pub restart_attempts: u32,
    /// Runtime: failed health checks in a row.
    #[serde(default, deserialize_with = "null_is_default")]
    pub consecutive_failures: u32,
    /// Runtime: how its last run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<LastExit>,

    /// Fields this version does not know, kept for who wrote them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn yes() -> bool {
    true
}

impl ProcessEntry {
    /// An entry with every default.
    pub fn new(id: ProcessId, command: impl Into<String>) -> Self {
        Self {
            name: id.to_string(),
            id,
            command: command.into(),
            args: Vec::new(),
            working_directory: None,
            environment: None,
            autostart: true,
            enabled: true,
            is_remote: false,
            restart_policy: None,
            aliveness_check: None,
            stop: None,
            logs: None,
            registered_at: None,
            last_started_at: None,
            last_stopped_at: None,
            pid: None,
            state: ProcessState::Stopped,
            restart_attempts: 0,
            consecutive_failures: 0,
            last_exit: None,
            extra: Map::new(),
        }
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

    /// This entry with the runtime fields of `other`: what the monitor writes.
    pub fn with_runtime_of(mut self, other: &Self) -> Self {
        self.last_started_at = other.last_started_at;
        self.last_stopped_at = other.last_stopped_at;
        self.pid = other.pid;
        self.state = other.state;
        self.restart_attempts = other.restart_attempts;
        self.consecutive_failures = other.consecutive_failures;
        self.last_exit.clone_from(&other.last_exit);
        self
    }

    /// Whether both say the same but for the runtime fields.
    pub fn same_configuration(&self, other: &Self) -> bool {
        self == other || other.clone().with_runtime_of(self) == *self
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
