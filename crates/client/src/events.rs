//! Listening to what happens.

use crate::Error;
use crate::api::ProcessEvent;
use crate::http::Open;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// A line that is longer is no event of ours.
const LONGEST: usize = 1 << 20;

/// What happens, as it happens. Ends with the monitor; to go on where it was with the next, give the id of the
/// last event to [`crate::Client::events`].
#[derive(Debug)]
pub struct EventStream {
    request: String,
    body: Incoming,
    /// Its end closes the connection.
    _open: Open,
    buffer: Vec<u8>,
}

impl EventStream {
    pub(crate) fn new(request: String, body: Incoming, open: Open) -> Self {
        Self { request, body, _open: open, buffer: Vec::new() }
    }

    /// The next event; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when the connection breaks, [`Error::Protocol`] when what comes is no event.
    pub async fn next(&mut self) -> Result<Option<ProcessEvent>, Error> {
        loop {
            if let Some(data) = self.next_data() {
                return serde_json::from_slice(&data)
                    .map(Some)
                    .map_err(|error| self.unclear(error.to_string()));
            }
            if self.buffer.len() > LONGEST {
                return Err(self.unclear("an event has no end".to_owned()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => self.buffer.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
                Some(Err(source)) => {
                    return Err(Error::Interrupted {
                        request: self.request.clone(),
                        source: Box::new(source),
                    });
                }
            }
        }
    }

    fn unclear(&self, why: String) -> Error {
        Error::Protocol { request: self.request.clone(), why }
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
