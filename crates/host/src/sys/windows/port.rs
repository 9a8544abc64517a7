//! Waiting for any number of handles on one thread: threads of the system's pool wait for up to 63 each
//! (`RegisterWaitForSingleObject`) and put what was signalled into a completion port, which our thread takes from.

use super::event::is_signalled;
use super::time::millis;
use crate::fd::BorrowedFd;
use std::collections::HashMap;
use std::ffi::c_void;
use std::io::{self, ErrorKind};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE, WAIT_TIMEOUT};
use windows_sys::Win32::System::IO::{
    CreateIoCompletionPort, GetQueuedCompletionStatusEx, OVERLAPPED_ENTRY, PostQueuedCompletionStatus,
};
use windows_sys::Win32::System::Threading::{
    INFINITE, RegisterWaitForSingleObject, UnregisterWaitEx, WT_EXECUTEONLYONCE,
};

/// How many are taken at once.
const BATCH: usize = 64;

/// What a wake-up is queued as; no wait has that number.
const WAKE: usize = 0;

/// The queue, for whoever puts something into it.
#[derive(Clone)]
pub struct Queue(Arc<OwnedHandle>);

impl Queue {
    /// Ends the present or next wait.
    ///
    /// # Errors
    /// When the system has no memory.
    pub fn wake(&self) -> io::Result<()> {
        self.post(WAKE)
    }

    fn post(&self, number: usize) -> io::Result<()> {
        // SAFETY: the port is open; there is no structure that belongs to the entry.
        match unsafe { PostQueuedCompletionStatus(self.0.as_raw_handle(), 0, number, ptr::null()) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

/// The handles that are waited for, each reported by a token. Whoever adds one keeps it open until he has removed it.
pub struct Port {
    queue: Queue,
    sources: Mutex<Sources>,
}

#[derive(Default)]
struct Sources {
    /// By handle.
    known: HashMap<usize, Source>,
    /// Which handle a number that was queued belongs to.
    numbers: HashMap<usize, usize>,
    last: usize,
    /// Those that nobody waits for yet.
    idle: Vec<usize>,
}

struct Source {
    token: u64,
    wait: Option<Wait>,
}

impl Port {
    /// Waits for nothing yet.
    ///
    /// # Errors
    /// When there is no handle left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: a new port that belongs to no file.
        let port = unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, ptr::null_mut(), 0, 1) };
        if port.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just made, and is nobody else's.
        let port = unsafe { OwnedHandle::from_raw_handle(port) };
        Ok(Self { queue: Queue(Arc::new(port)), sources: Mutex::default() })
    }

    /// For other threads.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Waits for `source` from the next [`Port::wait`] on.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when it is known already.
    pub fn add(&self, source: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut sources = self.sources();
        let handle = source.as_raw_handle().addr();
        if sources.known.contains_key(&handle) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        sources.known.insert(handle, Source { token, wait: None });
        sources.idle.push(handle);
        Ok(())
    }

    /// Reports `source`, which is known, as `token` from now on, and waits for it again if it was reported.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when it is not known.
    pub fn change(&self, source: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut sources = self.sources();
        let handle = source.as_raw_handle().addr();
        let known = sources.known.get_mut(&handle).ok_or(ErrorKind::NotFound)?;
        known.token = token;
        if known.wait.is_none() && !sources.idle.contains(&handle) {
            sources.idle.push(handle);
        }
        Ok(())
    }

    /// Undoes [`Port::add`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when it is not known.
    pub fn remove(&self, source: BorrowedFd<'_>) -> io::Result<()> {
        let mut sources = self.sources();
        let handle = source.as_raw_handle().addr();
        let known = sources.known.remove(&handle).ok_or(ErrorKind::NotFound)?;
        sources.idle.retain(|idle| *idle != handle);
        if let Some(wait) = known.wait {
            sources.numbers.remove(&wait.number());
        }
        Ok(())
    }

