//! Listening.

use super::LocalConnection;
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::windows::event::Event;
use crate::sys::windows::object::is;
use crate::sys::windows::overlapped::Operation;
use crate::sys::windows::pipe;
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::path::Path;
use windows_sys::Win32::Foundation::ERROR_PIPE_CONNECTED;

/// Listens at a path. Its handle, for who waits, is an event: signalled while somebody waits to be accepted.
pub struct LocalListener {
    name: String,
    arrived: Event,
    /// To which the next one connects. There is none after it could not be made, for want of memory: it is tried again.
    next: RefCell<Option<Instance>>,
}

struct Instance {
    pipe: OwnedFd,
    connecting: Operation,
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Whatever it says: afterwards nothing is under way.
        let _ = self.connecting.cancel(self.pipe.as_fd());
    }
}

impl LocalListener {
    /// Listens at `path`, where it appears only then, so that who finds it can connect. What another has left there is replaced.
    ///
    /// # Errors
    /// What the system said.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let listener = Self { name: pipe::fresh_name()?, arrived: Event::new()?, next: RefCell::new(None) };
        listener.listen(true)?;
        pipe::publish(path, &listener.name)?;
        Ok(listener)
    }

    /// Who waits to be accepted. Programs that this process starts do not get the connection.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when nobody does.
    pub fn accept(&self) -> io::Result<LocalConnection> {
        let mut next = self.next.borrow_mut();
        let Some(instance) = next.as_mut() else {
            drop(next);
            self.listen(false)?;
            return Err(ErrorKind::WouldBlock.into());
        };
        if instance.connecting.is_under_way() && !instance.connecting.is_over() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let arrived = instance.connecting.finish(instance.pipe.as_fd());
        let connection = next.take().map(|instance| instance.into_connection());
        drop(next);
        // Signalled on, should this fail: then `accept` is called again, which tries it again.
        let listening = self.listen(false);
        // Gone before it was accepted.
        arrived.map_err(|_| ErrorKind::ConnectionAborted)?;
        listening?;
        connection.unwrap_or_else(|| Err(ErrorKind::ConnectionAborted.into()))
    }

    fn listen(&self, first: bool) -> io::Result<()> {
        let pipe = pipe::create(&self.name, first)?;
        self.arrived.reset()?;
        let mut instance = Instance { pipe, connecting: Operation::new(&self.arrived) };
        match instance.connecting.wait_to_connect(instance.pipe.as_fd()) {
            // Faster than we.
            Err(error) if is(&error, ERROR_PIPE_CONNECTED) => self.arrived.set()?,
            result => result?,
        }
        self.next.replace(Some(instance));
        Ok(())
    }
}

impl Instance {
    fn into_connection(self) -> io::Result<LocalConnection> {
        LocalConnection::new(self.pipe.try_clone()?)
    }
}

impl AsFd for LocalListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrived.as_fd()
    }
}
