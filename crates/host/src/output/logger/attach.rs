//! Runs come and go.

use super::attached::{Part, Slot, Token, token};
use super::copier::Progress;
use super::discarded::is_discarded;
use super::stream::{Fault, StreamState};
use super::{Logger, memory, retain::retain};
use crate::failpoint::refused;
use crate::output::names::Stream;
use crate::output::note::ExitNote;
use crate::output::protocol::{Attach, Reply};
use crate::stock::spare_of;
use crate::sys::fifo;
use crate::sys::files::set_aside;
use crate::sys::terms::Interest;
use process_monitor_core::id::RunId;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// When opening a FIFO is tried again for which there was no descriptor.
const REOPEN: Duration = Duration::from_millis(200);

impl Logger {
    /// Takes up what the logger before us copied.
    pub(super) fn go_on_with(&mut self, runs: Vec<Attach>) {
        for attach in runs {
            let number = self.runs.insert(attach);
            self.begin(number);
        }
    }

    /// Takes up the runs of which a monitor left word that died before it could tell: the one that comes now does not know them.
    pub(super) fn take_up_words(&mut self) {
        for (path, attach) in self.memory.words() {
            // One that is known is in the journal.
            if self.runs.number_of(&attach.run).is_none() {
                self.attach(attach);
            }
            if self.memory.is_whole() {
                memory::remove(&path);
            }
        }
    }

    /// Begins to copy a run's output, or goes on with new limits.
    pub(super) fn attach(&mut self, attach: Attach) {
        let run = attach.run.clone();
        let number = match self.runs.number_of(&run) {
            Some(number) => self.update(number, attach),
            None => {
                self.memory.remember(&attach);
                let number = self.runs.insert(attach.clone());
                retain(&self.layout, &attach, &self.runs);
                number
            }
        };
        self.reply(&Reply::Attached { run: run.clone() });
        if let Some(note) = ExitNote::read(&self.layout, &run) {
            self.reply(&Reply::Exited(note));
        }
        self.begin(number);
    }

    /// Opens what isn't open yet of a run.
    fn begin(&mut self, number: u64) {
        self.watch_exit(number);
        for index in 0..Stream::BOTH.len() {
            self.open_stream(number, index);
            // Not left to a report: see `StreamState::end_is_reported`.
            self.serve_stream(number, index);
        }
        self.finish_if_over(number);
    }

    fn update(&mut self, number: u64, attach: Attach) -> u64 {
        let Some(run) = self.runs.get_mut(number) else { return number };
        run.told_closed = false;
        for slot in &mut run.slots {
            if let Slot::Open(stream) = slot {
                stream.limits = attach.limits;
            }
        }
        if attach.identity.is_some() && run.attach.identity != attach.identity {
            // The program goes on as another process: that one's exit counts. `watch_exit` takes hold of it.
            run.process = None;
        }
        if run.attach != attach {
            run.attach = attach.clone();
            self.memory.remember(&attach);
        }
        number
    }

    /// What it remembers of runs that are over is dropped now and then.
    pub(super) fn shorten_memory(&mut self) {
        if self.memory.is_long()
            && let Err(error) =
                self.memory.write_anew(self.runs.attaches().filter(|attach| !is_discarded(attach)))
        {
            tracing::warn!("what is remembered of runs that are over cannot be dropped: {error}");
        }
    }

