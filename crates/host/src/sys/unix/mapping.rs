//! Files in memory: mmap(2).

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_void;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ptr::{self, NonNull};

/// A file in memory: what is written here is in the file, whatever becomes of this process.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<c_void>,
    size: usize,
}

// SAFETY: the mapping belongs to this value alone.
unsafe impl Send for Mapping {}

impl Mapping {
    /// The first `size` bytes of `file`, which has as many.
    ///
    /// # Errors
    /// What the system said.
    pub fn new(file: &File, size: usize) -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let base = unsafe { mmap(ptr::null_mut(), size, access, MapFlags::SHARED, file, 0) }?;
        NonNull::new(base).map(|base| Self { base, size }).ok_or_else(|| ErrorKind::OutOfMemory.into())
    }

    /// Its first byte, aligned as pages are.
    pub fn base(&self) -> NonNull<c_void> {
        self.base
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nothing that was borrowed from it lives longer than this.
        // An error would mean that it is not mapped, and then there is nothing to do.
        let _ = unsafe { munmap(self.base.as_ptr(), self.size) };
    }
}
