//! The forms in which output goes out.

use process_monitor_client::api::LogRecord;
use process_monitor_host::output::Stream;
use process_monitor_host::output::read::{Chunk, Cursor};

/// After so many milliseconds a browser that was cut off comes back.
const RETRY: &[u8] = b"retry: 1000\n";

/// In which form output goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The bytes as they are. A line end is added where one run or stream begins inside a line of another.
    Text,
    /// A [`LogRecord`] per line.
    JsonLines,
    /// A [`LogRecord`] per server-sent event, whose id is the place behind it.
    Events,
}

impl Form {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::JsonLines => "application/x-ndjson",
            Self::Events => "text/event-stream",
        }
    }
}

/// Puts chunks into one form.
#[derive(Debug)]
pub struct Encoder {
    form: Form,
    /// Whose line was begun and not ended.
    unfinished: Option<(String, Stream)>,
}

impl Encoder {
    /// An encoder at the beginning of its output.
    pub fn new(form: Form) -> Self {
        Self { form, unfinished: None }
    }

    /// What comes first: `place` is where reading begins.
    pub fn begin(&self, place: &Cursor) -> Vec<u8> {
        match (self.form, place.to_string()) {
            (Form::Events, place) if place.is_empty() => [RETRY, b"\n"].concat(),
            (Form::Events, place) => [RETRY, format!("id: {place}\n\n").as_bytes()].concat(),
            _ => Vec::new(),
        }
    }

    /// What says that the connection stands; `None` where there is no such thing.
    pub fn alive(&self) -> Option<&'static [u8]> {
        (self.form == Form::Events).then_some(b":\n\n")
    }

    /// Adds `chunk` to `out`, whole lines as long as that is shorter than `most`, and gives back what is left: a chunk
    /// of empty lines takes a hundred times as much as it holds.
    pub fn add(
        &mut self,
        mut chunk: Chunk,
        out: &mut Vec<u8>,
        most: usize,
    ) -> serde_json::Result<Option<Chunk>> {
        if self.form == Form::Text {
            self.add_bytes(&chunk, out);
            return Ok(None);
        }
        let mut done = 0;
        for (line, after) in chunk.lines() {
            if out.len() >= most {
                break;
            }
            self.add_record(&chunk, line, &after, out)?;
            done += line.len();
        }
        chunk.bytes.drain(..done);
        Ok(Some(chunk).filter(|chunk| !chunk.bytes.is_empty()))
    }

    fn add_record(
        &self,
        chunk: &Chunk,
        line: &[u8],
        after: &Cursor,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let is_event = self.form == Form::Events;
        if is_event {
            out.extend(format!("id: {after}\ndata: ").as_bytes());
        }
        serde_json::to_writer(&mut *out, &LogRecord::of_chunk(chunk, line))?;
        out.extend(if is_event { &b"\n\n"[..] } else { b"\n" });
        Ok(())
    }

    fn add_bytes(&mut self, chunk: &Chunk, out: &mut Vec<u8>) {
        let is_other = |(run, stream): &(String, Stream)| *run != chunk.run || *stream != chunk.stream;
        out.extend(self.unfinished.as_ref().is_some_and(is_other).then_some(b'\n'));
        out.extend(&chunk.bytes);
        let is_unfinished = chunk.bytes.last().is_some_and(|byte| *byte != b'\n');
        self.unfinished = is_unfinished.then(|| (chunk.run.clone(), chunk.stream));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::id::ProcessId;
    use process_monitor_core::time::Wall;

    const RUN: &str = "20260124_103000";

    fn chunk(stream: Stream, bytes: &[u8]) -> Chunk {
        Chunk {
            process: ProcessId::new("web").unwrap(),
            run: RUN.into(),
            stream,
            time: Some(Wall::from_unix_millis(0)),
            bytes: bytes.into(),
            after: format!("{RUN}:10:0").parse().unwrap(),
        }
    }

    fn encoded(form: Form, chunks: &[Chunk]) -> String {
        let mut encoder = Encoder::new(form);
        let mut out = encoder.begin(&chunks[0].after);
        for chunk in chunks {
            assert_eq!(encoder.add(chunk.clone(), &mut out, usize::MAX).unwrap(), None);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bytes_are_as_they_are_and_no_line_has_two_authors() {
        let chunks = [
            chunk(Stream::Stdout, b"a\nb"),
            chunk(Stream::Stdout, b"c"),
            chunk(Stream::Stderr, b"error\n"),
            chunk(Stream::Stdout, b"d\n"),
        ];
        assert_eq!(encoded(Form::Text, &chunks), "a\nbc\nerror\nd\n");
    }

    #[test]
    fn events_carry_the_place_behind_each_line() {
        let text = encoded(Form::Events, &[chunk(Stream::Stdout, b"a\nb")]);
        let record = |text: &str, complete: bool| {
            format!(
                r#"{{"time":"1970-01-01T00:00:00.000Z","run":"{RUN}","stream":"stdout","text":"{text}","complete":{complete}}}"#
            )
        };
        let expected = format!(
            "retry: 1000\nid: {RUN}:10:0\n\nid: {RUN}:9:0\ndata: {}\n\nid: {RUN}:10:0\ndata: {}\n\n",
            record("a", true),
            record("b", false)
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_batch_is_bounded_however_many_lines_a_chunk_has() {
        for form in [Form::Events, Form::JsonLines] {
            let mut encoder = Encoder::new(form);
            let mut rest = Some(chunk(Stream::Stdout, &[b'\n'; 1000]));
            let mut records = 0;
            while let Some(chunk) = rest.take() {
                let mut out = Vec::new();
                rest = encoder.add(chunk, &mut out, 1000).unwrap();
                assert!(out.len() < 1300, "{}", out.len());
                records += String::from_utf8(out).unwrap().matches(r#""text":"""#).count();
            }
            assert_eq!(records, 1000, "{form:?}");
        }
    }
}
