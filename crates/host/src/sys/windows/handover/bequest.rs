//! Leaving.

use super::gift::{Gift, Heir, Heritable};
use super::{PREDECESSOR_VARIABLE, STOP};
use crate::fd::OwnedFd;
use crate::handover::Heirloom;
use crate::sys::windows::object::owned;
use crate::sys::windows::process::spawn::inheritance;
use crate::sys::{services, signals};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::ptr;
use std::sync::Arc;
use windows_sys::Win32::Foundation::{WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Threading::{CreateEventW, WaitForMultipleObjects};

/// How long the heir may take until it has the instance's lock, in milliseconds.
const TAKEN_WITHIN: u32 = 60_000;

/// What the next monitor gets, by name.
#[derive(Default)]
pub struct Bequest {
    items: Vec<(String, Heirloom)>,
}

impl Bequest {
    /// Adds something. Several may have one name.
    pub fn add(&mut self, name: &str, heirloom: Heirloom) {
        self.items.push((name.to_owned(), heirloom));
    }

    /// Adds bytes, which are gone when the next monitor dies.
    ///
    /// # Errors
    /// Never, here.
    pub fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.add(name, Arc::new(Bytes(bytes.to_vec())));
        Ok(())
    }

    /// Starts `executable` with `args`, with the same environment and console, and ends this process when that has taken over.
    /// With `watched` somebody waits for the end of this process: then it stays until its heir ends, and ends as that.
    ///
    /// Returns only when nobody follows. The instance's lock may be released then, so that the caller can do no more than
    /// end.
    pub fn exec(mut self, executable: &Path, args: &[OsString], watched: bool) -> io::Error {
        if services::is_service() {
            return io::Error::new(
                io::ErrorKind::Unsupported,
                "the service control manager starts the one that follows",
            );
        }
        if signals::stop_is_wanted()
            && let Err(error) = self.add_bytes(STOP, &[])
        {
            return error;
        }
        match self.into_heir(executable, args) {
            Ok(mut heir) if watched => {
                std::process::exit(heir.wait().ok().and_then(|end| end.code()).unwrap_or(1))
            }
            Ok(_) => std::process::exit(0),
            Err(error) => error,
        }
    }

    /// The process that follows, once it has taken over.
    fn into_heir(self, executable: &Path, args: &[OsString]) -> io::Result<Child> {
        crate::failpoint::refused("handover::exec")?;
        let taken = event()?;
        let mut command = Command::new(executable);
        command.args(args).env(PREDECESSOR_VARIABLE, std::process::id().to_string()).stdin(Stdio::piped());
        let mut child = inheritance::alone(|| command.spawn())?;
        let followed = self.give(&mut child, &taken).and_then(|()| wait(&taken, &child));
        if let Err(error) = followed {
            // It cannot be the monitor without what it was to get. If it has ended already, that is as well.
            let _ended = child.kill();
            return Err(error);
        }
        Ok(child)
    }

    /// The heir does nothing before it has read all of it; then it is its own alone.
    fn give(self, child: &mut Child, taken: &OwnedFd) -> io::Result<()> {
        let heir = Heir { child, taken };
        let gifts = self.items.iter().map(|(name, item)| Ok((name.as_str(), item.give(&heir)?)));
        let gifts: Vec<(&str, Gift)> = gifts.collect::<io::Result<_>>()?;
        let Some(mut input) = child.stdin.take() else { return Err(io::ErrorKind::BrokenPipe.into()) };
        serde_json::to_writer(&mut input, &gifts)?;
        drop(gifts);
        drop(self);
        input.flush()
    }
}

impl fmt::Debug for Bequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items.iter().map(|(name, _)| name)).finish()
    }
}

struct Bytes(Vec<u8>);

impl Heritable for Bytes {
    fn give(&self, _heir: &Heir<'_>) -> io::Result<Gift> {
        Ok(Gift::bytes(&self.0))
    }
}

/// Something to be set once.
fn event() -> io::Result<OwnedFd> {
    // SAFETY: it has no name and no attributes.
    owned(unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) })
}

/// Waits until the heir has taken over.
fn wait(taken: &OwnedFd, child: &Child) -> io::Result<()> {
    const ENDED: u32 = WAIT_OBJECT_0 + 1;
    let either = [taken.as_raw_handle(), child.as_raw_handle()];
    // SAFETY: both are open as long as the call.
    match unsafe { WaitForMultipleObjects(2, either.as_ptr(), 0, TAKEN_WITHIN) } {
        WAIT_OBJECT_0 => Ok(()),
        ENDED => Err(io::Error::other(
            "the monitor that was to follow ended before it had taken over; its log says why",
        )),
        WAIT_TIMEOUT => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the monitor that was to follow did not take over within {} s", TAKEN_WITHIN / 1000),
        )),
        _ => Err(io::Error::last_os_error()),
    }
}
