//! What programs printed, as `GET /processes/{id}/logs` tells it.

use process_monitor_core::duration;
use process_monitor_core::time::Wall;
use process_monitor_host::output::Stream;
use process_monitor_host::output::names::is_run_folder;
use process_monitor_host::output::read::{Chunk, NoCursor, Runs, Selection};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use utoipa::ToSchema;

/// How many lines are told when nothing else is asked for.
pub const DEFAULT_TAIL: usize = 100;

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From a time on.
    At(Wall),
    /// From so long ago on.
    Ago(Duration),
}

/// Which runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RunChoice {
    /// The newest that has printed anything; with `since`, all.
    #[default]
    Printed,
    /// The newest, `current`.
    Current,
    /// All that are kept, `all`.
    All,
    /// The one whose folder has this name.
    Named(String),
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// The bytes as they are.
    #[default]
    Text,
    /// A [`LogRecord`] per line.
    Json,
}

/// The query of `GET /processes/{id}/logs`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// `stdout`, `stderr`, or (`None`) `both`, in the order of time. Default both.
    pub stream: Option<Stream>,
    /// The last so many lines, both streams together. Default [`DEFAULT_TAIL`], and all (`all`) with `since`.
    pub tail: Option<usize>,
    /// Only what was printed then or later: a time or a duration.
    pub since: Option<Since>,
    /// Also what is yet to be printed. Default false.
    pub follow: bool,
    /// Which runs; later ones are followed, too, unless one is named.
    pub run: RunChoice,
    /// In which form. Default text. A client that accepts `text/event-stream` gets events.
    pub format: LogFormat,
    /// Only what comes after the line with this id: neither `tail` nor `since` counts then.
    pub after: Option<String>,
}

impl LogQuery {
    /// The names of its fields.
    pub const FIELDS: [&str; 7] = ["stream", "tail", "since", "follow", "run", "format", "lastEventId"];

    /// Reads the value of one of its [fields](Self::FIELDS).
    ///
    /// # Errors
    /// What is expected.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "stream" => self.stream = stream(value)?,
            "tail" => self.tail = Some(tail(value)?),
            "since" => self.since = Some(since(value)?),
            "follow" => self.follow = follow(value)?,
            "run" => self.run = run(value)?,
            "format" => self.format = format(value)?,
            "lastEventId" => self.after = Some(value.to_owned()),
            _ => return Err(format!("expected {}", Self::FIELDS.join(" or "))),
        }
        Ok(())
    }

    /// What that selects at the time `now`.
    ///
    /// # Errors
    /// When `after` is no id of a line.
    pub fn selection(&self, now: Wall) -> Result<Selection, NoCursor> {
        let since = self.since.map(|since| match since {
            Since::At(time) => time,
            Since::Ago(long) => now - long,
        });
        Ok(Selection {
            stream: self.stream,
            runs: match &self.run {
                RunChoice::Printed if since.is_some() => Runs::All,
                RunChoice::Printed => Runs::Printed,
                RunChoice::Current => Runs::Newest,
                RunChoice::All => Runs::All,
                RunChoice::Named(name) => Runs::Named(name.clone()),
            },
            tail: match self.tail {
                None if since.is_none() => Some(DEFAULT_TAIL),
                Some(usize::MAX) => None,
                tail => tail,
            },
            since,
            begun: None,
            after: self.after.as_deref().map(str::parse).transpose()?,
            follow: self.follow,
        })
    }
}

/// As a query, without the question mark; none of it needs an escape.
impl fmt::Display for LogQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "follow={}&stream={}", self.follow, self.stream.map_or("both", Stream::name))?;
        match self.tail {
            Some(usize::MAX) => f.write_str("&tail=all")?,
            Some(tail) => write!(f, "&tail={tail}")?,
            None => {}
        }
        match self.since {
            Some(Since::At(time)) => write!(f, "&since={time}")?,
            Some(Since::Ago(long)) => write!(f, "&since={}ms", long.as_millis())?,
            None => {}
        }
        match &self.run {
            RunChoice::Printed => {}
            RunChoice::Current => f.write_str("&run=current")?,
            RunChoice::All => f.write_str("&run=all")?,
            RunChoice::Named(name) => write!(f, "&run={name}")?,
        }
        if self.format == LogFormat::Json {
            f.write_str("&format=json")?;
        }
        match &self.after {
            Some(after) => write!(f, "&lastEventId={after}"),
            None => Ok(()),
        }
    }
}

fn stream(value: &str) -> Result<Option<Stream>, String> {
    match value {
        "stdout" => Ok(Some(Stream::Stdout)),
        "stderr" => Ok(Some(Stream::Stderr)),
        "both" => Ok(None),
        _ => Err("expected stdout, stderr or both".to_owned()),
    }
}

fn tail(value: &str) -> Result<usize, String> {
    match value {
        "all" => Ok(usize::MAX),
        number => number.parse().map_err(|_| "expected a number of lines, or all".to_owned()),
    }
}

