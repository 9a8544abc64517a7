//! What programs printed, as `logs` shows it.

use super::style::{Style, Tone};
use process_monitor_client::LogLine;
use process_monitor_client::api::LogRecord;
use process_monitor_core::id::ProcessId;
use process_monitor_host::output::Stream;
use serde::Serialize;

/// The form in which output is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Byte for byte.
    Raw,
    /// Each line after the process's id.
    Prefixed,
    /// Each line as an object of its own.
    Json,
}

/// Whose line it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Author {
    process: ProcessId,
    run: String,
    stream: Stream,
}

/// Puts pieces of output of several programs together, so that no line has two authors.
#[derive(Debug)]
pub struct OutputRenderer {
    form: Form,
    style: Style,
    processes: Vec<ProcessId>,
    /// Who began a line and did not end it.
    unfinished: Option<Author>,
}

impl OutputRenderer {
    /// For the output of `processes`.
    pub fn new(form: Form, style: Style, processes: Vec<ProcessId>) -> Self {
        Self { form, style, processes, unfinished: None }
    }

    /// What to write for a line of `process`.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn render(&mut self, process: &ProcessId, line: &LogLine) -> serde_json::Result<Vec<u8>> {
        if self.form == Form::Json {
            return json_line(process, line);
        }
        let mut out = Vec::with_capacity(line.bytes.len());
        if line.bytes.is_empty() {
            return Ok(out);
        }
        let author = Author { process: process.clone(), run: line.run.clone(), stream: line.stream };
        let goes_on = self.unfinished.as_ref() == Some(&author);
        out.extend((self.unfinished.is_some() && !goes_on).then_some(b'\n'));
        if self.form == Form::Prefixed && !goes_on {
            out.extend(self.prefix(&author).as_bytes());
        }
        out.extend(&line.bytes);
        self.unfinished = (!line.bytes.ends_with(b"\n")).then_some(author);
        Ok(out)
    }

    /// `web      | `
    fn prefix(&self, origin: &Author) -> String {
        let width = self.processes.iter().map(|id| id.as_str().len()).max().unwrap_or(0);
        let index = self.processes.iter().position(|id| *id == origin.process).unwrap_or(0);
        let id = self.style.paint_nth(index, &format!("{:width$}", origin.process));
        match origin.stream {
            Stream::Stdout => format!("{id} | "),
            Stream::Stderr => format!("{id} {} ", self.style.paint(Tone::Bad, "|")),
        }
    }
}

/// The process's id, and then what the API says of the line.
#[derive(Serialize)]
struct JsonLine<'a> {
    id: &'a ProcessId,
    #[serde(flatten)]
    record: LogRecord,
}

fn json_line(id: &ProcessId, line: &LogLine) -> serde_json::Result<Vec<u8>> {
    let mut out = serde_json::to_vec(&JsonLine { id, record: line.into() })?;
    out.push(b'\n');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stream: Stream, bytes: &[u8]) -> LogLine {
        let (id, run) = ("20260124_103000:1:1".to_owned(), "20260124_103000".to_owned());
        LogLine { id, time: None, run, stream, bytes: bytes.into() }
    }

    fn shown(form: Form, pieces: &[(&str, Stream, &[u8])]) -> Vec<u8> {
        let processes = ["web", "database"].map(|id| ProcessId::new(id).unwrap()).into();
        let mut renderer = OutputRenderer::new(form, Style::Plain, processes);
        let render = |(id, stream, bytes): &(&str, Stream, &[u8])| {
            renderer.render(&ProcessId::new(id).unwrap(), &line(*stream, bytes)).unwrap()
        };
        pieces.iter().flat_map(render).collect()
    }

    #[test]
    fn each_line_has_one_author() {
        let pieces: [(&str, Stream, &[u8]); 6] = [
            ("web", Stream::Stdout, b"1\n"),
            ("web", Stream::Stdout, b"2"),
            ("web", Stream::Stdout, b" goes on\n"),
            ("web", Stream::Stdout, b"3"),
            ("database", Stream::Stderr, b"x\n"),
            ("web", Stream::Stdout, b"4\n"),
        ];
        let expected = "web      | 1\nweb      | 2 goes on\nweb      | 3\ndatabase | x\nweb      | 4\n";
        assert_eq!(String::from_utf8(shown(Form::Prefixed, &pieces)).unwrap(), expected);
    }

    #[test]
    fn raw_is_byte_for_byte() {
        let pieces: [(&str, Stream, &[u8]); 2] =
            [("web", Stream::Stdout, b"\xff\0\x1b[1m"), ("web", Stream::Stdout, b"rest\n")];
        assert_eq!(shown(Form::Raw, &pieces), b"\xff\0\x1b[1mrest\n");
    }

    #[test]
    fn json_is_an_object_per_line() {
        let text = shown(Form::Json, &[("web", Stream::Stderr, b"a\xff\n"), ("web", Stream::Stderr, b"b")]);
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["base64"], &lines[0]["complete"]), (&"Yf8=".into(), &true.into()));
        assert_eq!((&lines[1]["text"], &lines[1]["complete"]), (&"b".into(), &false.into()));
        assert_eq!((&lines[1]["stream"], &lines[1]["id"]), (&"stderr".into(), &"web".into()));
    }
}
