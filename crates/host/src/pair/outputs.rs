//! Holding the outputs of the partner's programs. What a program has written and nobody has read yet lives in its
//! FIFO as long as somebody has that open. The monitor and its logger do; should both be killed, and the program end
//! before either is back, it would go with it. So the other monitor has them open, too. It never reads from them.

use crate::fd::{AsFd, OwnedFd};
use crate::layout::Layout;
use crate::process::limits;
use crate::sys::fifo;
use crate::sys::folders::FolderEvents;
use crate::sys::terms::{FolderInterest, What};
use crate::sys::wait;
use crate::sys::wakeup::Wakeup;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// Holds the outputs of all programs of an instance until it is dropped.
#[derive(Debug)]
pub struct HeldOutputs {
    stop: Arc<Wakeup>,
}

impl HeldOutputs {
    /// Opens what is there, and from now on, on a thread of its own, what comes; lets go what is removed.
    ///
    /// # Errors
    /// When the instance has no folder for FIFOs yet, or there are no descriptors or watches left.
    pub fn hold(layout: &Layout) -> io::Result<Self> {
        let folder = layout.fifos();
        let events = FolderEvents::new()?;
        events.watch(&folder, FolderInterest { comes: true, goes: true, ..FolderInterest::default() })?;
        let stop = Arc::new(Wakeup::new()?);
        let stopped = Arc::clone(&stop);
        let mut holder = Holder { folder, events, held: HashMap::new(), told: false };
        holder.open_all()?;
        thread::Builder::new().name("partner-outputs".into()).spawn(move || holder.run(&stopped))?;
        Ok(Self { stop })
    }
}

/// Ends the thread.
impl Drop for HeldOutputs {
    fn drop(&mut self) {
        if let Err(reason) = self.stop.wake() {
            tracing::error!(%reason, "cannot let go the outputs of the partner's programs");
        }
    }
}

struct Holder {
    folder: PathBuf,
    events: FolderEvents,
    held: HashMap<OsString, OwnedFd>,
    /// Whether it was told that not everything can be held.
    told: bool,
}

impl Holder {
    fn run(mut self, stop: &Wakeup) {
        loop {
            match wait::any(&[stop.as_fd(), self.events.as_fd()], None).as_deref() {
                Ok([true, _]) => return,
                Ok(_) => {}
                Err(reason) => {
                    tracing::error!(%reason, "the outputs of the partner's programs are not held any more");
                    return;
                }
            }
            self.take_events();
        }
    }

    fn take_events(&mut self) {
        let (mut came, mut went, mut overflow) = (Vec::new(), Vec::new(), false);
        let read = self.events.drain(|event| {
            let name = event.name.map(ToOwned::to_owned);
            match event.what {
                What::Went => went.extend(name),
                What::Came => came.extend(name),
                What::Anything => overflow = true,
                _ => {}
            }
        });
        if let Err(reason) = read {
            tracing::error!(%reason, "cannot read which outputs of the partner's programs came and went");
        }
        came.into_iter().for_each(|name| self.open(name));
        // After what came: names are not used twice.
        went.iter().for_each(|name| drop(self.held.remove(name)));
        if overflow {
            let folder = &self.folder;
            self.held.retain(|name, _| folder.join(name).exists());
            if let Err(error) = self.open_all() {
                tracing::warn!(%error, "some outputs of the partner's programs are not held");
            }
        }
    }

    fn open_all(&mut self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            self.open(entry?.file_name());
        }
        Ok(())
    }

    fn open(&mut self, name: OsString) {
        if self.held.contains_key(&name) {
            return;
        }
        match open_fifo(&self.folder.join(&name)) {
            Ok(Some(end)) => drop(self.held.insert(name, end)),
            Ok(None) => {}
            Err(error) if !std::mem::replace(&mut self.told, true) => {
                tracing::warn!(%error, "not every output of the partner's programs is held; nothing is lost unless both its monitor and its logger are killed");
            }
            Err(_) => {}
        }
    }
}

/// The reading end of a FIFO; `None` for anything else, and for what is gone again.
fn open_fifo(path: &Path) -> io::Result<Option<OwnedFd>> {
    if !is_output(path) {
        return Ok(None);
    }
    let Some(end) = fifo::hold(path)? else { return Ok(None) };
    // What this is for is an improbable case; the descriptors for everything else come first.
    if limits::is_in_second_half(&end) {
        return Err(io::Error::other("half of the descriptors are in use"));
    }
    Ok(Some(end))
}

fn is_output(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "out" || extension == "err")
}
