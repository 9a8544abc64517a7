//! The registry as a value.

use super::{ParseError, parse};
use crate::id::{InstanceId, ProcessId};
use crate::model::{
    AlivenessServer, Bounds, DefaultPorts, JsonPath, MIN_PERIOD_MS, PartnerDiscovery, Problem, ProcessEntry,
    RemoteAccess, WatcherInfo, document, nested,
};
use crate::time::Wall;
use indexmap::IndexMap;
use std::sync::Arc;

/// The newest `version` of a registry that this program understands.
pub const VERSION: u32 = 1;

/// The largest text that is read as a registry, in bytes: some 80,000 processes. Parsing takes memory of
/// several times its size, so a larger one is refused.
pub const MAX_BYTES: u64 = 64 << 20;

/// The processes of a registry in the order of the file. Shared, because the engine and its readers
/// hold the same entries.
pub type Processes = IndexMap<ProcessId, Arc<ProcessEntry>>;

document! {
    /// A registry: settings of the monitor, and its processes (SPEC 3.1).
    #[derive(Debug)]
    pub struct Registry {
        /// Of the format. Default 1.
        version: u32 = VERSION,
        /// When the file was last written.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_modified: Option<Wall> = None,
        /// Whose registry this is; the file's name says the same. Default `default`.
        instance_id: InstanceId = InstanceId::default(),
        /// Period of the slow consistency sweep. Default 5000, at least 10.
        monitor_interval_ms: u64 = 5_000 => Bounds::AtLeast(MIN_PERIOD_MS),
        /// No partner. Default false.
        standalone_mode: bool = false,
        /// Where the partner is.
        partner_discovery: PartnerDiscovery = PartnerDiscovery::default(),
        /// Who may do what over TCP.
        remote_access: RemoteAccess = RemoteAccess::default(),
        /// Where this monitor says that it lives.
        aliveness_server: AlivenessServer = AlivenessServer::default(),
        /// Who watches this instance. Default unknown.
        #[serde(skip_serializing_if = "Option::is_none")]
        watcher_info: Option<WatcherInfo> = None,
        /// The managed processes. Default none.
        processes: IndexMap<ProcessId, Arc<ProcessEntry>> = Processes::new(),
    }
}

impl Registry {
    /// The registry of an instance that has none yet.
    pub fn new(instance: InstanceId) -> Self {
        Self { instance_id: instance, ..Self::default() }
    }

    /// Reads the registry of `instance`.
    ///
    /// # Errors
    /// A text that is not UTF-8, not JSON, says a key twice, was written by a newer version, belongs to
    /// another instance, has a value of a wrong type, or one that cannot be obeyed. A missing optional
    /// field and `null` mean the default.
    pub fn parse(text: &[u8], instance: &InstanceId) -> Result<Self, ParseError> {
        parse::parse(text, instance)
    }

    /// The text of the file: indented by two spaces, with a newline at its end.
    ///
    /// # Errors
    /// None that is known: a registry holds nothing that JSON cannot write. An error, should there be
    /// one, must keep the caller from replacing a good file.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// The port of the API: the configured one, or this instance's default.
    pub fn api_port(&self) -> u16 {
        self.remote_access.remote_port.unwrap_or_else(|| DefaultPorts::of(&self.instance_id).api)
    }

    /// The port of the aliveness server: the configured one, or this instance's default.
    pub fn aliveness_port(&self) -> u16 {
        self.aliveness_server.port.unwrap_or_else(|| DefaultPorts::of(&self.instance_id).aliveness)
    }

    /// Everything but the processes and the time of writing.
    pub fn settings(&self) -> Self {
        Self {
            version: self.version,
            last_modified: None,
            instance_id: self.instance_id.clone(),
            monitor_interval_ms: self.monitor_interval_ms,
            standalone_mode: self.standalone_mode,
            partner_discovery: self.partner_discovery.clone(),
            remote_access: self.remote_access.clone(),
            aliveness_server: self.aliveness_server.clone(),
            watcher_info: self.watcher_info.clone(),
            processes: Processes::new(),
            extra: self.extra.clone(),
        }
    }

    /// What cannot be obeyed, all of it, each with its path in the document; empty when all is good.
    pub fn validate(&self) -> Vec<Problem> {
        let entries = self.processes.iter().flat_map(|(key, entry)| entry_problems(key, entry));
        let newer = (self.version > VERSION)
            .then(|| Problem::new("version", format!("expected at most {VERSION}, found {}", self.version)));
        newer
            .into_iter()
            .chain(self.broken_rules())
            .chain(nested("remoteAccess", self.remote_access.validate()))
            .chain(entries)
            .collect()
    }
}

fn entry_problems(key: &ProcessId, entry: &ProcessEntry) -> impl Iterator<Item = Problem> {
    let renamed = (entry.id != *key).then(|| {
        Problem::new("id", format!("expected \"{key}\" like the entry's key, found \"{}\"", entry.id))
    });
    let place = JsonPath::root().key("processes").key(key.as_str());
    renamed.into_iter().chain(entry.validate()).map(move |problem| problem.under(place.clone()))
}
