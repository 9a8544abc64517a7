//! A service's definition as text: the line by which it is known whose it is, then one `name: value` a line. The first line is
//! the service's description, so that what is installed can be told from what somebody has changed.

use super::manager::Handle;
use crate::files::FileError;
use crate::service_manager::ManagerError;
use crate::sys::users::wide;
use crate::sys::windows::object::{done, is};
use std::io;
use std::path::{Path, PathBuf};
use std::ptr;
use windows_sys::Win32::Foundation::{ERROR_INVALID_LEVEL, ERROR_SERVICE_DOES_NOT_EXIST};
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, ChangeServiceConfigW, CreateServiceW, DeleteService, QUERY_SERVICE_CONFIGW,
    QueryServiceConfig2W, QueryServiceConfigW, QueryServiceStatus, SC_ACTION, SC_ACTION_RESTART,
    SC_MANAGER_CONNECT, SC_MANAGER_CREATE_SERVICE, SERVICE_ALL_ACCESS, SERVICE_AUTO_START,
    SERVICE_CHANGE_CONFIG, SERVICE_CONFIG_DESCRIPTION, SERVICE_CONFIG_FAILURE_ACTIONS,
    SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, SERVICE_CONFIG_PRESHUTDOWN_INFO, SERVICE_DEMAND_START,
    SERVICE_DESCRIPTIONW, SERVICE_ERROR_NORMAL, SERVICE_FAILURE_ACTIONS_FLAG, SERVICE_FAILURE_ACTIONSW,
    SERVICE_NO_CHANGE, SERVICE_PRESHUTDOWN_INFO, SERVICE_QUERY_CONFIG, SERVICE_QUERY_STATUS, SERVICE_RUNNING,
    SERVICE_START_PENDING, SERVICE_START_TYPE, SERVICE_STATUS, SERVICE_STOP_PENDING, SERVICE_STOPPED,
    SERVICE_WIN32_OWN_PROCESS,
};

/// Where the manager keeps its services, for people: there is no file.
const KEPT_IN: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

/// After how many seconds without a failure the next counts as the first.
const FORGIVEN_AFTER: u32 = 60 * 60;

/// How long the machine's shutdown waits for a stop, in milliseconds.
const SHUTDOWN_WAITS: u32 = 120_000;

/// When it is started again after it has failed, in milliseconds: the last is for all further times.
const RESTARTED_AFTER: [u32; 3] = [0, 1_000, 5_000];

/// Where units are.
///
/// # Errors
/// For a user: the manager starts services for the machine only.
pub fn folder(of_user: bool) -> Result<PathBuf, ManagerError> {
    if of_user { Err(ManagerError::MachineOnly) } else { Ok(KEPT_IN.into()) }
}

/// What is in a text.
struct Definition<'a> {
    description: &'a str,
    display_name: &'a str,
    command: &'a str,
}

