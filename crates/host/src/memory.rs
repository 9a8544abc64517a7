//! This process's own memory.

/// Gives memory that is free, but kept by the allocator, back to the system. It takes about a millisecond, during which
/// threads that allocate may have to wait; so after work, when nothing happens. Where the allocator has no such call
/// (malloc_trim(3) is glibc's) it does nothing.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer, and locks what it looks at.
    unsafe {
        // Whether there was any to give back changes nothing.
        let _some = libc::malloc_trim(0);
    }
}
