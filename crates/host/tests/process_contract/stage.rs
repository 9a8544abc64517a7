//! The stage of these tests: what all tests of processes share, and programs and monitors that are this very executable.

#[path = "../process_stage/mod.rs"]
mod shared;

pub use shared::*;

use crate::actor::ACT;
use process_monitor_core::exit::Exit;
use process_monitor_host::process::Process;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A test and its name.
pub type Test = (&'static str, fn());

/// This executable.
pub fn me() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// A text as one can compare it, whatever is in it.
pub fn digits(text: &OsStr) -> String {
    text.as_encoded_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Stage {
    /// This executable as a program.
    pub fn act(&self, verb: impl AsRef<OsStr>) -> Program<'_> {
        self.program(me()).arg(ACT).arg(verb)
    }

    /// The lines that were written to the output.
    pub fn said(&self) -> Vec<String> {
        fs::read_to_string(self.stdout_path()).unwrap().lines().map(str::to_owned).collect()
    }

    /// A monitor of its own that has started `act`.
    pub fn monitor(&self, act: &[&OsStr]) -> Child {
        let mut command = self.monitor_command(act);
        let monitor = command.spawn().unwrap();
        eventually("the monitor has started its program", || self.file("started").exists());
        monitor
    }

    pub fn monitor_command(&self, act: &[&OsStr]) -> Command {
        let mut command = Command::new(me());
        command.args([ACT, "monitor"]).arg(&self.folder).args(act).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

impl Program<'_> {
    /// What is said of a start that fails.
    pub fn refusal(&self) -> String {
        self.try_spawn().expect_err("it was started").to_string()
    }
}

/// Waits for the end of a process.
pub fn exit_of(process: &Process) -> Exit {
    assert!(process.wait(Some(PATIENCE)).unwrap(), "it does not end");
    process.try_exit().unwrap().unwrap()
}

/// Kills a monitor, as nobody can foresee it.
pub fn kill(mut monitor: Child) {
    monitor.kill().unwrap();
    monitor.wait().unwrap();
}
