//! One monitor per instance.

use super::LifeLock;
use crate::clock;
use crate::fd::OwnedFd;
use crate::files::{self, Durability, FileError, remove_if_there};
use crate::handover::Heirloom;
use crate::layout::Layout;
use crate::process::{BootId, Identity};
use crate::sys::handover::Herald;
use process_monitor_core::id::InstanceId;
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a lock is tried for whose last known holder is dead. It is then held either by a child that
/// the dead monitor had forked and that is about to exec, or by a monitor that has not written its name yet.
const UNCERTAIN: Duration = Duration::from_secs(5);
/// No notification tells that a `flock` is free, and a blocking one can't be given up.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
const INFO_MAX_BYTES: u64 = 64 << 10;

/// What a running monitor writes about itself. Fields that a later version adds are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitorInfo {
    /// Its pid and start time.
    #[serde(flatten)]
    pub identity: Identity,
    /// Which boot of the machine that is valid in.
    pub boot_id: BootId,
    /// When it took the lock.
    pub since: Wall,
}

impl MonitorInfo {
    fn of_this_process() -> io::Result<Self> {
        Ok(Self { identity: Identity::current()?, boot_id: BootId::current()?, since: clock::wall() })
    }

    /// Reads what the monitor of this layout wrote. `None`: nothing is there, or nothing readable.
    /// It may be outdated; see [`MonitorInfo::is_running`].
    pub fn read(layout: &Layout) -> Option<Self> {
        let content = files::read_bounded(&layout.monitor_info(), INFO_MAX_BYTES).ok()?;
        serde_json::from_slice(&content).ok()
    }

    /// Whether that very process still runs: same pid, start time and boot.
    pub fn is_running(&self) -> bool {
        BootId::current().is_ok_and(|boot| boot == self.boot_id) && self.identity.is_alive().unwrap_or(false)
    }
}

/// Why this process does not become the instance's monitor.
#[derive(Debug, thiserror::Error)]
pub enum InstanceLockError {
    /// Another one runs already.
    #[error(
        "the monitor of instance {instance} in {} runs already{}; stop it with --stop, or choose another \
         --instance or --directory",
        directory.display(),
        holder.as_ref().map_or_else(String::new, |h| format!(", with pid {} since {}", h.identity.pid, h.since))
    )]
    Held {
        /// Which instance.
        instance: InstanceId,
        /// Where.
        directory: PathBuf,
        /// Who, when it has said so.
        holder: Option<MonitorInfo>,
    },
    /// The lock's file or folder can't be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Proof that this process is the instance's only monitor, until it is dropped.
#[derive(Debug)]
pub struct InstanceLock {
    layout: Layout,
    info: MonitorInfo,
    lock: LifeLock,
    /// The next image of this process goes on with it.
    handed_over: bool,
}

impl InstanceLock {
    /// Becomes the monitor of `layout`'s instance, and writes so for others to read. Creates the private
    /// state folder where it is missing.
    pub fn acquire(layout: &Layout) -> Result<Self, InstanceLockError> {
        Self::acquire_or_inherit(layout, None)
    }

    /// The same; goes on with the lock that the monitor before offers it by `inherited`
    /// ([`InstanceLock::hand_over`]), so that nobody else gets it in between.
    pub fn acquire_or_inherit(
        layout: &Layout,
        inherited: Option<OwnedFd>,
    ) -> Result<Self, InstanceLockError> {
        files::private_dir(&layout.state())?;
        let path = layout.instance_lock();
        let inherited = inherited.map(|descriptor| LifeLock::inherit(&path, descriptor)).transpose()?;
        let (lock, herald) = match inherited.flatten() {
            Some((lock, herald)) => (lock, Some(herald)),
            None => (take(layout)?, None),
        };
        let path = layout.monitor_info();
        let info =
            MonitorInfo::of_this_process().map_err(FileError::not_written("look at this process", &path))?;
        let content = serde_json::to_vec(&info)
            .map_err(|why| FileError::not_written("put it in words", &path)(why.into()))?;
        files::write_atomic(&path, &content, Durability::Unsynced)?;
        // From now on everybody finds this monitor instead of the one before.
        herald.into_iter().for_each(Herald::tell);
        Ok(Self { layout: layout.clone(), info, lock, handed_over: false })
    }

    /// The lock for the monitor that follows this one, and stays the instance's only one.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn hand_over(mut self) -> io::Result<Heirloom> {
        let lock = self.lock.heirloom()?;
        self.handed_over = true;
        Ok(lock)
    }

    /// What was written about this process.
    pub fn info(&self) -> &MonitorInfo {
        &self.info
    }
}

/// The name is taken off the door before the lock is released (fields are dropped after this).
impl Drop for InstanceLock {
    fn drop(&mut self) {
        if self.handed_over {
            return;
        }
        let path = self.layout.monitor_info();
        if let Err(reason) = remove_if_there(&path) {
            tracing::warn!(file = %path.display(), %reason, "cannot remove the monitor's own record");
        }
    }
}

fn take(layout: &Layout) -> Result<LifeLock, InstanceLockError> {
    let asked = Instant::now();
    loop {
        if let Some(lock) = LifeLock::try_acquire(&layout.instance_lock())? {
            return Ok(lock);
        }
        let holder = MonitorInfo::read(layout).filter(MonitorInfo::is_running);
        if holder.is_some() || asked.elapsed() >= UNCERTAIN {
            let (instance, directory) = (layout.instance().clone(), layout.directory().to_owned());
            return Err(InstanceLockError::Held { instance, directory, holder });
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
}
