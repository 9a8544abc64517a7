//! What a monitor says about itself.

use process_monitor_core::id::InstanceId;
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Whether a monitor goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MonitorState {
    /// It keeps its processes running.
    Running,
    /// It stops its processes, and then itself.
    Stopping,
}

impl fmt::Display for MonitorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Stopping => "stopping",
        })
    }
}

/// What a monitor knows about its partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PartnerStatus {
    /// It answers.
    Running,
    /// It is gone.
    Stopped,
    /// Nobody looked, or there is no partner.
    #[default]
    Unknown,
}

/// `GET /monitor/status`, and `GET /status` of the aliveness server (SPEC 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonitorStatus {
    /// Which instance it is.
    pub instance_id: InstanceId,
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub started_at: Wall,
    /// How long ago that was, in whole seconds.
    pub uptime: u64,
    /// Whether it goes on.
    pub state: MonitorState,
    /// Whether it has no partner by choice.
    pub standalone_mode: bool,
    /// The instance that watches it.
    pub partner_instance_id: Option<InstanceId>,
    /// What is known about that one.
    #[serde(default)]
    pub partner_status: PartnerStatus,
    /// Its process id.
    pub partner_pid: Option<u32>,
    /// How many processes are registered.
    pub managed_process_count: usize,
    /// How many of them are in the state `running`.
    pub running_process_count: usize,
    /// New: the version of the monitor.
    pub version: Option<String>,
    /// New: the directory it works in.
    pub directory: Option<String>,
    /// New: its program, which a restart executes again.
    #[serde(default)]
    pub executable: Option<String>,
    /// New: process id of its logger.
    pub logger_pid: Option<u32>,
    /// New: where its aliveness server listens; absent while it does not.
    #[serde(default)]
    pub aliveness_port: Option<u16>,
    /// New: where its API listens over TCP; absent while it does not.
    #[serde(default)]
    pub api_port: Option<u16>,
    /// New: the addresses, each with its port.
    #[serde(default)]
    pub api_addresses: Vec<String>,
    /// New: by which a client knows its certificate: `sha256:` and hexadecimal digits; absent without TLS.
    #[serde(default)]
    pub api_fingerprint: Option<String>,
    /// New: why the API does not listen everywhere where it should, in words.
    #[serde(default)]
    pub api_trouble: Vec<String>,
}
