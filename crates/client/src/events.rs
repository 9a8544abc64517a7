//! Listening to what happens.

use crate::api::ProcessEvent;
use crate::call::Call;
use crate::transport::Failed;
use crate::{Client, Error};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;

/// A line that is longer is no event of ours.
const LONGEST: usize = 1 << 20;

/// Between the first looks for a monitor that is away.
const SOON: Duration = Duration::from_millis(250);

/// Between later ones.
const LATER: Duration = Duration::from_secs(5);

/// What happens, as it happens. Ends with the monitor; [`EventStream::resume`] goes on where it was with the next.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    call: Call,
    body: Incoming,
    buffer: Vec<u8>,
    last: Option<String>,
}

impl Client {
    /// Listens to what happens: from now on, or from after the event with the id `last` on.
    pub async fn events(&self, last: Option<String>) -> Result<EventStream, Error> {
        let call = call_after(last.as_deref());
        let body = self.retry().run(true, || self.stream(&call)).await?.into_body();
        Ok(EventStream { client: self.clone(), call, body, buffer: Vec::new(), last })
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
            if let Some(data) = self.next_data() {
                let event: ProcessEvent =
                    serde_json::from_slice(&data).map_err(|error| self.unclear(error.to_string()))?;
                self.last = Some(event.id.clone());
                return Ok(Some(event));
            }
            if self.buffer.len() > LONGEST {
                return Err(self.unclear("an event has no end".to_owned()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => self.buffer.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
                Some(Err(source)) => {
                    return Err(self.client.failed(&self.call, Failed::Broken(Box::new(source))));
                }
            }
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
        self.buffer.clear();
        // Nothing that could be waited for tells when it is back.
        let mut wait = SOON;
        loop {
            match self.client.stream(&self.call).await {
                Ok(response) => {
                    self.body = response.into_body();
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

    /// The data of the next whole event in the buffer. Our server writes one line of it, and line feeds only.
    fn next_data(&mut self) -> Option<Vec<u8>> {
        loop {
            let end = self.buffer.windows(2).position(|two| two == b"\n\n")?;
            let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let data = block.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data:"));
            // One without data keeps the connection alive.
            if let Some(data) = data {
                return Some(data.to_vec());
            }
        }
    }
}
