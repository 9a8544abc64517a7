//! All processes of the machine, in one call: `NtQuerySystemInformation` with `SystemProcessInformation`.

use super::open::of_status;
use crate::process::identity::Identity;
use crate::sys::terms::Usage;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SystemProcessInformation};
use windows_sys::Win32::Foundation::STATUS_INFO_LENGTH_MISMATCH;
use windows_sys::Win32::System::WindowsProgramming::SYSTEM_PROCESS_INFORMATION;

/// How old a list may be for those who want figures: many ask for many processes at the same time.
const FRESH: Duration = Duration::from_millis(100);

/// Room for a process more than there were at the last look, with some threads.
const SPARE_BYTES: usize = 64 * 1024;

/// Where times are in what `SYSTEM_PROCESS_INFORMATION` calls `Reserved1`: CreateTime, UserTime, KernelTime, in 100 ns
/// (as `ntexapi.h` of System Informer has it; they are the same since Windows NT).
const TIMES: [usize; 3] = [24, 32, 40];

/// One process, as it was when the list was made.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// Which.
    pub identity: Identity,
    /// The number of who started it, who may be gone, and the number another's.
    pub parent: u32,
    /// What it uses.
    pub usage: Usage,
}

/// The process that has `pid` now.
pub fn identity(pid: u32) -> io::Result<Option<Identity>> {
    let found = all()?.into_iter().find(|process| process.identity.pid == pid);
    Ok(found.map(|process| process.identity))
}

/// A list that is hardly older than this call.
pub fn recent() -> io::Result<Arc<Vec<Listed>>> {
    static LATEST: Mutex<Option<(Instant, Arc<Vec<Listed>>)>> = Mutex::new(None);
    // Who asks meanwhile waits for this list.
    let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, list)) = &*latest
        && at.elapsed() < FRESH
    {
        return Ok(Arc::clone(list));
    }
    let list = Arc::new(all()?);
    *latest = Some((Instant::now(), Arc::clone(&list)));
    Ok(list)
}

/// Everyone, but for the idle process, which is none.
pub fn all() -> io::Result<Vec<Listed>> {
    let buffer = read()?;
    let bytes = buffer.len() * size_of::<u64>();
    let mut processes = Vec::new();
    let mut at = 0;
    while at + size_of::<SYSTEM_PROCESS_INFORMATION>() <= bytes {
        // SAFETY: there are as many bytes from there on, written by the system; each entry is aligned to 8.
        let entry: SYSTEM_PROCESS_INFORMATION =
            unsafe { std::ptr::read_unaligned(buffer.as_ptr().byte_add(at).cast()) };
        processes.push(listed(&entry));
        if entry.NextEntryOffset == 0 {
            break;
        }
        at = at.saturating_add(entry.NextEntryOffset as usize);
    }
    processes.retain(|process| process.identity.pid != 0);
    Ok(processes)
}

/// What the system told, in numbers of 8 bytes, so that it is aligned.
fn read() -> io::Result<Vec<u64>> {
    let mut needed = 0_u32;
    loop {
        let mut buffer = vec![0_u64; (needed as usize + SPARE_BYTES) / size_of::<u64>()];
        let room = u32::try_from(buffer.len() * size_of::<u64>()).map_err(io::Error::other)?;
        // SAFETY: there is as much room as is told.
        let status = unsafe {
            NtQuerySystemInformation(
                SystemProcessInformation,
                buffer.as_mut_ptr().cast(),
                room,
                &raw mut needed,
            )
        };
        match status {
            0.. => return Ok(buffer),
            STATUS_INFO_LENGTH_MISMATCH => needed = needed.max(room),
            status => return Err(of_status(status)),
        }
    }
}

fn listed(entry: &SYSTEM_PROCESS_INFORMATION) -> Listed {
    let [created, user, kernel] = TIMES.map(|at| {
        let bytes = entry.Reserved1.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_ne_bytes)
    });
    Listed {
        identity: Identity { pid: number(entry.UniqueProcessId), start_time: created },
        parent: number(entry.Reserved2),
        usage: Usage {
            cpu: Duration::from_nanos(user.saturating_add(kernel).saturating_mul(100)),
            memory_bytes: entry.WorkingSetSize as u64,
        },
    }
}

/// The system tells numbers of processes as if they were handles.
fn number(handle: *mut std::ffi::c_void) -> u32 {
    u32::try_from(handle.addr()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_the_same_as_the_process_itself() {
        let me = Identity::current().unwrap();
        assert_eq!(identity(me.pid).unwrap(), Some(me));
        assert!(
            recent().unwrap().iter().any(|process| process.identity == me && process.usage.memory_bytes > 0)
        );
        assert_eq!(identity(u32::MAX).unwrap(), None);
    }
}
