//! What the API says about processes, and takes for them.

use process_monitor_core::exit::LastExit;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{OutputMode, ProcessEntry, ProcessState, StopSignal};
use process_monitor_core::reading::{Document, Members, Readable, Report};
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One process: what `GET /processes/{id}` answers. No value of its environment: they hold secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStatus {
    /// Its id.
    pub id: ProcessId,
    /// For people.
    pub name: String,
    /// Its state.
    pub state: ProcessState,
    /// False: it cannot be started.
    pub enabled: bool,
    /// Whether it starts with the monitor.
    pub autostart: bool,
    /// Whether another host registered it.
    pub is_remote: bool,
    /// Its process id while it runs.
    pub pid: Option<u32>,
    /// When it was last started.
    pub last_started_at: Option<Wall>,
    /// When it last ended.
    pub last_stopped_at: Option<Wall>,
    /// Automatic restarts since the last manual start or stable run.
    pub restart_attempts: u32,
    /// New: how its last run ended.
    pub last_exit: Option<LastExit>,
    /// New: what its health check found last.
    pub healthy: Option<bool>,
    /// New: what its health checks found, and what it says of itself; absent when nothing is checked.
    #[serde(default)]
    pub health: Option<HealthReport>,
    /// New: how long its present run has lasted, in milliseconds.
    pub uptime_ms: Option<u64>,
    /// New: its share of one core, in percent, tree included.
    pub cpu_percent: Option<f64>,
    /// New: resident memory of its tree, in bytes.
    pub memory_bytes: Option<u64>,
    /// New: what a person should know, like why its last start failed.
    pub message: Option<String>,
    /// New: its executable.
    pub command: Option<String>,
    /// New: its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// New: where it runs.
    pub working_directory: Option<String>,
    /// New: what becomes of its output, from its next start on.
    #[serde(default)]
    pub output: OutputMode,
    /// New: the folder that holds a folder of output per run whose output was captured.
    pub log_folder: Option<String>,
}

impl ProcessStatus {
    /// What an entry of the registry tells: configuration and last known state, without the figures
    /// and notes that only a running monitor has.
    pub fn of_entry(entry: &ProcessEntry) -> Self {
        Self {
            id: entry.id.clone(),
            name: entry.name.clone(),
            state: entry.state,
            enabled: entry.enabled,
            autostart: entry.autostart,
            is_remote: entry.is_remote,
            pid: entry.pid,
            last_started_at: entry.last_started_at,
            last_stopped_at: entry.last_stopped_at,
            restart_attempts: entry.restart_attempts,
            last_exit: entry.last_exit.clone(),
            healthy: None,
            health: None,
            uptime_ms: None,
            cpu_percent: None,
            memory_bytes: None,
            message: None,
            command: Some(entry.command.clone()),
            args: entry.args.clone(),
            working_directory: entry.working_directory.clone(),
            output: entry.output,
            log_folder: None,
        }
    }
}

/// `health` of a status: enough to see why something was restarted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    /// What is asked, like `tcp 127.0.0.1:6379`; absent when nothing is.
    pub target: Option<String>,
    /// Checks that passed since the monitor started, over all runs.
    pub passed: u64,
    /// Checks that failed.
    pub failed: u64,
    /// Checks of the present run that failed since one passed.
    pub consecutive_failures: u32,
    /// When one last passed.
    pub last_success: Option<Wall>,
    /// When one last failed.
    pub last_failure: Option<Wall>,
    /// Why that one failed, with its target.
    pub last_failure_reason: Option<String>,
    /// What the program says of itself (`STATUS=`, sd_notify(3)).
    pub status_text: Option<String>,
}

/// `GET /processes`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct ProcessList {
    /// Every process, in the order of the registry.
    pub processes: Vec<ProcessStatus>,
}

/// The body of a success that has nothing else to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// Always true.
    pub success: bool,
    /// The state that the process is now in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ProcessState>,
    /// The process that was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<ProcessId>,
    /// New: how the run ended that was waited for (`wait=exit`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<LastExit>,
    /// New: what was waited for had not happened within `timeoutMs`; the command itself goes on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub timed_out: bool,
    /// New: whether a change takes effect only when the process is restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_needed: Option<bool>,
    /// New: the fields of the configuration for which it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart_fields: Vec<String>,
    /// What a person should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Accepted {
    /// A plain success.
    pub fn new() -> Self {
        Self {
            success: true,
            state: None,
            process_id: None,
            last_exit: None,
            timed_out: false,
            restart_needed: None,
            restart_fields: Vec::new(),
            message: None,
        }
    }

    /// With the state that the process is now in.
    pub fn state(state: ProcessState) -> Self {
        Self { state: Some(state), ..Self::new() }
    }

    /// With the id of the process that was registered.
    pub fn registered(id: ProcessId) -> Self {
        Self { process_id: Some(id), ..Self::new() }
    }

    /// With words.
    pub fn message(text: impl Into<String>) -> Self {
        Self { message: Some(text.into()), ..Self::new() }
    }
}

impl Default for Accepted {
    fn default() -> Self {
        Self::new()
    }
}

/// Body of `PUT /processes/{id}/autostart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AutostartBody {
    /// Whether it starts with the monitor from now on.
    pub autostart: bool,
}

/// Body of `POST /processes/{id}/signal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignalBody {
    /// Which.
    pub signal: StopSignal,
    /// To its whole group, not to the process alone. Default false.
    #[serde(default)]
    pub group: bool,
}

impl Readable for AutostartBody {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        let mut members = Members::of::<Self>(value, report)?;
        let autostart = members.required();
        members.rest();
        Some(Self { autostart: autostart? })
    }
}

impl Document for AutostartBody {}

impl Readable for SignalBody {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        let mut members = Members::of::<Self>(value, report)?;
        let (signal, group) = (members.required(), members.optional());
        members.rest();
        Some(Self { signal: signal?, group: group.unwrap_or(false) })
    }
}

impl Document for SignalBody {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_value_of_a_status_is_null() {
        let mut entry = ProcessEntry::new(ProcessId::new("web").unwrap(), "/bin/true");
        entry.environment = Some([("TOKEN".to_owned(), "secret".to_owned())].into_iter().collect());
        let json = serde_json::to_value(ProcessStatus::of_entry(&entry)).unwrap();
        for field in ["pid", "lastExit", "healthy", "uptimeMs", "cpuPercent", "memoryBytes", "message"] {
            assert_eq!(json.get(field), Some(&serde_json::Value::Null), "{field}");
        }
        assert_eq!(json["isRemote"], false);
        assert!(!json.to_string().contains("secret"));
    }

    #[test]
    fn a_status_of_the_earlier_implementation_is_read() {
        let text = r#"{"id":"a","name":"a","state":"running","enabled":true,"autostart":true,
            "isRemote":false,"pid":7,"lastStartedAt":null,"lastStoppedAt":null,"restartAttempts":0}"#;
        let status: ProcessStatus = serde_json::from_str(text).unwrap();
        assert_eq!((status.pid, status.memory_bytes, status.args.len()), (Some(7), None, 0));
    }
}