    /// Waits until something is signalled, at most `timeout` (`None`: for good), or somebody wakes us, and puts the tokens of
    /// what is into `ready`. What was reported is not waited for any more, unless `again`.
    ///
    /// # Errors
    /// What the system said.
    pub fn wait(&self, ready: &mut Vec<u64>, timeout: Option<Duration>, again: bool) -> io::Result<()> {
        ready.clear();
        self.sources().begin(&self.queue, ready, again)?;
        let timeout = if ready.is_empty() { timeout } else { Some(Duration::ZERO) };
        let mut entries = [OVERLAPPED_ENTRY::default(); BATCH];
        let mut taken = 0;
        // SAFETY: the port is open, and the entries have the number that is given.
        let got = unsafe {
            GetQueuedCompletionStatusEx(
                self.queue.0.as_raw_handle(),
                entries.as_mut_ptr(),
                BATCH as u32,
                &raw mut taken,
                millis(timeout),
                0,
            )
        };
        if got == 0 {
            let error = io::Error::last_os_error();
            return if error.raw_os_error() == Some(WAIT_TIMEOUT.cast_signed()) {
                Ok(())
            } else {
                Err(error)
            };
        }
        let mut sources = self.sources();
        for entry in entries.iter().take(usize::try_from(taken).unwrap_or(0)) {
            ready.extend(sources.signalled(entry.lpCompletionKey, again));
        }
        Ok(())
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sources {
    /// Begins to wait for whoever is not waited for. What is signalled already is said at once, which spares a wait by another
    /// thread.
    fn begin(&mut self, queue: &Queue, ready: &mut Vec<u64>, again: bool) -> io::Result<()> {
        let mut idle = std::mem::take(&mut self.idle).into_iter();
        while let Some(handle) = idle.next() {
            let Some(source) = self.known.get_mut(&handle) else { continue };
            let raw: HANDLE = ptr::with_exposed_provenance_mut(handle);
            // SAFETY: whoever added it keeps it open until it is removed.
            let borrowed = unsafe { BorrowedFd::borrow_raw(raw) };
            if is_signalled(borrowed) {
                ready.push(source.token);
                if again {
                    self.idle.push(handle);
                }
                continue;
            }
            self.last += 1;
            match Wait::new(borrowed, queue, self.last) {
                Ok(wait) => source.wait = Some(wait),
                Err(error) => {
                    // They are waited for by the next try.
                    self.idle.push(handle);
                    self.idle.extend(idle);
                    return Err(error);
                }
            }
            self.numbers.insert(self.last, handle);
        }
        Ok(())
    }

    /// The token of what was queued under this number; `None` when that was removed meanwhile, or is a wake-up.
    fn signalled(&mut self, number: usize, again: bool) -> Option<u64> {
        let handle = self.numbers.remove(&number)?;
        let source = self.known.get_mut(&handle)?;
        source.wait = None;
        if again {
            self.idle.push(handle);
        }
        Some(source.token)
    }
}

/// A wait of the system's pool that is under way.
struct Wait {
    registered: HANDLE,
    told: *mut Told,
}

/// What the pool's thread is given.
struct Told {
    queue: Queue,
    number: usize,
}

// SAFETY: the handle may be used by any thread, and what is told is read only.
unsafe impl Send for Wait {}

impl Wait {
    fn new(source: BorrowedFd<'_>, queue: &Queue, number: usize) -> io::Result<Self> {
        let told = Box::into_raw(Box::new(Told { queue: queue.clone(), number }));
        let mut wait = Self { registered: ptr::null_mut(), told };
        // SAFETY: the handle is open, and what is told is there until `drop` has seen the end of the callback.
        let done = unsafe {
            RegisterWaitForSingleObject(
                &raw mut wait.registered,
                source.as_raw_handle(),
                Some(queue_up),
                told.cast::<c_void>(),
                INFINITE,
                WT_EXECUTEONLYONCE,
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(wait) }
    }

    fn number(&self) -> usize {
        // SAFETY: it is there as long as we are.
        unsafe { (*self.told).number }
    }
}

unsafe extern "system" fn queue_up(told: *mut c_void, _timed_out: bool) {
    // SAFETY: it is what `Wait::new` has given, and nobody changes it.
    let told = unsafe { &*told.cast::<Told>() };
    if let Err(error) = told.queue.post(told.number) {
        tracing::error!(%error, "cannot report that something has happened");
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.registered.is_null() {
            // SAFETY: it was registered. Given this value for an event, the call returns when no callback runs any more.
            unsafe { UnregisterWaitEx(self.registered, INVALID_HANDLE_VALUE) };
        }
        // SAFETY: it comes from a box, and the callback is over.
        drop(unsafe { Box::from_raw(self.told) });
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Event;
    use super::*;
    use crate::fd::AsFd;

    #[test]
    fn many_are_waited_for_and_each_is_reported_by_its_token() {
        let port = Port::new().unwrap();
        let events: Vec<Event> = (0..200).map(|_| Event::new().unwrap()).collect();
        for (token, event) in events.iter().enumerate() {
            port.add(event.as_fd(), token as u64).unwrap();
        }
        let mut ready = Vec::new();
        port.wait(&mut ready, Some(Duration::from_millis(10)), false).unwrap();
        assert_eq!(ready, [0_u64; 0]);
        let mut seen = Vec::new();
        events.iter().skip(100).for_each(|event| event.set().unwrap());
        while seen.len() < 100 {
            port.wait(&mut ready, Some(Duration::from_secs(30)), false).unwrap();
            seen.extend(ready.iter().copied());
        }
        seen.sort_unstable();
        assert_eq!(seen, (100..200).collect::<Vec<_>>());
        port.wait(&mut ready, Some(Duration::from_millis(10)), false).unwrap();
        assert_eq!(ready, [0_u64; 0], "each once");
        events.iter().for_each(|event| port.remove(event.as_fd()).unwrap());
    }

    #[test]
    fn what_stays_signalled_is_reported_again_until_it_is_removed() {
        let port = Port::new().unwrap();
        let event = Event::new().unwrap();
        port.add(event.as_fd(), 7).unwrap();
        assert_eq!(port.add(event.as_fd(), 8).unwrap_err().kind(), ErrorKind::AlreadyExists);
        let mut ready = Vec::new();
        port.wait(&mut ready, Some(Duration::ZERO), true).unwrap();
        event.set().unwrap();
        for _ in 0..3 {
            port.wait(&mut ready, Some(Duration::from_secs(30)), true).unwrap();
            assert_eq!(ready, [7]);
        }
        event.reset().unwrap();
        port.wait(&mut ready, Some(Duration::from_millis(10)), true).unwrap();
        assert_eq!(ready, [0_u64; 0]);
        event.set().unwrap();
        port.remove(event.as_fd()).unwrap();
        port.wait(&mut ready, Some(Duration::from_millis(10)), true).unwrap();
        assert_eq!(ready, [0_u64; 0], "removed");
    }

    #[test]
    fn a_wake_up_ends_a_wait() {
        let port = Port::new().unwrap();
        let queue = port.queue().clone();
        let waking = std::thread::spawn(move || queue.wake().unwrap());
        let mut ready = Vec::new();
        port.wait(&mut ready, None, false).unwrap();
        assert_eq!(ready, [0_u64; 0]);
        waking.join().unwrap();
    }
}
