//! Where an instance keeps its files (SPEC 3). The one place that knows their names.

use process_monitor_core::id::{InstanceId, ProcessId, RunId};
use std::path::{Path, PathBuf};

/// The paths of one instance in one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    directory: PathBuf,
    instance: InstanceId,
}

impl Layout {
    /// The layout of `instance` in `directory`, which should be absolute. Touches nothing.
    pub fn new(directory: impl Into<PathBuf>, instance: InstanceId) -> Self {
        Self { directory: directory.into(), instance }
    }

    /// The folder that all instances share. Default `~/.tom/process_monitor`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whose files these are.
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    fn of_instance(&self, suffix: &str) -> PathBuf {
        self.directory.join(format!("{}{suffix}", self.instance))
    }

    /// `processes_{instance}.json`
    pub fn registry(&self) -> PathBuf {
        self.directory.join(format!("processes_{}.json", self.instance))
    }

    /// `processes_{instance}.lock`: present only while someone changes the registry.
    pub fn registry_lock(&self) -> PathBuf {
        self.directory.join(format!("processes_{}.lock", self.instance))
    }

    /// `{instance}_logs`
    pub fn logs(&self) -> PathBuf {
        self.of_instance("_logs")
    }

    /// `{instance}_logs/{process}`: the run folders of a process.
    pub fn process_logs(&self, process: &ProcessId) -> PathBuf {
        self.logs().join(process.as_str())
    }

    /// `{instance}_state`, mode 0700: everything that is nobody else's business.
    pub fn state(&self) -> PathBuf {
        self.of_instance("_state")
    }

    /// The OS lock that the one monitor of this instance holds for life.
    pub fn instance_lock(&self) -> PathBuf {
        self.state().join("monitor.lock")
    }

    /// Who runs: pid, start time and boot id of the monitor; removed by a clean end.
    pub fn monitor_info(&self) -> PathBuf {
        self.state().join("monitor.json")
    }

    /// The control socket, mode 0600.
    pub fn control_socket(&self) -> PathBuf {
        self.state().join("control.sock")
    }

    /// The socket on which the logger listens.
    pub fn logger_socket(&self) -> PathBuf {
        self.state().join("logger.sock")
    }

    /// The OS lock that the one logger of this instance holds for life.
    pub fn logger_lock(&self) -> PathBuf {
        self.state().join("logger.lock")
    }

    /// Serialises those who break a stale registry lock.
    pub fn breaker_lock(&self) -> PathBuf {
        self.state().join("breaker.lock")
    }

    /// The run records.
    pub fn runs(&self) -> PathBuf {
        self.state().join("runs")
    }

    /// The record of a process's present run.
    pub fn run_record(&self, process: &ProcessId) -> PathBuf {
        self.runs().join(format!("{process}.run"))
    }

    /// The FIFOs of live runs.
    pub fn fifos(&self) -> PathBuf {
        self.state().join("fifo")
    }

    /// Exits that the logger saw while no monitor was there.
    pub fn exits(&self) -> PathBuf {
        self.state().join("exits")
    }

    /// The exit of one run.
    pub fn exit_note(&self, run: &RunId) -> PathBuf {
        self.exits().join(format!("{run}.json"))
    }
}
