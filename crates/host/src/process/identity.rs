//! Which process, beyond doubt: a pid is used again, a pid with its start time is not.

use crate::sys::process as sys;
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// One process of this boot. Written to files, it needs the [`BootId`] beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it started, which neither exec nor a step of the clock changes. Linux: clock ticks after boot
    /// (`/proc/PID/stat`, field 22). macOS: microseconds since 1970, as the clock stood then.
    pub start_time: u64,
}

impl Identity {
    /// The process that has `pid` now; `None` when nothing runs under that number. A zombie does
    /// not run. No signal is sent.
    ///
    /// # Errors
    /// When the system does not tell, for example because `/proc` is not mounted.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        sys::identity::of(pid)
    }

    /// This process.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub fn current() -> io::Result<Self> {
        Self::of(std::process::id())?
            .ok_or_else(|| io::Error::other("the system does not list this very process; is /proc mounted?"))
    }

    /// Whether this very process still runs: neither a zombie nor another one under its number.
    /// A stopped process is alive.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub fn is_alive(&self) -> io::Result<bool> {
        Ok(Self::of(self.pid)? == Some(*self))
    }

    /// The time of day at which it started, as the clock stands now, to 10 ms.
    ///
    /// # Errors
    /// When the system has no such clock.
    pub fn started_at_wall(&self) -> io::Result<Wall> {
        sys::identity::started_at_wall(*self)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} (started at tick {})", self.pid, self.start_time)
    }
}

/// The name of this boot: after another boot, no recorded pid means anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(String);

impl BootId {
    /// This boot. Linux: `/proc/sys/kernel/random/boot_id`. macOS: `kern.bootsessionuuid`.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn current() -> io::Result<Self> {
        sys::identity::boot_id().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    #[test]
    fn this_process_is_alive_and_another_under_its_number_is_not_it() {
        let me = Identity::current().unwrap();
        assert!(me.is_alive().unwrap());
        assert!(!Identity { start_time: me.start_time + 1, ..me }.is_alive().unwrap());
        assert_eq!(Identity::of(0).unwrap(), None);
        assert_eq!(Identity::of(u32::MAX).unwrap(), None);
    }

    /// A process that ends with its input: this test program, told to run the test below.
    fn waiting() -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "process::identity::tests::until_its_input_ends",
            "--exact",
            "--ignored",
            "--nocapture",
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    #[ignore = "what the tests below start"]
    fn until_its_input_ends() {
        let _ = std::io::stdin().lines().next();
    }

    #[test]
    fn a_zombie_is_dead() {
        let mut child = waiting();
        let identity = Identity::of(child.id()).unwrap().unwrap();
        drop(child.stdin.take());
        let pidfd = super::super::Process::adopt(&identity).unwrap().unwrap();
        assert!(pidfd.wait(Some(Duration::from_secs(20))).unwrap(), "it ends with its input");
        assert!(!identity.is_alive().unwrap());
        child.wait().unwrap();
    }

    #[test]
    fn the_start_in_time_of_day() {
        let before = clock::wall();
        let mut child = waiting();
        let started = Identity::of(child.id()).unwrap().unwrap().started_at_wall().unwrap();
        let after = clock::wall();
        child.kill().unwrap();
        child.wait().unwrap();
        let slack = 50;
        let range = before.unix_millis() - slack..=after.unix_millis() + slack;
        assert!(range.contains(&started.unix_millis()), "{started} not in {before}..{after}");
    }

    #[test]
    fn the_boot_has_a_name_that_stays() {
        let boot = BootId::current().unwrap();
        assert_eq!(boot, BootId::current().unwrap());
        assert_eq!(serde_json::to_string(&boot).unwrap().len(), 38, "a UUID in quotes");
    }
}
