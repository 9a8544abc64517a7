//! Server-sent events (HTML standard, 9.2), as our server writes them: line feeds only, one line of data.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;

/// A block that is longer is none of ours.
const LONGEST: usize = 4 << 20;

/// One event. Those without data keep the connection alive, or tell an id only.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    pub(crate) id: Option<String>,
    pub(crate) data: Option<Vec<u8>>,
}

/// Why there is no next event.
#[derive(Debug)]
pub(crate) enum SseError<E> {
    /// The connection broke.
    Broken(E),
    /// An event has no end.
    Endless,
}

/// Reads events off a body.
#[derive(Debug)]
pub(crate) struct SseReader<B> {
    body: B,
    buffer: Vec<u8>,
    /// What is before was given out.
    given: usize,
    /// There is no end of an event before.
    searched: usize,
}

impl<B: Body<Data = Bytes> + Unpin> SseReader<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body, buffer: Vec::new(), given: 0, searched: 0 }
    }

    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<SseEvent>, SseError<B::Error>> {
        loop {
            if let Some(event) = self.at_hand() {
                return Ok(Some(event));
            }
            if self.buffer.len() > LONGEST {
                return Err(SseError::Endless);
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => self.buffer.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
                Some(Err(error)) => return Err(SseError::Broken(error)),
            }
        }
    }

    fn at_hand(&mut self) -> Option<SseEvent> {
        let rest = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = rest.windows(2).position(|two| two == b"\n\n") else {
            self.buffer.drain(..std::mem::take(&mut self.given));
            self.searched = self.buffer.len().saturating_sub(1);
            return None;
        };
        let end = self.searched + end;
        let event = event(self.buffer.get(self.given..end).unwrap_or_default());
        (self.given, self.searched) = (end + 2, end + 2);
        Some(event)
    }
}

fn event(block: &[u8]) -> SseEvent {
    let mut event = SseEvent::default();
    for line in block.split(|byte| *byte == b'\n') {
        if let Some(id) = line.strip_prefix(b"id:") {
            event.id = Some(String::from_utf8_lossy(id.trim_ascii()).into_owned());
        } else if let Some(data) = line.strip_prefix(b"data:") {
            event.data = Some(data.trim_ascii().to_vec());
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::StreamBody;
    use hyper::body::Frame;
    use std::convert::Infallible;

    #[tokio::test]
    async fn events_come_whole_however_they_are_cut() {
        let text = b"retry: 1\nid: a:1\n\n:\n\nid: a:2\ndata: {\"x\":1}\n\ndata:2\n\nid: half";
        for size in 1..text.len() {
            let frames =
                text.chunks(size).map(|part| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(part))));
            let mut reader = SseReader::new(StreamBody::new(futures_util::stream::iter(frames)));
            let mut seen = Vec::new();
            while let Some(event) = reader.next().await.unwrap() {
                seen.push(event);
            }
            let event = |id: Option<&str>, data: Option<&[u8]>| SseEvent {
                id: id.map(str::to_owned),
                data: data.map(<[u8]>::to_vec),
            };
            let expected = [
                event(Some("a:1"), None),
                event(None, None),
                event(Some("a:2"), Some(b"{\"x\":1}")),
                event(None, Some(b"2")),
            ];
            assert_eq!(seen, expected, "{size}");
        }
    }
}
