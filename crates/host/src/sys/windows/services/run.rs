//! Being a service: the manager is told how this process is, and it tells when that has to stop ("Service Programs").

use crate::service_manager::State;
use crate::sys::signals;
use crate::sys::users::wide;
use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use windows_sys::Win32::Foundation::{ERROR_CALL_NOT_IMPLEMENTED, ERROR_SERVICE_SPECIFIC_ERROR, NO_ERROR};
use windows_sys::Win32::System::Console::GetConsoleWindow;
use windows_sys::Win32::System::Services::{
    RegisterServiceCtrlHandlerExW, SERVICE_ACCEPT_PRESHUTDOWN, SERVICE_ACCEPT_STOP,
    SERVICE_CONTROL_INTERROGATE, SERVICE_CONTROL_PRESHUTDOWN, SERVICE_CONTROL_STOP, SERVICE_RUNNING,
    SERVICE_START_PENDING, SERVICE_STATUS, SERVICE_STOP_PENDING, SERVICE_STOPPED, SERVICE_TABLE_ENTRYW,
    SERVICE_WIN32_OWN_PROCESS, SetServiceStatus, StartServiceCtrlDispatcherW,
};
use windows_sys::core::PWSTR;

/// How long a start may take, and what a stop takes before more is known, in milliseconds.
const PATIENCE: u32 = 60_000;

type Work = Box<dyn FnOnce() -> u32 + Send>;

/// What the service does, until it is called to do it. A process is one service at most, so one place is enough.
static WORK: Mutex<Option<Work>> = Mutex::new(None);
static IS_SERVICE: AtomicBool = AtomicBool::new(false);
/// By which the manager is told.
static STATUS: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Whether the service control manager has started this process.
pub fn is_service() -> bool {
    IS_SERVICE.load(Ordering::SeqCst)
}

/// Does `run`: as a service, if the manager has started this process, which it has not when there is a console. `code` tells of
/// what came of it with which code a service ends; with another one than 0 the manager starts it again.
pub fn supervised<T: Send + 'static>(
    run: impl FnOnce() -> T + Send + 'static,
    code: impl FnOnce(&T) -> u32 + Send + 'static,
) -> T {
    // SAFETY: it asks for a window.
    if !unsafe { GetConsoleWindow() }.is_null() {
        return run();
    }
    let (tell, told) = std::sync::mpsc::channel();
    // Whoever comes first: the manager's thread, or this one when there is no manager.
    let run = std::sync::Arc::new(Mutex::new(Some((run, code))));
    let same = std::sync::Arc::clone(&run);
    let work = move || {
        let taken = same.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((run, code)) = taken else { return 0 };
        let result = run();
        let code = code(&result);
        // The main thread waits for it, or has given up.
        let _gone = tell.send(result);
        code
    };
    *WORK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
    let mut name = wide("");
    let table = [
        SERVICE_TABLE_ENTRYW { lpServiceName: name.as_mut_ptr(), lpServiceProc: Some(service_main) },
        SERVICE_TABLE_ENTRYW { lpServiceName: ptr::null_mut(), lpServiceProc: None },
    ];
    // SAFETY: the table ends with an empty entry. It returns when the service has ended, or at once when there is none.
    unsafe { StartServiceCtrlDispatcherW(table.as_ptr()) };
    let left = run.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (left, told) {
        (Some((run, _)), _) => run(),
        (None, told) => told.recv().unwrap_or_else(|_| std::process::exit(1)),
    }
}

/// Called by the system, on a thread of its own.
unsafe extern "system" fn service_main(_count: u32, _words: *mut PWSTR) {
    IS_SERVICE.store(true, Ordering::SeqCst);
    let name = wide("");
    // SAFETY: the name is null-terminated (ignored for a service of its own process), the function lives as long as the process.
    let status = unsafe { RegisterServiceCtrlHandlerExW(name.as_ptr(), Some(obey), ptr::null()) };
    STATUS.store(status, Ordering::SeqCst);
    say(SERVICE_START_PENDING, 0, PATIENCE, NO_ERROR);
    let work = WORK.lock().unwrap_or_else(PoisonError::into_inner).take();
    let code = work.map_or(0, |work| work());
    say(SERVICE_STOPPED, 0, 0, code);
}

/// Called by the system whenever the manager wants something.
unsafe extern "system" fn obey(what: u32, _kind: u32, _data: *mut c_void, _context: *mut c_void) -> u32 {
    match what {
        SERVICE_CONTROL_STOP | SERVICE_CONTROL_PRESHUTDOWN => {
            say(SERVICE_STOP_PENDING, 0, PATIENCE, NO_ERROR);
            signals::want_stop();
            NO_ERROR
        }
        SERVICE_CONTROL_INTERROGATE => NO_ERROR,
        _ => ERROR_CALL_NOT_IMPLEMENTED,
    }
}

/// Tells the manager, if one has started this process, how that is.
pub fn tell(state: State) {
    if !is_service() {
        return;
    }
    match state {
        State::Ready => say(SERVICE_RUNNING, SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN, 0, NO_ERROR),
        State::Stopping { within } => {
            let millis = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
            say(SERVICE_STOP_PENDING, 0, millis, NO_ERROR);
        }
    }
}

/// `code` counts at the end only.
fn say(state: u32, accepts: u32, patience: u32, code: u32) {
    let status = SERVICE_STATUS {
        dwServiceType: SERVICE_WIN32_OWN_PROCESS,
        dwCurrentState: state,
        dwControlsAccepted: accepts,
        dwWin32ExitCode: if code == 0 { NO_ERROR } else { ERROR_SERVICE_SPECIFIC_ERROR },
        dwServiceSpecificExitCode: code,
        // It tells that something goes on; one step is all that is known.
        dwCheckPoint: u32::from(patience != 0),
        dwWaitHint: patience,
    };
    let handle = STATUS.load(Ordering::SeqCst);
    // SAFETY: the handle is of this service; one that is null is refused.
    if unsafe { SetServiceStatus(handle, &raw const status) } == 0 {
        tracing::warn!(error = %std::io::Error::last_os_error(), "the service control manager cannot be told");
    }
}