impl<'a> Definition<'a> {
    fn parse(text: &'a str) -> io::Result<Self> {
        let (description, body) = text.split_once('\n').ok_or(io::ErrorKind::InvalidData)?;
        let value = |name: &str| body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let missing = || io::Error::from(io::ErrorKind::InvalidData);
        Ok(Self {
            description,
            display_name: value("name").ok_or_else(missing)?,
            command: value("command").ok_or_else(missing)?,
        })
    }
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The definition of the service at `path`; `None` where there is none.
///
/// # Errors
/// When the manager does not tell.
pub fn read_unit(path: &Path) -> Result<Option<String>, FileError> {
    let access = SERVICE_QUERY_CONFIG;
    let opened =
        Handle::manager(SC_MANAGER_CONNECT).and_then(|manager| manager.service(name_of(path), access));
    match opened.and_then(|service| text_of(&service)) {
        Ok(text) => Ok(Some(text)),
        Err(missing) if is_missing(&missing) => Ok(None),
        Err(error) => Err(FileError::os("read the service", path)(error)),
    }
}

fn is_missing(error: &io::Error) -> bool {
    is(error, ERROR_SERVICE_DOES_NOT_EXIST)
}

fn text_of(service: &Handle) -> io::Result<String> {
    // "The maximum size of this array is 8K bytes" (QueryServiceConfigW, QueryServiceConfig2W).
    let (mut config, mut description, mut needed) = (vec![0_u64; 1 << 10], vec![0_u64; 1 << 10], 0);
    let size = size_of_val(config.as_slice()) as u32;
    // SAFETY: both buffers have the size that is given, are aligned, and hold what they point to.
    unsafe {
        let into = config.as_mut_ptr().cast::<QUERY_SERVICE_CONFIGW>();
        done(QueryServiceConfigW(service.as_raw(), into, size, &raw mut needed))?;
        let into_description = description.as_mut_ptr().cast::<SERVICE_DESCRIPTIONW>();
        let as_bytes = into_description.cast();
        done(QueryServiceConfig2W(
            service.as_raw(),
            SERVICE_CONFIG_DESCRIPTION,
            as_bytes,
            size,
            &raw mut needed,
        ))?;
        let start = if (*into).dwStartType == SERVICE_AUTO_START { "auto" } else { "by hand" };
        Ok(format!(
            "{}\nname: {}\nstart: {start}\ncommand: {}\n",
            text_at((*into_description).lpDescription),
            text_at((*into).lpDisplayName),
            text_at((*into).lpBinaryPathName)
        ))
    }
}

/// # Safety
/// `text` is null, or null-terminated.
unsafe fn text_at(text: *const u16) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: up to its end, which there is.
    unsafe {
        let length = (0..).take_while(|at| *text.add(*at) != 0).count();
        String::from_utf16_lossy(std::slice::from_raw_parts(text, length))
    }
}

/// Creates the service at `path` as `text` defines it, or changes the one that is there: started with the machine, and again
/// whenever it fails.
///
/// # Errors
/// When the manager refuses.
pub fn write_unit(path: &Path, text: &str) -> Result<(), FileError> {
    define(name_of(path), text).map_err(FileError::os("write the service", path))
}

fn define(name: &str, text: &str) -> io::Result<()> {
    let definition = Definition::parse(text)?;
    let manager = Handle::manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE)?;
    let service = match manager.service(name, SERVICE_ALL_ACCESS) {
        Ok(service) => {
            change(&service, &definition)?;
            service
        }
        Err(missing) if is_missing(&missing) => create(&manager, name, &definition)?,
        Err(error) => return Err(error),
    };
    describe(&service, definition.description)?;
    recover(&service)
}

