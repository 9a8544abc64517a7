//! The list of all processes as JSON, made once for everybody who asks at the same time, and of each process only when
//! something is new.

use super::handle::Handle;
use axum::body::Bytes;
use process_monitor_core::engine::View;
use process_monitor_core::pace::Pace;
use process_monitor_host::clock::{Clock, thread_time};
use std::io::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::sleep;

/// How old a list may be that is given to somebody: what no event tells of, such as memory, may be a little late. A
/// change of any state is in the next list in any case.
const FRESH: Duration = Duration::from_millis(250);

/// A list that takes long to make may be older: so many times as long as that took, so that those who list all the time
/// cannot have the monitor do nothing else. But no older than [`OLDEST`].
const TIMES_AS_LONG: u32 = 4;

/// No list is older, however many processes there are.
const OLDEST: Duration = Duration::from_millis(1000);

const BEGINNING: &[u8] = br#"{"processes":["#;
const END: &[u8] = b"]}";

/// The last list.
#[derive(Default)]
pub struct Listing {
    last: Mutex<Option<Arc<Made>>>,
    turns: Arc<Turns>,
}

/// Who is given a list next. Lists are long, and whoever asks for them without a pause must not keep the processors from
/// what starts programs again. All are given on the API's one thread, which sends each before the next has its turn.
#[derive(Default)]
struct Turns {
    clock: Clock,
    pace: Mutex<Pace>,
    /// What other threads took of the processors to make lists, in nanoseconds.
    making: AtomicU64,
}

impl Turns {
    /// Waits for it, first come first served.
    async fn wait(&self) {
        let mut pace = self.pace.lock().await;
        loop {
            let making = Duration::from_nanos(self.making.load(Ordering::Relaxed));
            let wait = pace.wait(self.clock.mono(), thread_time(), making);
            if wait.is_zero() {
                return;
            }
            sleep(wait).await;
        }
    }

    /// Another list was made, on a thread that had taken `before` by then.
    fn account(&self, before: Duration) {
        let taken = u64::try_from(thread_time().saturating_sub(before).as_nanos()).unwrap_or(u64::MAX);
        self.making.fetch_add(taken, Ordering::Relaxed);
    }
}

struct Made {
    json: Bytes,
    parts: Vec<Part>,
    /// When the oldest of its parts was made.
    oldest: Instant,
    /// How old its parts may be.
    fresh: Duration,
    /// Of the board, before it was read.
    version: u64,
}

/// One process in the list.
struct Part {
    view: Arc<View>,
    at: Range<usize>,
    made: Instant,
}

impl Made {
    fn is_fresh(&self, version: u64) -> bool {
        self.version == version && self.oldest.elapsed() < self.fresh
    }

    /// The JSON of the process at `index`, and since when it is so, if nothing is new of it.
    fn still(&self, index: usize, view: &Arc<View>) -> Option<(&[u8], Instant)> {
        let part = self.parts.get(index).filter(|part| Arc::ptr_eq(&part.view, view))?;
        let json = self.json.get(part.at.clone()).filter(|_| part.made.elapsed() < self.fresh)?;
        Some((json, part.made))
    }
}

impl Listing {
    /// The list, in the order of registration. Who comes while it is made waits for it; who has changed something
    /// before finds that in it.
    ///
    /// # Errors
    /// In words; none is known.
    pub async fn json(&self, handle: &Handle) -> Result<Bytes, String> {
        self.turns.wait().await;
        let mut last = self.last.lock().await;
        let version = handle.board().version();
        if let Some(made) = last.as_ref().filter(|made| made.is_fresh(version)) {
            return Ok(made.json.clone());
        }
        let (before, of, turns) = (last.clone(), handle.clone(), Arc::clone(&self.turns));
        let made = tokio::task::spawn_blocking(move || {
            let begun = thread_time();
            let made = make(version, before.as_deref(), &of);
            turns.account(begun);
            made
        });
        let made = made.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let json = made.json.clone();
        *last = Some(Arc::new(made));
        Ok(json)
    }
}

fn make(version: u64, before: Option<&Made>, handle: &Handle) -> io::Result<Made> {
    let begun = Instant::now();
    let views = handle.board().all();
    let mut json = Vec::with_capacity(before.map_or(0, |made| made.json.len() + made.json.len() / 8));
    let mut parts = Vec::with_capacity(views.len());
    json.extend_from_slice(BEGINNING);
    for (index, view) in views.into_iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        let begin = json.len();
        let made = match before.and_then(|before| before.still(index, &view)) {
            Some((same, made)) => {
                json.write_all(same)?;
                made
            }
            None => {
                serde_json::to_writer(&mut json, &handle.glance(&view))?;
                // All at once: were each old at a time of its own, every list would be made for the sake of a few.
                begun
            }
        };
        parts.push(Part { view, at: begin..json.len(), made });
    }
    json.extend_from_slice(END);
    let oldest = parts.iter().map(|part: &Part| part.made).min().unwrap_or(begun);
    let fresh = (begun.elapsed() * TIMES_AS_LONG).clamp(FRESH, OLDEST);
    // A list of which a part was there already was made faster than it will be next time.
    let fresh = before.filter(|_| oldest < begun).map_or(fresh, |before| before.fresh.max(fresh));
    Ok(Made { json: json.into(), parts, oldest, fresh, version })
}
