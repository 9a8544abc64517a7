//! Who is whose child, from the kernel's own lists: `/proc/PID/task/TID/children` (proc_pid_task(5)),
//! in time that depends on the number of children only. A list may miss a child while others of it end,
//! so who must be certain looks again when those are gone.

use super::stat;
use std::fs;
use std::io;

/// The children of one thread, dead ones included.
pub fn of_thread(pid: u32, thread: u32) -> io::Result<Vec<u32>> {
    let list = match fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")) {
        Ok(list) => list,
        Err(gone) if stat::is_gone(&gone) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// The children of every thread of `pid`, dead ones included; none when it is gone.
pub fn of(pid: u32) -> io::Result<Vec<u32>> {
    let threads = match fs::read_dir(format!("/proc/{pid}/task")) {
        Ok(threads) => threads,
        Err(gone) if stat::is_gone(&gone) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut children = Vec::new();
    for thread in threads {
        let name = match thread {
            Ok(thread) => thread.file_name(),
            Err(gone) if stat::is_gone(&gone) => break,
            Err(error) => return Err(error),
        };
        if let Some(thread) = name.to_str().and_then(|name| name.parse().ok()) {
            children.extend(of_thread(pid, thread)?);
        }
    }
    Ok(children)
}

/// Whether this kernel has such lists (`CONFIG_PROC_CHILDREN`).
pub fn are_listed() -> bool {
    let me = std::process::id();
    fs::metadata(format!("/proc/{me}/task/{me}/children")).is_ok()
}