fn create(manager: &Handle, name: &str, definition: &Definition<'_>) -> io::Result<Handle> {
    let [name, display, command] = [name, definition.display_name, definition.command].map(wide);
    // SAFETY: all texts are null-terminated; what is null is left to the system (LocalSystem).
    Handle::new(unsafe {
        CreateServiceW(
            manager.as_raw(),
            name.as_ptr(),
            display.as_ptr(),
            SERVICE_ALL_ACCESS,
            SERVICE_WIN32_OWN_PROCESS,
            SERVICE_AUTO_START,
            SERVICE_ERROR_NORMAL,
            command.as_ptr(),
            ptr::null(),
            ptr::null_mut(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
        )
    })
}

fn change(service: &Handle, definition: &Definition<'_>) -> io::Result<()> {
    configure(service, SERVICE_AUTO_START, Some(definition))
}

/// Sets how the service is started, and with `definition` also what that is.
fn configure(
    service: &Handle,
    start: SERVICE_START_TYPE,
    definition: Option<&Definition<'_>>,
) -> io::Result<()> {
    let texts = definition.map(|definition| [definition.command, definition.display_name].map(wide));
    let [command, display] =
        texts.as_ref().map_or([ptr::null(); 2], |texts| texts.each_ref().map(|text| text.as_ptr()));
    // SAFETY: the texts are null-terminated; what is null stays as it is.
    done(unsafe {
        ChangeServiceConfigW(
            service.as_raw(),
            SERVICE_NO_CHANGE,
            start,
            SERVICE_NO_CHANGE,
            command,
            ptr::null(),
            ptr::null_mut(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
            display,
        )
    })
}

fn describe(service: &Handle, description: &str) -> io::Result<()> {
    let mut text = wide(description);
    set(service, SERVICE_CONFIG_DESCRIPTION, &SERVICE_DESCRIPTIONW { lpDescription: text.as_mut_ptr() })
}

/// Also an end with another exit code than 0 is a failure: by it a monitor asks for a fresh one.
fn recover(service: &Handle) -> io::Result<()> {
    let mut actions = RESTARTED_AFTER.map(|delay| SC_ACTION { Type: SC_ACTION_RESTART, Delay: delay });
    let failures = SERVICE_FAILURE_ACTIONSW {
        dwResetPeriod: FORGIVEN_AFTER,
        lpRebootMsg: ptr::null_mut(),
        lpCommand: ptr::null_mut(),
        cActions: actions.len() as u32,
        lpsaActions: actions.as_mut_ptr(),
    };
    set(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failures)?;
    let also = SERVICE_FAILURE_ACTIONS_FLAG { fFailureActionsOnNonCrashFailures: 1 };
    known(set(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also))?;
    let patience = SERVICE_PRESHUTDOWN_INFO { dwPreshutdownTimeout: SHUTDOWN_WAITS };
    known(set(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &patience))
}

/// What a system that is not quite Windows does not know (wine) is left out: the service works without.
fn known(set: io::Result<()>) -> io::Result<()> {
    set.or_else(|error| if is(&error, ERROR_INVALID_LEVEL) { Ok(()) } else { Err(error) })
}

fn set<T>(service: &Handle, what: u32, value: &T) -> io::Result<()> {
    // SAFETY: the value is of the type that `what` names.
    done(unsafe { ChangeServiceConfig2W(service.as_raw(), what, ptr::from_ref(value).cast()) })
}

/// Has the manager forget the service at `path`; one that runs goes on.
///
/// # Errors
/// When it refuses.
pub fn remove_unit(path: &Path) -> io::Result<()> {
    let manager = Handle::manager(SC_MANAGER_CONNECT)?;
    let service = manager.service(name_of(path), SERVICE_ALL_ACCESS)?;
    // SAFETY: it is open.
    done(unsafe { DeleteService(service.as_raw()) })
}

/// Has the manager not start the service `name` any more by itself.
///
/// # Errors
/// When it refuses.
pub fn disable(name: &str) -> io::Result<()> {
    let service = Handle::manager(SC_MANAGER_CONNECT)?.service(name, SERVICE_CHANGE_CONFIG)?;
    configure(&service, SERVICE_DEMAND_START, None)
}

/// Whether the manager starts the service `name` by itself.
///
/// # Errors
/// When it does not tell.
pub fn is_enabled(name: &str) -> io::Result<String> {
    let service = Handle::manager(SC_MANAGER_CONNECT)?.service(name, SERVICE_QUERY_CONFIG)?;
    let automatic = text_of(&service)?.contains("\nstart: auto\n");
    Ok(if automatic { "enabled" } else { "disabled" }.to_owned())
}

/// Whether the service `name` runs.
///
/// # Errors
/// When the manager does not tell.
pub fn is_active(name: &str) -> io::Result<String> {
    let service = Handle::manager(SC_MANAGER_CONNECT)?.service(name, SERVICE_QUERY_STATUS)?;
    let mut status = SERVICE_STATUS::default();
    // SAFETY: it is filled by the call.
    done(unsafe { QueryServiceStatus(service.as_raw(), &raw mut status) })?;
    let word = match status.dwCurrentState {
        SERVICE_RUNNING => "running",
        SERVICE_STOPPED => "stopped",
        SERVICE_START_PENDING => "starting",
        SERVICE_STOP_PENDING => "stopping",
        _ => "paused",
    };
    Ok(word.to_owned())
}
