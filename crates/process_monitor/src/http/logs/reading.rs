//! Reading off the async thread, and waiting for more.

use super::encode::Encoder;
use crate::daemon::EventHub;
use crate::http::error::ApiError;
use axum::body::Bytes;
use process_monitor_core::id::ProcessId;
use process_monitor_host::files::FileError;
use process_monitor_host::layout::Layout;
use process_monitor_host::output::read::{Chunk, Cursor, LiveReader, OutputReader, Selection, WatchHub};
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How many may read at a time; and how many of those who are not trusted, so that they leave room for others.
const SEATS: usize = 256;
const SEATS_OF_STRANGERS: usize = 128;

/// How much is read at a time, in bytes; the last line may exceed it.
const BATCH: usize = 16 << 10;

/// A reader to which nothing was printed for so long closes its files.
const PARK_AFTER: Duration = Duration::from_secs(1);

/// So often something is sent, so that either side notices when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type BoxError = Box<dyn StdError + Send + Sync>;

/// Where readers of output come for it. Clones share it.
#[derive(Clone)]
pub struct OutputDesk {
    /// Made by the first who follows.
    hub: Arc<Mutex<Option<Arc<WatchHub>>>>,
    seats: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

/// To be kept while reading, also while nobody waits for it any more: who asks and leaves again and again shall not have
/// more read for him at a time than who stays.
pub(super) struct Seat {
    _one: OwnedSemaphorePermit,
    _of_strangers: Option<OwnedSemaphorePermit>,
}

impl Default for OutputDesk {
    fn default() -> Self {
        let [seats, strangers] = [SEATS, SEATS_OF_STRANGERS].map(|count| Arc::new(Semaphore::new(count)));
        Self { hub: Arc::default(), seats, strangers }
    }
}

impl OutputDesk {
    /// For one who is a stranger or not; `None` when too many read.
    pub(super) fn seat(&self, stranger: bool) -> Option<Seat> {
        let free = |seats: &Arc<Semaphore>| Arc::clone(seats).try_acquire_owned().ok();
        let _of_strangers = if stranger { Some(free(&self.strangers)?) } else { None };
        Some(Seat { _one: free(&self.seats)?, _of_strangers })
    }

    /// Begins to read. Reads files, which may be many and large.
    pub(super) fn read(
        &self,
        layout: &Layout,
        id: &ProcessId,
        selection: Selection,
        seat: Seat,
    ) -> Result<Reading, FileError> {
        let woken = Arc::new(Notify::new());
        if !selection.follow {
            let reader = Reader::Once(OutputReader::open(layout, id, selection)?);
            return Ok(Reading { reader, woken, seat });
        }
        let wake = Arc::clone(&woken);
        let reader = self.hub()?.follow(layout, id, selection, move || wake.notify_one())?;
        Ok(Reading { reader: Reader::Live(reader), woken, seat })
    }

    fn hub(&self) -> Result<Arc<WatchHub>, FileError> {
        let mut hub = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(match &mut *hub {
            Some(hub) => hub,
            none => none.insert(Arc::new(WatchHub::new()?)),
        }))
    }
}

enum Reader {
    Once(OutputReader),
    Live(LiveReader),
}

impl Reader {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, FileError> {
        match self {
            Self::Once(reader) => reader.next_chunk(),
            Self::Live(reader) => reader.next_chunk(),
        }
    }

    fn cursor(&self) -> Cursor {
        match self {
            Self::Once(reader) => reader.cursor(),
            Self::Live(reader) => reader.cursor(),
        }
    }
}

/// A reader, and how it is told that there is more.
pub struct Reading {
    reader: Reader,
    woken: Arc<Notify>,
    seat: Seat,
}

/// What `work` returns, which may take a while.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "reading output ended badly");
        ApiError::internal("reading output ended badly; the monitor's log says why")
    })
}

/// Says whether something may still be done.
pub(super) type May = Box<dyn Fn() -> bool + Send + Sync>;

/// The body of an answer.
pub(super) struct Output {
    /// Taken while it reads.
    work: Option<Work>,
    woken: Arc<Notify>,
    events: EventHub,
    begun: bool,
    /// The monitor ends: what there is goes out, and no more.
    closing: bool,
    over: bool,
    /// Whether what was read may go out.
    may: May,
}

