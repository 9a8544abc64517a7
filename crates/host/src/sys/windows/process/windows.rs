//! Windows on the screen: asking them to close, as a click on their cross does.

use crate::sys::windows::object::done;
use std::io;
use windows_sys::Win32::Foundation::{HWND, LPARAM};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GetWindowThreadProcessId, IsWindowVisible, PostMessageW, WM_CLOSE,
};

/// Whom to ask, and whether somebody was asked.
struct Asked<'a> {
    pids: &'a [u32],
    any: bool,
}

/// Asks each visible window of these processes to close; says whether there was one. Processes without a desktop, such as services,
/// have none.
pub fn close_those_of(pids: &[u32]) -> io::Result<bool> {
    let mut asked = Asked { pids, any: false };
    // SAFETY: the callback gets what it expects, which lives until the end of the call.
    done(unsafe { EnumWindows(Some(ask), (&raw mut asked).expose_provenance().cast_signed()) })?;
    Ok(asked.any)
}

unsafe extern "system" fn ask(window: HWND, asked: LPARAM) -> i32 {
    // SAFETY: it is the address given above, and nobody else has it.
    let asked = unsafe { &mut *std::ptr::with_exposed_provenance_mut::<Asked<'_>>(asked.cast_unsigned()) };
    let mut pid = 0;
    // SAFETY: the window was just listed (a call for one that is gone fails), and there is room for the number.
    unsafe {
        GetWindowThreadProcessId(window, &raw mut pid);
        if asked.pids.contains(&pid) && IsWindowVisible(window) != 0 {
            asked.any |= PostMessageW(window, WM_CLOSE, 0, 0) != 0;
        }
    }
    1
}
