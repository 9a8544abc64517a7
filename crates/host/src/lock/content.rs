//! What a registry lock says about its holder.

use crate::clock;
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The content of a registry lock (SPEC 3.4): `{lockedBy, lockedAt, pid, operation}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockHolder {
    /// The program that holds it.
    pub locked_by: String,
    /// Since when, as its holder wrote it.
    pub locked_at: String,
    /// Its process id.
    pub pid: u32,
    /// What it holds the lock for.
    #[serde(default)]
    pub operation: String,
}

impl LockHolder {
    /// This process, now.
    pub(super) fn this_process(operation: &str) -> Self {
        Self {
            locked_by: program_name(),
            locked_at: clock::wall().to_string(),
            pid: std::process::id(),
            operation: operation.to_owned(),
        }
    }

    /// Since when, if that can be read without guessing: the earlier implementation wrote local times
    /// without saying of which zone, and they can be hours off.
    pub(super) fn locked_at(&self) -> Option<Wall> {
        let (_, time) = self.locked_at.split_once(['T', ' '])?;
        let has_offset = time.contains(['Z', 'z', '+', '-']);
        Wall::parse(&self.locked_at).filter(|_| has_offset)
    }
}

/// `process_monitor (pid 4711) since 2026-01-24T10:30:00.000Z, for "add web"`
impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (pid {}) since {}",
            self.locked_by.escape_debug(),
            self.pid,
            self.locked_at.escape_debug()
        )?;
        if !self.operation.is_empty() {
            write!(f, ", for {:?}", self.operation)?;
        }
        Ok(())
    }
}

fn program_name() -> String {
    let executable = std::env::current_exe().ok();
    let name = executable.as_deref().and_then(|path| path.file_name());
    name.map_or_else(|| "process_monitor".to_owned(), |name| name.to_string_lossy().into_owned())
}
