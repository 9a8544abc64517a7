//! Reading what programs print: from the monitor, or from the files while none runs.

mod files;

use crate::api::{LogQuery, LogRecord};
use crate::ask::blocking;
use crate::call::Call;
use crate::client::Place;
use crate::sse::{SseError, SseEvent, SseReader};
use crate::transport::Failed;
use crate::{Client, Error};
use files::FileLines;
use hyper::Method;
use hyper::body::Incoming;
use process_monitor_core::id::ProcessId;
use process_monitor_core::time::Wall;
use process_monitor_host::output::Stream;
use std::time::Duration;

/// Between two looks for a monitor that is away and whose files are out of reach.
const AGAIN: Duration = Duration::from_millis(250);

/// A line that a program printed, or a piece of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// To go on after this one: [`LogQuery::after`].
    pub id: String,
    /// When it was read from the program; `None` when that was not written down.
    pub time: Option<Wall>,
    /// The name of its run's folder.
    pub run: String,
    /// To which stream.
    pub stream: Stream,
    /// As it was printed. Without its line end when the line is long and goes on, is not finished for 2 s,
    /// or is the last of its run.
    pub bytes: Vec<u8>,
}

impl From<&LogLine> for LogRecord {
    fn from(line: &LogLine) -> Self {
        Self::new(line.time, &line.run, line.stream, &line.bytes)
    }
}

/// What a program printed and, when that was asked for, what it prints. Ends with what there is, or with the monitor;
/// then [`LogStream::resume`] goes on without gap or double.
#[derive(Debug)]
pub struct LogStream {
    client: Client,
    process: ProcessId,
    query: LogQuery,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Monitor(SseReader<Incoming>),
    Files(FileLines),
}

impl Client {
    /// What process `id` printed, as `query` says; its format does not matter. A process that was removed is still known
    /// by its logs.
    ///
    /// # Errors
    /// [`Error::ProcessNotFound`]; [`Error::OutputDiscarded`] when there is none; or [`Error::Refused`] when there is no
    /// such run.
    pub async fn logs(&self, id: &ProcessId, query: &LogQuery) -> Result<LogStream, Error> {
        let source = self.retry().run(true, || self.source_of_logs(id, query)).await?;
        Ok(LogStream { client: self.clone(), process: id.clone(), query: query.clone(), source })
    }
}

impl Client {
    /// The monitor, or the files while none runs.
    async fn source_of_logs(&self, id: &ProcessId, query: &LogQuery) -> Result<Source, Error> {
        match (self.stream(&call(id, query)).await, self.place()) {
            (Ok(response), _) => Ok(Source::Monitor(SseReader::new(response.into_body()))),
            (Err(Error::NotRunning { .. }), Place::Here(layout)) => {
                let (id, query) = (id.clone(), query.clone());
                blocking(layout, move |layout| files::open(layout, &id, &query)).await.map(Source::Files)
            }
            (Err(Error::ProcessNotFound { id, .. }), _) => Err(self.not_found(id).await),
            (Err(error), _) => Err(error),
        }
    }
}

fn call(id: &ProcessId, query: &LogQuery) -> Call {
    let call = Call::process(Method::GET, id, &format!("/logs?{query}"));
    call.header("accept", "text/event-stream".to_owned())
}

impl LogStream {
    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when the connection breaks, [`Error::Protocol`] when what comes is no line.
    pub async fn next(&mut self) -> Result<Option<LogLine>, Error> {
        let line = match &mut self.source {
            Source::Files(files) => files.next().await?,
            Source::Monitor(_) => self.next_of_monitor().await?,
        };
        if let Some(line) = &line {
            self.query.after = Some(line.id.clone());
        }
        Ok(line)
    }

    /// Whether [the end](Self::next) is for good: only what is there was asked for.
    pub fn is_over(&self) -> bool {
        !self.query.follow
    }

    /// Goes on after the last line: with the monitor when it is back, or with the files.
    ///
    /// # Errors
    /// As [`Client::logs`], except that it waits for a monitor that is away.
    pub async fn resume(&mut self) -> Result<(), Error> {
        loop {
            match self.client.source_of_logs(&self.process, &self.query).await {
                Ok(source) => {
                    self.source = source;
                    return Ok(());
                }
                Err(Error::NotRunning { .. } | Error::Unreachable { .. } | Error::Interrupted { .. }) => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn next_of_monitor(&mut self) -> Result<Option<LogLine>, Error> {
        loop {
            let Source::Monitor(events) = &mut self.source else { return Ok(None) };
            let event = match events.next().await {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(None),
                Err(SseError::Broken(source)) => {
                    let call = call(&self.process, &self.query);
                    return Err(self.client.failed(&call, Failed::Broken(Box::new(source))));
                }
                Err(SseError::Endless) => return Err(self.unclear("an event has no end".to_owned())),
            };
            let place = event.id.clone();
            if let Some(line) = read(event).map_err(|why| self.unclear(why))? {
                return Ok(Some(line));
            }
            // Told before the first line, so that nothing is missed that is printed until a reader comes back.
            self.query.after = place.or_else(|| self.query.after.take());
        }
    }

    fn unclear(&self, why: String) -> Error {
        Error::Protocol { request: call(&self.process, &self.query).to_string(), why }
    }
}

/// The line of an event; `None` when it has none.
fn read(event: SseEvent) -> Result<Option<LogLine>, String> {
    let (Some(id), Some(data)) = (event.id, event.data) else { return Ok(None) };
    let record: LogRecord = serde_json::from_slice(&data).map_err(|error| error.to_string())?;
    let bytes = record.bytes().ok_or("a line has neither text nor base64")?;
    let LogRecord { time, run, stream, .. } = record;
    Ok(Some(LogLine { id, time, run, stream, bytes }))
}