    /// Opens the FIFO of a stream, if it isn't open yet.
    pub(super) fn open_stream(&mut self, number: u64, index: usize) {
        let token = token(number, Part::Stream(index));
        let Some(run) = self.runs.get_mut(number) else { return };
        let (Some(slot @ Slot::Unopened), Some(stream)) = (run.slots.get_mut(index), Stream::BOTH.get(index))
        else {
            return;
        };
        let path = stream.fifo(&self.layout, &run.attach.run);
        let opened = self.copier.files.with_descriptor(|| {
            let fifo = fifo::open_reader(&path)?;
            if refused("logger::reports").is_ok() {
                self.readiness.add(&fifo, token, Interest::Read)?;
            }
            Ok(fifo)
        });
        match opened {
            Ok(fifo) => {
                let folder = Arc::from(run.attach.folder.as_path());
                let opened = StreamState::new(token, (path, fifo), folder, *stream, run.attach.limits);
                *slot = Slot::Open(Box::new(opened));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => *slot = Slot::Closed,
            Err(error) => {
                tracing::warn!("cannot open {}, trying again: {error}", path.display());
                self.retries.insert((Instant::now() + REOPEN, token));
            }
        }
    }

    /// Gives a stream its turn.
    pub(super) fn serve_stream(&mut self, number: u64, index: usize) {
        let Some(run) = self.runs.get_mut(number) else { return };
        let turned = std::mem::replace(&mut run.served, index) != index;
        let nobody_runs = run.process.is_none();
        let Some(Slot::Open(stream)) = run.slots.get_mut(index) else { return };
        let (was_waiting, was_due) = (is_waiting(stream), stream.retry_at());
        let progress = self.copier.serve(stream, turned, Instant::now());
        stream.look_for_end(nobody_runs && progress == Progress::Drained, Instant::now());
        let (waits, due) = (is_waiting(stream), stream.retry_at());
        let (token, has_more) = (stream.token, stream.has_staged() && !waits);
        let again = has_more || matches!(progress, Progress::Moved(_)) && !stream.end_is_reported;
        if was_waiting != waits {
            self.listen_to(number, index, !waits);
        }
        self.reschedule(token, was_due, due);
        match progress {
            Progress::Closed => self.close_stream(number, index, token),
            _ if again => drop(self.retries.insert((Instant::now(), token))),
            _ => {}
        }
    }

    /// A run's process has ended, and with it, most likely, its output: which is to be seen where nothing tells it.
    pub(super) fn look_for_ends(&mut self, number: u64) {
        for index in 0..Stream::BOTH.len() {
            let slot = self.runs.get_mut(number).and_then(|run| run.slots.get(index));
            if matches!(slot, Some(Slot::Open(stream)) if stream.ends_silently) {
                self.serve_stream(number, index);
            }
        }
    }

    /// While a stream waits for its file, its FIFO must not wake us: neither for bytes nor for its
    /// end, which would be reported for ever.
    fn listen_to(&mut self, number: u64, index: usize, wanted: bool) {
        let Some(Slot::Open(stream)) = self.runs.get_mut(number).and_then(|run| run.slots.get_mut(index))
        else {
            return;
        };
        if !wanted {
            return Self::unwatch(&self.readiness, &stream.fifo);
        }
        if let Err(error) = self.readiness.add(&stream.fifo, stream.token, Interest::Read) {
            tracing::warn!("cannot watch the output of {}: {error}", stream.folder.display());
            stream.failed(error, Instant::now());
        }
    }

    fn reschedule(&mut self, token: Token, was_due: Option<Instant>, due: Option<Instant>) {
        if was_due != due {
            self.retries.extend(due.map(|at| (at, token)));
            was_due.map(|at| self.retries.remove(&(at, token)));
        }
    }

    fn close_stream(&mut self, number: u64, index: usize, token: Token) {
        self.copier.files.close(token);
        if let Some(slot) = self.runs.get_mut(number).and_then(|run| run.slots.get_mut(index))
            && let Slot::Open(stream) = std::mem::replace(slot, Slot::Closed)
        {
            Self::unwatch(&self.readiness, &stream.fifo);
        }
        self.finish_if_over(number);
    }

    /// Tells the monitor when all output is copied, and forgets the run once its exit is settled, too.
    pub(super) fn finish_if_over(&mut self, number: u64) {
        let Some(run) = self.runs.get_mut(number).filter(|run| run.is_closed()) else { return };
        let exit_is_open = run.process.is_some();
        let first = !std::mem::replace(&mut run.told_closed, true);
        let run = run.attach.run.clone();
        if first {
            // Before the monitor is told, which makes other runs of them.
            self.set_fifos_aside(&run);
            crate::crash_point!("logger::set_aside");
            self.reply(&Reply::Closed { run: run.clone() });
        }
        self.runs.release_folder(number);
        if !exit_is_open {
            self.runs.remove(number);
            self.memory.forget(&run);
        }
    }

    /// Nobody writes into them any more, and they are empty.
    fn set_fifos_aside(&self, run: &RunId) {
        for path in Stream::BOTH.map(|stream| stream.fifo(&self.layout, run)) {
            if let Err(error) = set_aside(&path, &spare_of(&path)) {
                tracing::warn!("cannot set {} aside: {error}", path.display());
            }
            crate::crash_point!("logger::setting_aside");
        }
    }
}

fn is_waiting(stream: &StreamState) -> bool {
    matches!(stream.fault, Fault::Waiting { .. })
}
