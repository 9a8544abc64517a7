//! Files in memory ("File Mapping").

use super::object::owned;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr::{self, NonNull};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    PAGE_READWRITE, UnmapViewOfFile,
};

/// A file in memory: what is written here is in the file, whatever becomes of this process. (Views of one file are coherent with
/// each other; what a process that ended had changed is written by the system.)
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<c_void>,
}

// SAFETY: the view belongs to this value alone.
unsafe impl Send for Mapping {}

impl Mapping {
    /// The first `size` bytes of `file`, which has as many.
    ///
    /// # Errors
    /// What the system said.
    pub fn new(file: &File, size: usize) -> io::Result<Self> {
        // SAFETY: the file is open; size 0 means that of the file.
        let mapping = owned(unsafe {
            CreateFileMappingW(file.as_raw_handle(), ptr::null(), PAGE_READWRITE, 0, 0, ptr::null())
        })?;
        // The view keeps what it needs of it.
        // SAFETY: a new view at an address of the system's choice touches no other memory.
        let view =
            unsafe { MapViewOfFile(mapping.as_raw_handle(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, size) };
        NonNull::new(view.Value).map(|base| Self { base }).ok_or_else(io::Error::last_os_error)
    }

    /// Its first byte, aligned as pages are.
    pub fn base(&self) -> NonNull<c_void> {
        self.base
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the view is ours, and nothing that was borrowed from it lives longer than this. An error would mean that
        // it is not mapped, and then there is nothing to do.
        unsafe { UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: self.base.as_ptr() }) };
    }
}