fn follow(value: &str) -> Result<bool, String> {
    match value {
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

fn format(value: &str) -> Result<LogFormat, String> {
    match value {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected text or json".to_owned()),
    }
}

/// Reads which runs: `current`, `all`, or the name of a run's folder.
fn run(value: &str) -> Result<RunChoice, String> {
    match value {
        "current" => Ok(RunChoice::Current),
        "all" => Ok(RunChoice::All),
        name if is_run_folder(name) => Ok(RunChoice::Named(name.to_owned())),
        _ => Err("expected current, all, or a run like 20260124_103000".to_owned()),
    }
}

/// Reads a time like `2026-01-24T10:30:00Z`, or a duration like `5m`.
fn since(value: &str) -> Result<Since, String> {
    if let Some(time) = Wall::parse(value) {
        return Ok(Since::At(time));
    }
    let wrong =
        |_| "expected a time like 2026-01-24T10:30:00Z, or how long ago, like 30s, 5m or 2h".to_owned();
    duration::parse(value).map(Since::Ago).map_err(wrong)
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        since(text)
    }
}

impl std::str::FromStr for RunChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        run(text)
    }
}

/// One line that a program printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogRecord {
    /// When the monitor read it; `null` when that was not written down.
    pub time: Option<Wall>,
    /// The name of its run's folder.
    pub run: String,
    /// To which stream.
    #[schema(value_type = String, pattern = "^(stdout|stderr)$")]
    pub stream: Stream,
    /// The line without its end, when it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The line without its end, when it isn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Whether it ends here: one that is long comes in pieces, and one that is not finished for 2 s comes as it is.
    pub complete: bool,
}

impl LogRecord {
    /// The record of `line`, which is one of those of `chunk`.
    pub fn of_chunk(chunk: &Chunk, line: &[u8]) -> Self {
        Self::new(chunk.time, &chunk.run, chunk.stream, line)
    }

    /// The record of `line`, with its end if it has one.
    pub fn new(time: Option<Wall>, run: &str, stream: Stream, line: &[u8]) -> Self {
        let (complete, line) = match line.strip_suffix(b"\n") {
            Some(line) => (true, line),
            None => (false, line),
        };
        let (text, base64) = encoded(line);
        Self { time, run: run.to_owned(), stream, text, base64, complete }
    }

    /// The line with its end, byte for byte; `None` when the record holds none.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        use base64::Engine as _;
        let mut bytes = match (&self.text, &self.base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(base64)) => base64::engine::general_purpose::STANDARD.decode(base64).ok()?,
            (None, None) => return None,
        };
        bytes.extend(self.complete.then_some(b'\n'));
        Some(bytes)
    }
}

/// As text, or else in base64.
fn encoded(line: &[u8]) -> (Option<String>, Option<String>) {
    use base64::Engine as _;
    match std::str::from_utf8(line) {
        // Six bytes for each of a zero's in JSON.
        Ok(text) if !text.contains('\0') => (Some(text.to_owned()), None),
        _ => (None, Some(base64::engine::general_purpose::STANDARD.encode(line))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<LogQuery, String> {
        let mut query = LogQuery::default();
        let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        pairs.try_for_each(|(name, value)| query.set(name, value))?;
        Ok(query)
    }

    #[test]
    fn a_query_and_its_text_are_each_others_reverse() {
        for query in [
            "follow=false&stream=both",
            "follow=true&stream=stderr&tail=5&since=90000ms&run=all&format=json",
            "follow=false&stream=stdout&tail=all&since=2026-01-24T10:30:00.000Z&run=20260124_103000",
            "follow=false&stream=both&run=current&lastEventId=20260124_103000:1:2",
        ] {
            assert_eq!(parsed(query).unwrap().to_string(), query);
        }
    }

    #[test]
    fn values_that_mean_nothing_are_refused() {
        for wrong in ["stream=out", "tail=-1", "since=5", "follow=maybe", "run=../x", "format=xml", "lines=5"]
        {
            assert!(parsed(wrong).unwrap_err().starts_with("expected "), "{wrong}");
        }
    }

    #[test]
    fn defaults_depend_on_what_else_is_asked() {
        let now = Wall::from_unix_millis(1_769_250_600_000);
        let select = |query: &str| parsed(query).unwrap().selection(now).unwrap();
        assert_eq!(select("").tail, Some(DEFAULT_TAIL));
        let since = select("since=10s");
        assert_eq!(
            (since.tail, since.runs, since.since),
            (None, Runs::All, Some(now - Duration::from_secs(10)))
        );
        assert_eq!(select("since=10s&run=current&tail=3").runs, Runs::Newest);
        assert_eq!(select("tail=all").tail, None);
        assert!(parsed("lastEventId=x").unwrap().selection(now).is_err());
    }

    #[test]
    fn lines_are_kept_byte_for_byte() {
        let chunk = Chunk {
            process: process_monitor_core::id::ProcessId::new("web").unwrap(),
            run: "20260124_103000".into(),
            stream: Stream::Stderr,
            time: None,
            bytes: Vec::new(),
            after: Default::default(),
        };
        let table: [(&[u8], bool); 6] = [
            (b"text\n", true),
            (b"\xff\n", false),
            (b"", true),
            (b"\n", true),
            (b"a\0b", false),
            (b"\r\n", true),
        ];
        for (line, is_text) in table {
            let record = LogRecord::of_chunk(&chunk, line);
            assert_eq!((record.bytes().unwrap(), record.text.is_some()), (line.to_vec(), is_text));
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<LogRecord>(&json).unwrap(), record);
        }
    }
}
