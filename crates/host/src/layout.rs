//! Where an instance keeps its files (SPEC 3). The one place that knows their names.

use process_monitor_core::id::{InstanceId, ProcessId, RunId};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The paths of one instance in one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    directory: PathBuf,
    instance: InstanceId,
}

/// Nobody said where to keep the files, and the user has no home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot tell where your home is: neither HOME nor USERPROFILE is set to an absolute path; set HOME, or pass --directory"
)]
pub struct NoHome;

/// The user's home: `HOME`, else `USERPROFILE`. Empty or relative values count as not set.
pub fn home_directory() -> Result<PathBuf, NoHome> {
    home_of(|name| std::env::var_os(name))
}

fn home_of(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, NoHome> {
    let candidates = ["HOME", "USERPROFILE"].into_iter().filter_map(variable).map(PathBuf::from);
    candidates.into_iter().find(|home| home.is_absolute()).ok_or(NoHome)
}

impl Layout {
    /// Where instances keep their files unless told otherwise: `~/.tom/process_monitor`.
    pub fn default_directory() -> Result<PathBuf, NoHome> {
        Ok(home_directory()?.join(".tom/process_monitor"))
    }

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

    /// Beside this path a registry lock is written before it is linked to its own: in a folder that
    /// nobody watches for the lock.
    pub(crate) fn registry_lock_source(&self) -> PathBuf {
        self.state().join("registry.lock")
    }

    /// `restart_{instance}.signal`: whoever puts it there asks the monitor to replace itself.
    pub fn restart_signal(&self) -> PathBuf {
        self.directory.join(format!("restart_{}.signal", self.instance))
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

    /// What the monitor left word of before its end ([`crate::pair::farewell`]).
    pub fn farewell(&self) -> PathBuf {
        self.state().join("leaving.json")
    }

    /// How the monitor was started ([`crate::pair::launch`]).
    pub fn launch(&self) -> PathBuf {
        self.state().join("launch.json")
    }

    /// When and why it started its partner ([`crate::pair::history`]).
    pub fn replacements(&self) -> PathBuf {
        self.state().join("replacements.json")
    }

    /// There while a monitor supervises: one that finds it goes on where the last was cut off.
    pub fn supervising(&self) -> PathBuf {
        self.state().join("supervising.json")
    }

    /// The control socket, mode 0600.
    pub fn control_socket(&self) -> PathBuf {
        self.state().join("control.sock")
    }

    /// Certificate and key that the instance made for itself, mode 0600.
    pub fn own_certificate(&self) -> PathBuf {
        self.state().join("tls.pem")
    }

    /// The socket on which the logger listens.
    pub fn logger_socket(&self) -> PathBuf {
        self.state().join("logger.sock")
    }

    /// The logger's own messages: what keeps it from copying output.
    pub fn logger_log(&self) -> PathBuf {
        self.logs().join("logger.log")
    }

    /// The OS lock that the one logger of this instance holds for life.
    pub fn logger_lock(&self) -> PathBuf {
        self.state().join("logger.lock")
    }

    /// Serialises those who break a stale registry lock.
    pub fn breaker_lock(&self) -> PathBuf {
        self.state().join("breaker.lock")
    }

    /// What the logger copies, as a journal for the next one.
    pub fn attached(&self) -> PathBuf {
        self.state().join("attached.jsonl")
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

    /// Where live runs say what they have to say of themselves (sd_notify(3)).
    pub fn notify(&self) -> PathBuf {
        self.state().join("notify")
    }

    /// The socket at which one run does.
    pub fn notify_socket(&self, run: &RunId) -> PathBuf {
        self.notify().join(format!("{run}.sock"))
    }

    /// The exit of one run.
    pub fn exit_note(&self, run: &RunId) -> PathBuf {
        self.exits().join(format!("{run}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_the_first_absolute_of_home_and_userprofile() {
        type Variables = &'static [(&'static str, &'static str)];
        const A: &str = if cfg!(windows) { r"C:\home\a" } else { "/home/a" };
        const B: &str = if cfg!(windows) { r"C:\b" } else { "/b" };
        let table: [(Variables, Option<&str>); 5] = [
            (&[("HOME", A), ("USERPROFILE", B)], Some(A)),
            (&[("USERPROFILE", B)], Some(B)),
            (&[("HOME", ""), ("USERPROFILE", B)], Some(B)),
            (&[("HOME", "relative")], None),
            (&[], None),
        ];
        for (environment, expected) in table {
            let found = home_of(|name| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into()));
            assert_eq!(found.ok().as_deref(), expected.map(Path::new), "{environment:?}");
        }
    }

    #[test]
    fn files_of_two_instances_in_one_directory_are_apart() {
        let layout = |id: &str| Layout::new("/d", InstanceId::new(id).unwrap());
        let paths = |l: Layout| {
            [l.registry(), l.registry_lock(), l.logs(), l.state(), l.instance_lock(), l.breaker_lock()]
        };
        for (one, other) in paths(layout("a")).iter().zip(paths(layout("b")).iter()) {
            assert_ne!(one, other);
            assert!(one.starts_with("/d"));
        }
    }
}
