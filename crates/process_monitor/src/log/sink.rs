//! Getting lines out without making who logs wait: a thread writes them, and what it can't write in time
//! or at all is counted and, once it can write again, admitted.

use super::line::Content;
use super::spec::Form;
use process_monitor_host::clock;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tracing::Level;

/// How much may wait to be written, in bytes.
const QUEUE_MAX_BYTES: usize = 4 << 20;
/// How much of the queue's memory is kept when it is empty, in bytes.
const QUEUE_KEPT_BYTES: usize = 64 << 10;
/// For how long lines are gathered from the first one on. What logs in the course of a restart has better things to do than to
/// wake this thread for each line.
const GATHER: Duration = Duration::from_millis(2);
/// How long the end waits for what is in the queue.
const CLOSES_WITHIN: Duration = Duration::from_secs(1);

/// Where lines go. Clones are the same sink.
#[derive(Clone)]
pub struct Sink(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    output: Mutex<Output>,
    /// Its other end is dropped when the thread ends.
    ended: Mutex<Receiver<()>>,
}

#[derive(Default)]
struct Queue {
    text: String,
    /// Lines for which there was no room.
    lost: u64,
    /// The thread shall end when it has written everything.
    closing: bool,
    /// It has.
    closed: bool,
}

/// A thread that panicked holding it cannot have left it half-changed: nothing in between can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink {
    /// Starts a thread that writes to `target`. Each line is handed over whole, many together where they
    /// come fast.
    pub fn start(target: impl Write + Send + 'static, form: Form) -> io::Result<Self> {
        let (ends, ended) = mpsc::channel();
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            filled: Condvar::new(),
            output: Mutex::new(Output { target: Box::new(target), form, lost: Lost::default(), torn: false }),
            ended: Mutex::new(ended),
        });
        let writer = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_until_closed(ends))?;
        Ok(Self(shared))
    }

    /// Takes a line with its end. Doesn't wait for the disk, unless the sink is closed.
    pub fn append(&self, line: &str) {
        let mut queue = lock(&self.0.queue);
        if queue.closed {
            drop(queue);
            lock(&self.0.output).write(line);
        } else if queue.text.len() + line.len() > QUEUE_MAX_BYTES {
            queue.lost = queue.lost.saturating_add(1);
        } else {
            let is_first = queue.text.is_empty();
            queue.text.push_str(line);
            drop(queue);
            if is_first {
                self.0.filled.notify_one();
            }
        }
    }

    /// Ends the thread once it has written everything, and waits for that a moment.
    pub fn close(&self) {
        lock(&self.0.queue).closing = true;
        self.0.filled.notify_one();
        // Either the thread ends, or it hangs in a write and its lines are not worth waiting for.
        let _ = lock(&self.0.ended).recv_timeout(CLOSES_WITHIN);
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}

impl Shared {
    fn write_until_closed(&self, _ends: Sender<()>) {
        let mut text = String::new();
        while let Some(lost) = self.take(&mut text) {
            let mut output = lock(&self.output);
            if lost > 0 {
                output.lose(Lost { lines: lost, why: "it was written too slowly".to_owned() });
            }
            output.write(&text);
        }
    }

    /// Waits for lines, puts them in `text`, and says how many found no room. `None`: no more will come.
    fn take(&self, text: &mut String) -> Option<u64> {
        text.clear();
        text.shrink_to(QUEUE_KEPT_BYTES);
        let idle = |queue: &mut Queue| queue.text.is_empty() && !queue.closing;
        let queue = self.filled.wait_while(lock(&self.queue), idle);
        let queue = queue.unwrap_or_else(PoisonError::into_inner);
        let gathered = self.filled.wait_timeout_while(queue, GATHER, |queue| !queue.closing);
        let (mut queue, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        if queue.text.is_empty() {
            queue.closed = true;
            return None;
        }
        std::mem::swap(&mut queue.text, text);
        Some(std::mem::take(&mut queue.lost))
    }
}

struct Output {
    target: Box<dyn Write + Send>,
    form: Form,
    lost: Lost,
    /// Whether the last line was written in part.
    torn: bool,
}

/// Lines that nobody will read.
#[derive(Default)]
struct Lost {
    lines: u64,
    why: String,
}

impl Output {
    fn lose(&mut self, more: Lost) {
        self.lost = Lost { lines: self.lost.lines.saturating_add(more.lines), why: more.why };
    }

    /// Writes `lines`, after the admission of what was lost before. What cannot be written is lost.
    fn write(&mut self, lines: &str) {
        if self.lost.lines > 0 {
            if let Err(failure) = self.write_whole(&self.admission()) {
                // The admission is no loss, the lines are.
                self.lose(Lost { lines: count_lines(lines.as_bytes()), why: failure.why });
                return;
            }
            self.lost = Lost::default();
        }
        if let Err(failure) = self.write_whole(lines) {
            self.lose(failure);
        }
    }

    fn admission(&self) -> String {
        let Lost { lines, why } = &self.lost;
        let content = Content::message(format!("{lines} lines of this log were lost: {why}"));
        content.line(self.form, clock::wall(), Level::WARN, module_path!())
    }

    fn write_whole(&mut self, lines: &str) -> Result<(), Lost> {
        if self.torn {
            let lost = |failure: Lost| Lost { lines: count_lines(lines.as_bytes()), ..failure };
            self.write_bytes(b"\n").map_err(lost)?;
        }
        self.write_bytes(lines.as_bytes())
    }

    fn write_bytes(&mut self, mut rest: &[u8]) -> Result<(), Lost> {
        while !rest.is_empty() {
            let failure = match self.target.write(rest) {
                Ok(0) => io::Error::from(ErrorKind::WriteZero),
                Ok(written) => {
                    let (done, left) = rest.split_at(written.min(rest.len()));
                    self.torn = !done.ends_with(b"\n");
                    rest = left;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            return Err(Lost { lines: count_lines(rest), why: failure.to_string() });
        }
        Ok(())
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}
