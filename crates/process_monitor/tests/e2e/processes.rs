//! What the system tells of processes, and signals to them.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// kill -9
pub fn kill(pid: u32) {
    signal(pid, "KILL");
}

/// Sends a signal by name.
pub fn signal(pid: u32, name: &str) {
    let _gone = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).output().unwrap();
}

/// Sends several a signal by name, with one command.
pub fn signal_all(pids: &[u32], name: &str) {
    let pids = pids.iter().map(ToString::to_string);
    let _some_are_gone = Command::new("kill").arg(format!("-{name}")).args(pids).output().unwrap();
}

/// Whether a process runs; a zombie does not, unless threads of it still do.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // `/proc/PID/stat`, fields 3 and 20.
    match (fields.first(), fields.get(17).and_then(|threads| threads.parse::<u32>().ok())) {
        (Some(&("Z" | "X")), Some(threads)) => threads > 1,
        (state, _) => state.is_some(),
    }
}

/// The words of a process's command line.
pub fn command_line(pid: u32) -> Vec<String> {
    let text = words_of(pid, "cmdline");
    text.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Words from a file below `/proc/PID`. In the middle of an exec there are none, not even arguments, so it is read again
/// then; a thread of the kernel, and a zombie, have no program.
fn words_of(pid: u32, file: &str) -> Vec<u8> {
    let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let in_exec = || read("cmdline").is_empty() && fs::read_link(format!("/proc/{pid}/exe")).is_ok();
    let deadline = Instant::now() + Duration::from_secs(1);
    let words = read(file);
    if !words.is_empty() {
        return words;
    }
    while in_exec() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    read(file)
}

/// The parent of a process (`/proc/PID/stat`, field 4).
pub fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}

/// The session of a process (`/proc/PID/stat`, field 6).
fn session_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(3)?.parse().ok()
}

/// The live processes in the sessions that `leaders` lead or led.
pub fn in_sessions(leaders: &[u32]) -> Vec<u32> {
    let member = |pid: &u32| is_alive(*pid) && session_of(*pid).is_some_and(|of| leaders.contains(&of));
    all_pids().into_iter().filter(member).collect()
}

/// The value of a variable in the environment that a process was started with.
pub fn variable_of(pid: u32, name: &str) -> Option<String> {
    let text = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let entries = text.split(|byte| *byte == 0);
    entries
        .filter_map(|entry| std::str::from_utf8(entry).ok()?.split_once('='))
        .find_map(|(key, value)| (key == name).then(|| value.to_owned()))
}

/// When a process started, in ticks after boot (`/proc/PID/stat`, field 22); with its pid that tells it
/// from every other.
pub fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(19)?.parse().ok()
}

/// Whether it was started with this variable, value included.
pub fn has_in_environment(pid: u32, variable: &str) -> bool {
    let text = words_of(pid, "environ");
    text.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}

pub fn all_pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}
