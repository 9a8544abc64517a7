//! Waiting for what nobody is told of, before a test takes it for granted: a kill, or an edit without the lock.

use crate::harness::{World, eventually};
use std::fs;

impl World {
    /// Waits until the logger would note the exit of `pid` while no monitor is there: until it holds a pidfd of it
    /// (`Pid:` in proc_pid_fdinfo(5)).
    pub fn await_logger_of(&self, pid: u32) {
        let line = format!("Pid:\t{pid}");
        let has = |info: fs::DirEntry| {
            fs::read_to_string(info.path()).is_ok_and(|text| text.lines().any(|found| found == line))
        };
        eventually(&format!("the logger watches {pid}"), || {
            let logger = self.logger_pid().map(|logger| fs::read_dir(format!("/proc/{logger}/fdinfo")));
            logger.is_some_and(|infos| infos.into_iter().flatten().flatten().any(has))
        });
    }

    /// Waits until the registry's file says of a process what is true: that it is in `state`. An edit without the lock
    /// that comes before that may undo it, or be undone.
    pub fn await_saved(&self, id: &str, state: &str) {
        eventually(&format!("the file says that {id} is {state}"), || self.entry(id)["state"] == state);
    }
}