struct Work {
    reader: Reader,
    encoder: Encoder,
    /// Read, but not encoded.
    rest: Option<Chunk>,
    _seat: Seat,
}

/// Why waiting is over.
enum Woken {
    ThereMayBeMore,
    Idle,
    KeepAlive,
    Closing,
}

impl Output {
    pub(super) fn new(reading: Reading, encoder: Encoder, events: EventHub, may: May) -> Self {
        let Reading { reader, woken, seat } = reading;
        let work = Some(Work { reader, encoder, rest: None, _seat: seat });
        Self { work, woken, events, begun: false, closing: false, over: false, may }
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        while !self.over {
            let batch = match self.batch().await {
                Ok(batch) => batch,
                Err(error) => {
                    tracing::warn!(%error, "cannot go on with reading output for a client");
                    self.over = true;
                    return Some(Err(error));
                }
            };
            // Asked when it has been read: so nothing goes out that came when it was forbidden already.
            if !(self.may)() {
                self.over = true;
                return None;
            }
            if !batch.is_empty() {
                return Some(Ok(batch.into()));
            }
            if let Some(sign) = self.wait().await {
                return Some(Ok(Bytes::from_static(sign)));
            }
        }
        None
    }

    /// What is there, encoded; empty when there is nothing.
    async fn batch(&mut self) -> Result<Vec<u8>, BoxError> {
        let Some(mut work) = self.work.take() else { return Ok(Vec::new()) };
        let first = !std::mem::replace(&mut self.begun, true);
        let read = tokio::task::spawn_blocking(move || {
            let batch = work.batch(first);
            (work, batch)
        });
        let (work, batch) = read.await?;
        self.work = Some(work);
        batch
    }

    /// Waits until there may be more, or it is over; or until a sign of life is due.
    async fn wait(&mut self) -> Option<&'static [u8]> {
        let mut idle = false;
        loop {
            match self.woken(idle).await {
                Woken::ThereMayBeMore => return None,
                Woken::Closing => {
                    self.closing = true;
                    return None;
                }
                Woken::KeepAlive => return self.work.as_ref().and_then(|work| work.encoder.alive()),
                Woken::Idle => {
                    idle = true;
                    if let Some(Work { reader: Reader::Live(reader), .. }) = &mut self.work {
                        reader.park();
                    }
                }
            }
        }
    }

    async fn woken(&mut self, idle: bool) -> Woken {
        let reader = self.work.as_ref().map(|work| &work.reader);
        let (Some(Reader::Live(reader)), false) = (reader, self.closing) else {
            self.over = true;
            return Woken::ThereMayBeMore;
        };
        let deadline = reader.deadline();
        tokio::select! {
            () = self.woken.notified() => Woken::ThereMayBeMore,
            () = until(deadline) => Woken::ThereMayBeMore,
            () = self.events.closed() => Woken::Closing,
            () = tokio::time::sleep(PARK_AFTER), if !idle => Woken::Idle,
            () = tokio::time::sleep(KEEP_ALIVE) => Woken::KeepAlive,
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

impl Work {
    fn batch(&mut self, first: bool) -> Result<Vec<u8>, BoxError> {
        let mut batch = if first { self.encoder.begin(&self.reader.cursor()) } else { Vec::new() };
        while batch.len() < BATCH
            && let Some(chunk) = self.next_chunk()?
        {
            self.rest = self.encoder.add(chunk, &mut batch, BATCH)?;
        }
        Ok(batch)
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>, FileError> {
        match self.rest.take() {
            None => self.reader.next_chunk(),
            rest => Ok(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_leave_room_for_others() {
        let desk = OutputDesk::default();
        let strangers: Vec<_> = std::iter::from_fn(|| desk.seat(true)).collect();
        assert_eq!(strangers.len(), SEATS_OF_STRANGERS);
        let others: Vec<_> = std::iter::from_fn(|| desk.seat(false)).collect();
        assert_eq!(others.len(), SEATS - SEATS_OF_STRANGERS);
        drop(strangers);
        assert!(desk.seat(true).is_some());
    }
}
