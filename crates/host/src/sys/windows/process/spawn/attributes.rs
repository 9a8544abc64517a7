//! What a new process is given beside what every one is: exactly these handles, and the job in which it begins its life
//! (`UpdateProcThreadAttribute`).

use crate::sys::windows::object::done;
use std::ffi::c_void;
use std::io;
use std::marker::PhantomData;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Threading::{
    DeleteProcThreadAttributeList, InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST,
    PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROC_THREAD_ATTRIBUTE_JOB_LIST, UpdateProcThreadAttribute,
};

/// Handles and job; the lists are read by the system when the process is made.
pub struct Attributes<'a> {
    memory: Vec<usize>,
    lists: PhantomData<&'a [HANDLE]>,
}

impl<'a> Attributes<'a> {
    /// The process inherits `handles`, which are inheritable, and no others, and belongs to `jobs`.
    pub fn new(handles: &'a [HANDLE], jobs: &'a [HANDLE]) -> io::Result<Self> {
        let count = 2;
        let mut bytes = 0;
        // SAFETY: asked for no list, it tells how much room one takes. It then answers that there was too little.
        unsafe { InitializeProcThreadAttributeList(std::ptr::null_mut(), count, 0, &raw mut bytes) };
        let mut memory = vec![0_usize; bytes.div_ceil(size_of::<usize>())];
        // SAFETY: there is as much room as it has asked for.
        done(unsafe {
            InitializeProcThreadAttributeList(memory.as_mut_ptr().cast(), count, 0, &raw mut bytes)
        })?;
        let mut attributes = Self { memory, lists: PhantomData };
        attributes.set(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles)?;
        attributes.set(PROC_THREAD_ATTRIBUTE_JOB_LIST, jobs)?;
        Ok(attributes)
    }

    fn set(&mut self, attribute: u32, list: &'a [HANDLE]) -> io::Result<()> {
        let values = list.as_ptr().cast::<c_void>();
        // SAFETY: the list of attributes was initialised with room for two; what is put into it outlives it.
        done(unsafe {
            UpdateProcThreadAttribute(
                self.list(),
                0,
                attribute as usize,
                values,
                size_of_val(list),
                std::ptr::null_mut(),
                std::ptr::null(),
            )
        })
    }

    /// For `STARTUPINFOEXW`.
    pub fn list(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.memory.as_mut_ptr().cast()
    }
}

impl Drop for Attributes<'_> {
    fn drop(&mut self) {
        // SAFETY: it was initialised.
        unsafe { DeleteProcThreadAttributeList(self.list()) };
    }
}
