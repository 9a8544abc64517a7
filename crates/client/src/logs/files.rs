//! Lines from the files, while no monitor runs.

use super::LogLine;
use crate::api::{ErrorCode, LogQuery, Problem};
use crate::{Error, store};
use process_monitor_core::id::ProcessId;
use process_monitor_host::clock;
use process_monitor_host::files::FileError;
use process_monitor_host::layout::Layout;
use process_monitor_host::output::names;
use process_monitor_host::output::read::{Chunk, Follower, FollowerWaker, OutputReader, Runs};
use std::thread;
use tokio::sync::mpsc;

/// How many chunks are read ahead.
const AHEAD: usize = 4;

/// Lines that a thread of its own reads.
#[derive(Debug)]
pub(super) struct FileLines {
    chunks: mpsc::Receiver<Result<Chunk, FileError>>,
    lines: std::vec::IntoIter<LogLine>,
    /// Ends the thread.
    waker: Option<FollowerWaker>,
}

/// Begins to read what `query` says. Reads files.
pub(super) fn open(layout: &Layout, id: &ProcessId, query: &LogQuery) -> Result<FileLines, Error> {
    let selection = query.selection(clock::wall()).map_err(|error| Error::Invalid {
        problems: vec![Problem { path: "lastEventId".to_owned(), message: error.to_string() }],
    })?;
    let failed = |error: FileError| Error::Refused {
        code: ErrorCode::StorageFailed,
        message: format!("cannot read what {id} printed: {error}"),
    };
    look_for(layout, id, &selection.runs, failed)?;
    let (sender, chunks) = mpsc::channel(AHEAD);
    let lines = Vec::new().into_iter();
    if selection.follow {
        let mut follower = Follower::new().map_err(failed)?;
        let waker = Some(follower.waker());
        follower.follow(layout, id, selection).map_err(failed)?;
        thread::spawn(move || follow(&mut follower, &sender));
        return Ok(FileLines { chunks, lines, waker });
    }
    let mut reader = OutputReader::open(layout, id, selection).map_err(failed)?;
    thread::spawn(move || {
        let all = std::iter::from_fn(|| reader.next_chunk().transpose());
        all.map(|chunk| sender.blocking_send(chunk)).take_while(Result::is_ok).count()
    });
    Ok(FileLines { chunks, lines, waker: None })
}

/// A process that was removed is still known by its logs. Of one whose output is discarded those of earlier runs may be
/// there.
fn look_for(
    layout: &Layout,
    id: &ProcessId,
    runs: &Runs,
    failed: impl Fn(FileError) -> Error,
) -> Result<(), Error> {
    if !layout.process_logs(id).is_dir() && !store::get(layout, id)?.output.is_captured() {
        return Err(Error::OutputDiscarded { id: id.clone() });
    }
    match runs {
        Runs::Named(name) if !names::has_run(layout, id, name).map_err(failed)? => {
            Err(Error::Refused { code: ErrorCode::NotFound, message: format!("{id} has no run {name}") })
        }
        _ => Ok(()),
    }
}

/// Until nobody wants more.
fn follow(follower: &mut Follower, sender: &mpsc::Sender<Result<Chunk, FileError>>) {
    while !sender.is_closed() {
        let chunk = follower.next_chunk(None);
        let is_over = chunk.is_err();
        if chunk.transpose().is_some_and(|chunk| sender.blocking_send(chunk).is_err()) || is_over {
            return;
        }
    }
}

impl FileLines {
    pub(super) async fn next(&mut self) -> Result<Option<LogLine>, Error> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line));
            }
            match self.chunks.recv().await {
                None => return Ok(None),
                Some(Ok(chunk)) => self.lines = lines(&chunk).into_iter(),
                Some(Err(error)) => {
                    let message = format!("cannot read on: {error}");
                    return Err(Error::Refused { code: ErrorCode::StorageFailed, message });
                }
            }
        }
    }
}

fn lines(chunk: &Chunk) -> Vec<LogLine> {
    let line = |(bytes, after): (&[u8], process_monitor_host::output::read::Cursor)| LogLine {
        id: after.to_string(),
        time: chunk.time,
        run: chunk.run.clone(),
        stream: chunk.stream,
        bytes: bytes.to_vec(),
    };
    chunk.lines().map(line).collect()
}

impl Drop for FileLines {
    fn drop(&mut self) {
        self.chunks.close();
        self.waker.iter().for_each(FollowerWaker::wake);
    }
}
