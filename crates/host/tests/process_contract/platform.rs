//! What the tests need of a system beside what they test.

#[cfg(unix)]
mod imp {
    use process_monitor_core::exit::Exit;
    use std::process::Command;

    /// How many descriptors this process has.
    pub fn open_handles() -> usize {
        std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd")).unwrap().count()
    }

    /// From now on this process is not ended by being asked to.
    pub fn be_deaf() {
        // SAFETY: no handler is installed.
        unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    }

    extern "C" fn obey(_: libc::c_int) {
        // SAFETY: as `_exit` says.
        unsafe { libc::_exit(super::OBEYED) };
    }

    /// From now on this process ends with the code [`super::OBEYED`] when it is asked to.
    pub fn obey_in_a_way_of_its_own() {
        let handler: extern "C" fn(libc::c_int) = obey;
        // SAFETY: the handler does nothing but end the process.
        unsafe { libc::signal(libc::SIGTERM, handler as libc::sighandler_t) };
    }

    /// Has what `command` starts try to be none of this process's: a session of its own.
    pub fn break_away(command: &mut Command) {
        use std::os::unix::process::CommandExt;
        // SAFETY: one system call.
        unsafe {
            command.pre_exec(|| match libc::setsid() {
                -1 => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            })
        };
    }

    /// The exit of what is killed.
    pub const KILLED: Exit = Exit::Signal(9);

    /// Whether `exit` is that of what is asked to end and has no way of its own to.
    pub fn is_ended(exit: Exit) -> bool {
        exit == Exit::Signal(15)
    }

    /// Whether `exit` is that of what obeys in a way of its own.
    pub fn is_obeyed(exit: Exit) -> bool {
        exit == Exit::Code(super::OBEYED)
    }

    /// Codes that arrive as they are.
    pub const CODES: &[i32] = &[0, 1, 3, 127, 255];
}

#[cfg(windows)]
mod imp {
    use process_monitor_core::exit::Exit;
    use process_monitor_host::signals::hear_of_stop;
    use std::os::windows::process::CommandExt;
    use std::process::Command;
    use windows_sys::Wdk::System::SystemInformation::NtQuerySystemInformation;
    use windows_sys::Win32::Foundation::STATUS_INFO_LENGTH_MISMATCH;
    use windows_sys::Win32::System::Console::{FreeConsole, SetConsoleCtrlHandler};
    use windows_sys::Win32::System::Threading::{
        CREATE_BREAKAWAY_FROM_JOB, CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS,
    };

    /// From the list of everybody's handles: Wine says of each process that it has none (`GetProcessHandleCount`).
    pub fn open_handles() -> usize {
        /// `SystemExtendedHandleInformation`.
        const ALL_HANDLES: i32 = 64;
        let mut words = vec![0_u64; 1 << 16];
        loop {
            let (list, room) = (words.as_mut_ptr().cast(), size_of_val(&words[..]) as u32);
            // SAFETY: there is as much room as is told.
            match unsafe { NtQuerySystemInformation(ALL_HANDLES, list, room, std::ptr::null_mut()) } {
                STATUS_INFO_LENGTH_MISMATCH => words.resize(words.len() * 2, 0),
                status => break assert_eq!(status, 0),
            }
        }
        // How many, and a word for nothing; then five words of each, the second of them whose it is.
        let handles = words[2..].chunks_exact(5).take(words[0] as usize);
        handles.filter(|handle| handle[1] == u64::from(std::process::id())).count()
    }

    unsafe extern "system" fn ignore(_: u32) -> i32 {
        1
    }

    pub fn be_deaf() {
        // SAFETY: the handler touches nothing.
        unsafe {
            assert_ne!(SetConsoleCtrlHandler(Some(ignore), 1), 0);
            if !hear_of_stop() {
                FreeConsole();
            }
        }
    }

    unsafe extern "system" fn obey(_: u32) -> i32 {
        std::process::exit(super::OBEYED)
    }

    pub fn obey_in_a_way_of_its_own() {
        // SAFETY: the handler does nothing but end the process.
        assert_ne!(unsafe { SetConsoleCtrlHandler(Some(obey), 1) }, 0);
    }

    /// A group and no console, and out of the job, which is refused; then without that.
    pub fn break_away(command: &mut Command) {
        let flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
        command.creation_flags(flags | CREATE_BREAKAWAY_FROM_JOB);
        if let Ok(mut away) = command.spawn() {
            // It must be caught all the same: who announces itself is looked for.
            away.wait().unwrap();
        }
        command.creation_flags(flags);
    }

    pub const KILLED: Exit = Exit::Code(137);
    /// `STATUS_CONTROL_C_EXIT`.
    pub fn is_ended(exit: Exit) -> bool {
        exit == Exit::Code(0xc000_013a_u32.cast_signed()) || (!hear_of_stop() && exit == Exit::Code(1))
    }

    pub fn is_obeyed(exit: Exit) -> bool {
        exit == Exit::Code(super::OBEYED) || (!hear_of_stop() && exit == Exit::Code(1))
    }

    /// Among them 259, which the system calls STILL_ACTIVE, and some with the high bit.
    pub const CODES: &[i32] = &[
        0,
        1,
        3,
        255,
        256,
        259,
        0x1234_5678,
        i32::MAX,
        i32::MIN,
        -1,
        0xc000_0005_u32.cast_signed(),
        0xc000_013a_u32.cast_signed(),
        0xc000_0135_u32.cast_signed(),
    ];
}

pub use imp::*;

/// The exit code of who obeys in a way of its own.
pub const OBEYED: i32 = 77;
