//! What programs printed, as `logs` shows it.

use super::style::{Style, Tone};
use process_monitor_core::id::ProcessId;
use process_monitor_host::output::Stream;
use serde_json::json;

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

/// Where a piece of output comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Which process.
    pub process: ProcessId,
    /// The name of the run's folder.
    pub run: String,
    /// Which stream.
    pub stream: Stream,
}

/// Puts pieces of output of several programs together, so that no line has two authors.
#[derive(Debug)]
pub struct OutputRenderer {
    form: Form,
    style: Style,
    processes: Vec<ProcessId>,
    /// Who began a line and did not end it.
    unfinished: Option<Origin>,
}

impl OutputRenderer {
    /// For the output of `processes`.
    pub fn new(form: Form, style: Style, processes: Vec<ProcessId>) -> Self {
        Self { form, style, processes, unfinished: None }
    }

    /// What to write for `bytes`, which came from `origin`.
    pub fn render(&mut self, origin: Origin, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        if bytes.is_empty() {
            return out;
        }
        let prefix = self.prefix(&origin);
        let continued = match &self.unfinished {
            Some(author) if *author == origin => true,
            Some(_) => {
                out.push(b'\n');
                false
            }
            None => false,
        };
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            match self.form {
                Form::Json => out.extend(json_line(&origin, line)),
                Form::Raw => out.extend(line),
                Form::Prefixed => {
                    if index > 0 || !continued {
                        out.extend(prefix.as_bytes());
                    }
                    out.extend(line);
                }
            }
        }
        let open = self.form != Form::Json && bytes.last().is_some_and(|byte| *byte != b'\n');
        self.unfinished = open.then_some(origin);
        out
    }

    /// `web      | `
    fn prefix(&self, origin: &Origin) -> String {
        let width = self.processes.iter().map(|id| id.as_str().len()).max().unwrap_or(0);
        let index = self.processes.iter().position(|id| *id == origin.process).unwrap_or(0);
        let id = self.style.paint_nth(index, &format!("{:width$}", origin.process));
        match origin.stream {
            Stream::Stdout => format!("{id} | "),
            Stream::Stderr => format!("{id} {} ", self.style.paint(Tone::Bad, "|")),
        }
    }
}

fn json_line(origin: &Origin, line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
    let object = json!({
        "id": origin.process,
        "run": origin.run,
        "stream": origin.stream.name(),
        "line": text,
        "complete": line.ends_with(b"\n"),
    });
    format!("{object}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(process: &str, stream: Stream) -> Origin {
        Origin { process: ProcessId::new(process).unwrap(), run: "20260124_103000".into(), stream }
    }

    fn shown(form: Form, pieces: &[(Origin, &[u8])]) -> String {
        let processes = ["web", "database"].map(|id| ProcessId::new(id).unwrap()).into();
        let mut renderer = OutputRenderer::new(form, Style::Plain, processes);
        let bytes = pieces.iter().flat_map(|(origin, bytes)| renderer.render(origin.clone(), bytes));
        String::from_utf8(bytes.collect()).unwrap()
    }

    #[test]
    fn each_line_has_one_author() {
        let (web, database) = (from("web", Stream::Stdout), from("database", Stream::Stderr));
        let pieces: [(Origin, &[u8]); 4] =
            [(web.clone(), b"1\n2"), (web.clone(), b" goes on\n3"), (database, b"x\n"), (web, b"4\n")];
        let expected = "web      | 1\nweb      | 2 goes on\nweb      | 3\ndatabase | x\nweb      | 4\n";
        assert_eq!(shown(Form::Prefixed, &pieces), expected);
    }

    #[test]
    fn raw_is_byte_for_byte() {
        let web = from("web", Stream::Stdout);
        let mut renderer = OutputRenderer::new(Form::Raw, Style::Colour, vec![web.process.clone()]);
        assert_eq!(renderer.render(web.clone(), b"\xff\0\x1b[1m"), b"\xff\0\x1b[1m");
        assert_eq!(renderer.render(web, b"rest\n"), b"rest\n");
    }

    #[test]
    fn json_is_an_object_per_line() {
        let text = shown(Form::Json, &[(from("web", Stream::Stderr), b"a\xff\nb")]);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["line"], "a\u{fffd}");
        assert_eq!((&lines[1]["line"], &lines[1]["complete"]), (&json!("b"), &json!(false)));
        assert_eq!((&lines[1]["stream"], &lines[1]["id"]), (&json!("stderr"), &json!("web")));
    }
}
