//! Listening to what happens.

use crate::api::ProcessEvent;
use crate::call::Call;
use crate::sse::{SseError, SseReader};
use crate::transport::Failed;
use crate::{Client, Error};
use hyper::body::Incoming;
use std::time::Duration;

/// Between the first looks for a monitor that is away.
const SOON: Duration = Duration::from_millis(250);

/// Between later ones.
const LATER: Duration = Duration::from_secs(5);

/// What happens, as it happens. Ends with the monitor; [`EventStream::resume`] goes on where it was with the next.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    call: Call,
    events: SseReader<Incoming>,
    last: Option<String>,
}

impl Client {
    /// Listens to what happens: from now on, or from after the event with the id `last` on.
    pub async fn events(&self, last: Option<String>) -> Result<EventStream, Error> {
        let call = call_after(last.as_deref());
        let response = self.retry().run(true, || self.stream(&call)).await?;
        let events = SseReader::new(response.into_body());
        Ok(EventStream { client: self.clone(), call, events, last })
    }
}

fn call_after(last: Option<&str>) -> Call {
    let call = Call::get("/events").header("accept", "text/event-stream".to_owned());
    match last {
        Some(last) => call.header("last-event-id", last.to_owned()),
        None => call,
    }
}

impl EventStream {
    /// The next event; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when the connection breaks, [`Error::Protocol`] when what comes is no event.
    pub async fn next(&mut self) -> Result<Option<ProcessEvent>, Error> {
        loop {
            let event = match self.events.next().await {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(None),
                Err(SseError::Endless) => return Err(self.unclear("an event has no end".to_owned())),
                Err(SseError::Broken(source)) => {
                    return Err(self.client.failed(&self.call, Failed::Broken(Box::new(source))));
                }
            };
            // One without data keeps the connection alive.
            let Some(data) = event.data else { continue };
            let event: ProcessEvent =
                serde_json::from_slice(&data).map_err(|error| self.unclear(error.to_string()))?;
            self.last = Some(event.id.clone());
            return Ok(Some(event));
        }
    }

    /// The id of the last event that was returned: to go on after it.
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Waits until the monitor can be reached again, and goes on after the last event. When events were missed for good,
    /// the next one says so.
    ///
    /// # Errors
    /// When the monitor can be reached and refuses.
    pub async fn resume(&mut self) -> Result<(), Error> {
        self.call = call_after(self.last.as_deref());
        // Nothing that could be waited for tells when it is back.
        let mut wait = SOON;
        loop {
            match self.client.stream(&self.call).await {
                Ok(response) => {
                    self.events = SseReader::new(response.into_body());
                    return Ok(());
                }
                Err(Error::NotRunning { .. } | Error::Unreachable { .. } | Error::Interrupted { .. }) => {
                    tokio::time::sleep(wait).await;
                    wait = match self.client.url() {
                        Some(_) => (wait * 2).min(LATER),
                        None => SOON,
                    };
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn unclear(&self, why: String) -> Error {
        Error::Protocol { request: self.call.to_string(), why }
    }
}
