//! What the tests of processes on this system share, beside what all share.
#![allow(dead_code)] // each test program uses a part of it

#[path = "../process_stage/mod.rs"]
mod shared;

pub use shared::*;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs `body` in a process of its own: this test program, told to run `test` alone.
pub fn isolated(test: &str, body: impl FnOnce()) {
    if std::env::var_os("PM_TEST_ISOLATED").is_some_and(|name| name == test) {
        return body();
    }
    let output = isolated_command(test).output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The command of [`isolated`], to be run by the caller.
pub fn isolated_command(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // Two threads, or the test would run in the main thread.
    command.args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=2"]);
    command.env("PM_TEST_ISOLATED", test);
    command
}

impl Stage {
    /// A file that may be executed, written by a process of its own: a child that another test is just starting has our
    /// descriptors until it executes something, and a file that is open for writing cannot be executed (ETXTBSY).
    pub fn executable(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.folder.join(name);
        let mut writer = Command::new("sh");
        writer.args(["-c", "cat > \"$0\" && chmod \"$1\" \"$0\""]).arg(&path).arg(format!("{mode:o}"));
        let mut writer = writer.stdin(Stdio::piped()).spawn().unwrap();
        writer.stdin.take().unwrap().write_all(content.as_ref()).unwrap();
        assert!(writer.wait().unwrap().success(), "cannot write {}", path.display());
        path
    }

    /// A shell script.
    pub fn script(&self, text: &str) -> Program<'_> {
        self.program("sh").arg("-c").arg(text)
    }
}

impl Program<'_> {
    pub fn spawn_with(&self, output: &File) -> Running {
        Running { process: self.try_spawn_with(output).unwrap(), run: self.run.clone() }
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.identity().pid
    }
}

/// A line of `/proc/PID/status`.
pub fn status(pid: u32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(":"))?;
    Some(line.trim().to_owned())
}

/// `T`, `S`, `Z`, …; `None` when it is gone.
pub fn state(pid: u32) -> Option<char> {
    status(pid, "State")?.chars().next()
}
