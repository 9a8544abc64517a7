//! The list of all processes as JSON, made once for everybody who asks at the same time.

use super::handle::Handle;
use axum::body::Bytes;
use process_monitor_client::api::ProcessList;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How old a list may be that is given to somebody: what no event tells of, such as memory, may be a little late. A
/// change of any state is in the next list in any case.
const FRESH: Duration = Duration::from_millis(250);

/// The last list.
#[derive(Default)]
pub struct Listing(Mutex<Option<Made>>);

struct Made {
    json: Bytes,
    at: Instant,
    /// Of the board, before it was read.
    version: u64,
}

impl Made {
    fn is_fresh(&self, version: u64) -> bool {
        self.version == version && self.at.elapsed() < FRESH
    }
}

impl Listing {
    /// The list, in the order of registration. Who comes while it is made waits for it; who has changed something
    /// before finds that in it.
    ///
    /// # Errors
    /// In words; none is known.
    pub async fn json(&self, handle: &Handle) -> Result<Bytes, String> {
        let mut last = self.0.lock().await;
        let version = handle.board().version();
        if let Some(made) = last.as_ref().filter(|made| made.is_fresh(version)) {
            return Ok(made.json.clone());
        }
        let processes = handle.statuses().await;
        let json = tokio::task::spawn_blocking(move || serde_json::to_vec(&ProcessList { processes }));
        let json = json.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let json = Bytes::from(json);
        *last = Some(Made { json: json.clone(), at: Instant::now(), version });
        Ok(json)
    }
}
