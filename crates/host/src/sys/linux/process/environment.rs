//! What a process was started with, and whose it is.

pub use crate::sys::unix::variables::variables;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

/// How long an exec is waited for. On a busy machine it takes some milliseconds.
const EXEC_TIME: Duration = Duration::from_millis(200);

/// How often in succession it must be empty outside of an exec: one may have ended between two looks.
const EMPTY_LOOKS: u32 = 3;

/// Whether `pid` runs, and as our own user.
pub fn is_of_our_user(pid: u32) -> bool {
    let owner = fs::metadata(format!("/proc/{pid}")).map(|folder| folder.uid());
    owner.is_ok_and(|owner| owner == rustix::process::geteuid().as_raw())
}

/// The environment of `pid`. In the middle of an exec a process shows neither environment nor arguments
/// (the new memory is there, its contents are not), and nothing tells when that is over: so it is
/// looked at again, giving way to others in between.
pub fn environment(pid: u32) -> Option<Vec<u8>> {
    let end = Instant::now() + EXEC_TIME;
    let mut empty_looks = 0;
    while empty_looks < EMPTY_LOOKS && Instant::now() < end {
        let environment = read_in_large_parts(&format!("/proc/{pid}/environ")).ok()?;
        if !environment.is_empty() {
            return Some(environment);
        }
        empty_looks = if may_be_in_exec(pid) { 0 } else { empty_looks + 1 };
        thread::yield_now();
    }
    None
}

/// What is read belongs to the program that ran when the file was opened. When it is gone by the next
/// read, the rest is missing, so one read takes more than environments usually have.
fn read_in_large_parts(path: &str) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut content = Vec::new();
    loop {
        content.reserve(128 * 1024);
        if rustix::io::read(&file, rustix::buffer::spare_capacity(&mut content))? == 0 {
            return Ok(content);
        }
    }
}

/// No arguments, but a program: a thread of the kernel has neither.
fn may_be_in_exec(pid: u32) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline"));
    arguments.is_ok_and(|arguments| arguments.is_empty()) && fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}
