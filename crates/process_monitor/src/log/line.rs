//! An event as one line. Whatever a message or a field holds, it cannot end the line, begin another one,
//! or speak to the terminal that shows it.

use super::sink::Sink;
use super::spec::Form;
use process_monitor_core::time::Wall;
use process_monitor_host::clock;
use serde_json::{Map, Value, json};
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Longer texts are cut, in bytes: one event must not fill the disk or the queue.
const TEXT_MAX_BYTES: usize = 16 << 10;

/// Turns events into lines and hands them to the sinks.
pub struct Lines {
    form: Form,
    sinks: Vec<Sink>,
}

impl Lines {
    pub fn new(form: Form, sinks: Vec<Sink>) -> Self {
        Self { form, sinks }
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut content = Content::default();
        event.record(&mut content);
        let metadata = event.metadata();
        let line = content.line(self.form, clock::wall(), *metadata.level(), metadata.target());
        self.sinks.iter().for_each(|sink| sink.append(&line));
    }
}

/// What an event says.
#[derive(Default)]
pub struct Content {
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Content {
    /// One that only has a message.
    pub fn message(message: String) -> Self {
        Self { message, fields: Vec::new() }
    }

    /// As one line, with its end.
    pub fn line(self, form: Form, at: Wall, level: Level, target: &str) -> String {
        let mut line = match form {
            Form::Text => self.text(at, level),
            Form::Json => self.json(at, level, target),
        };
        line.push('\n');
        line
    }

    fn text(self, at: Wall, level: Level) -> String {
        let mut line = format!("[{at}] [{level}] ");
        push_escaped(&mut line, &self.message, false);
        for (name, value) in &self.fields {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            push_value(&mut line, value);
        }
        line
    }

    fn json(self, at: Wall, level: Level, target: &str) -> String {
        let mut object = json!({
            "time": at.to_string(),
            "level": level.as_str(),
            "target": target,
            "message": self.message,
        });
        if !self.fields.is_empty() {
            let fields = self.fields.into_iter().map(|(name, value)| (name.to_owned(), value));
            object["fields"] = Value::Object(fields.collect::<Map<_, _>>());
        }
        object.to_string()
    }

    fn push(&mut self, field: &Field, value: Value) {
        match value {
            Value::String(text) if field.name() == "message" => self.message = text,
            value => self.fields.push((field.name(), value)),
        }
    }
}

impl Visit for Content {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = Bounded(String::new());
        // Fails only when the text is cut.
        let _ = write!(text, "{value:?}");
        self.push(field, Value::String(text.0));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value.into());
    }
}

/// A text that takes no more than [`TEXT_MAX_BYTES`] and then says that it was cut.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = TEXT_MAX_BYTES.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.extend(text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= room).map(|(_, c)| c));
        self.0.push_str("… (cut)");
        Err(fmt::Error)
    }
}

/// A value such that it is clear where it ends.
fn push_value(line: &mut String, value: &Value) {
    let Value::String(text) = value else {
        line.push_str(&value.to_string());
        return;
    };
    let is_plain = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '='));
    if is_plain {
        push_escaped(line, text, false);
    } else {
        line.push('"');
        push_escaped(line, text, true);
        line.push('"');
    }
}

fn push_escaped(line: &mut String, text: &str, in_quotes: bool) {
    for c in text.chars() {
        let escape = breaks_the_line(c) || (in_quotes && matches!(c, '"' | '\\'));
        if escape {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
}

/// Control characters, what Unicode calls line ends, and what turns the direction of writing.
fn breaks_the_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
