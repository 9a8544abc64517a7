//! The words that make a process this very monitor, in the background: for the command line that starts one, and for
//! the partner that starts it again.

use super::Options;
use process_monitor_core::id::InstanceId;
use process_monitor_host::layout::Layout;
use process_monitor_host::pair::Owner;
use process_monitor_host::pair::launch::Launch;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

impl Options {
    /// The words that make this program the monitor with these options.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = place(&self.directory, &self.instance);
        words.extend(self.flags());
        words.push("daemon".into());
        words
    }

    /// What of them is told by flags beside directory and instance.
    pub fn flags(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        if self.standalone {
            words.push("--standalone".into());
        }
        if let Some(log) = &self.log {
            words.extend(["--log".into(), log.into()]);
        }
        if let Some(port) = self.aliveness_port {
            words.extend(["--aliveness-port".into(), port.to_string().into()]);
        }
        if let Some(port) = self.api_port {
            words.extend(["--api-port".into(), port.to_string().into()]);
        }
        words
    }

    /// Writes down how this process was started.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) fn write_down(&self, layout: &Layout, executable: PathBuf) -> io::Result<()> {
        let launch = Launch {
            owner: Owner::this_process()?,
            executable,
            arguments: self.words(),
            standalone: self.standalone,
        };
        launch.write(layout).map_err(io::Error::other)
    }
}

/// The words for the monitor of `layout` when nothing else is known of it.
pub(super) fn usual_words(layout: &Layout) -> Vec<OsString> {
    let mut words = place(layout.directory(), layout.instance());
    words.push("daemon".into());
    words
}

fn place(directory: &Path, instance: &InstanceId) -> Vec<OsString> {
    vec!["--directory".into(), directory.into(), "--instance".into(), instance.as_str().into()]
}
