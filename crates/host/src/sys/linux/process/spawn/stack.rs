//! The stack on which a child runs until it executes its program.

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;

/// Ample: the child's frames hold one line of `/proc/self/stat` and little else.
const SIZE: usize = 64 * 1024;

/// The largest page of a Linux architecture; the lowest one stays forbidden, so that an overflow
/// ends in a fault and not in someone's data.
const GUARD: usize = 64 * 1024;

thread_local! {
    /// A thread spawns one child at a time and is suspended meanwhile, so it needs one stack.
    static IDLE: Cell<Option<Stack>> = const { Cell::new(None) };
}

/// A mapping of this process that is nobody else's stack.
pub struct Stack(*mut c_void);

impl Stack {
    /// Runs `with` with this thread's stack.
    pub fn lend<T>(with: impl FnOnce(&Stack) -> T) -> rustix::io::Result<T> {
        let stack = match IDLE.take() {
            Some(stack) => stack,
            None => Stack::map()?,
        };
        let result = with(&stack);
        IDLE.set(Some(stack));
        Ok(result)
    }

    fn map() -> rustix::io::Result<Self> {
        let (read_write, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::STACK);
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let base = unsafe { mmap_anonymous(ptr::null_mut(), GUARD + SIZE, read_write, flags) }?;
        let stack = Self(base);
        // SAFETY: the guard is the lower part of the mapping just made, which nothing uses yet.
        unsafe { mprotect(base, GUARD, MprotectFlags::empty()) }?;
        Ok(stack)
    }

    /// The first byte after the stack: stacks grow down on every architecture that Rust knows on Linux.
    pub fn top(&self) -> *mut c_void {
        // SAFETY: one past the end of the mapping.
        unsafe { self.0.byte_add(GUARD + SIZE) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no child runs on it: spawning waits for the exec.
        // An error would mean that it is not mapped, and then there is nothing to free.
        let _ = unsafe { munmap(self.0, GUARD + SIZE) };
    }
}
