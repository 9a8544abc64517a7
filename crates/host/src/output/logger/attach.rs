//! Runs come and go.

use super::attached::{Part, Slot, Token, token};
use super::copier::Progress;
use super::stream::{Fault, StreamState};
use super::{Logger, memory, retain::retain};
use crate::failpoint::refused;
use crate::files::remove_if_there;
use crate::output::names::Stream;
use crate::output::note::ExitNote;
use crate::output::protocol::{Attach, Reply};
use crate::sys::fifo;
use crate::sys::terms::Interest;
use process_monitor_core::id::RunId;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the files of a run that is over stay, and no other run may have begun for so long. When many end at once, their ends are
/// reaped and told meanwhile, and others are started, which make files in the same folder.
const TIDY: Duration = Duration::from_millis(300);

/// How long they stay at most.
const TIDY_BY: Duration = Duration::from_secs(3);

/// When opening a FIFO is tried again for which there was no descriptor.
const REOPEN: Duration = Duration::from_millis(200);

impl Logger {
    /// Takes up what the logger before us copied.
    pub(super) fn recall(&mut self) {
        for attach in memory::recall(&self.layout) {
            let number = self.runs.insert(attach);
            self.begin(number);
        }
    }

    /// Begins to copy a run's output, or goes on with new limits.
    pub(super) fn attach(&mut self, attach: Attach) {
        let run = attach.run.clone();
        let number = match self.runs.number_of(&run) {
            Some(number) => self.update(number, attach),
            None => {
                self.attached = Some(Instant::now());
                self.remember(&attach);
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
            self.remember(&attach);
        }
        number
    }

    fn remember(&self, attach: &Attach) {
        if let Err(error) = memory::remember(&self.layout, attach) {
            tracing::warn!("a logger after this one will not know of run {}: {error}", attach.run);
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

    /// Tells the monitor when all output is copied. What is not needed any more then goes a moment later.
    pub(super) fn finish_if_over(&mut self, number: u64) {
        let Some(run) = self.runs.get_mut(number).filter(|run| run.is_closed()) else { return };
        let now = Instant::now();
        run.tidy_by.get_or_insert(now + TIDY_BY);
        if !std::mem::replace(&mut run.told_closed, true) {
            let run = run.attach.run.clone();
            self.reply(&Reply::Closed { run });
        }
        self.runs.release_folder(number);
        self.retries.insert((now + TIDY, token(number, Part::Files)));
    }

    /// Removes the files of a run that is over, unless it is better done a moment later; says whether it has.
    pub(super) fn tidy_in_peace(&mut self, number: u64, now: Instant) -> bool {
        let latest = self.runs.get_mut(number).and_then(|run| run.tidy_by);
        let may_wait = latest.is_some_and(|latest| latest > now);
        let quiet_from = self.attached.map(|at| at + TIDY).filter(|at| may_wait && *at > now);
        match quiet_from {
            Some(at) => drop(self.retries.insert((at, token(number, Part::Files)))),
            None => self.tidy(number),
        }
        quiet_from.is_none()
    }

    /// Removes the FIFOs of a run whose output is copied, and forgets it once its exit is settled, too.
    pub(super) fn tidy(&mut self, number: u64) {
        let Some(run) = self.runs.get_mut(number).filter(|run| run.is_closed()) else { return };
        let (id, exit_is_open) = (run.attach.run.clone(), run.process.is_some());
        self.remove_fifos(&id);
        if !exit_is_open {
            self.runs.remove(number);
            memory::forget(&self.layout, &id);
        }
    }

    /// Removes the files of all runs that are over: the logger is to leave.
    pub(super) fn tidy_all(&mut self) {
        let runs: Vec<u64> = self.runs.iter_mut().map(|(number, _)| number).collect();
        runs.into_iter().for_each(|number| self.tidy(number));
    }

    fn remove_fifos(&self, run: &RunId) {
        for stream in Stream::BOTH {
            let path = stream.fifo(&self.layout, run);
            if let Err(error) = remove_if_there(&path) {
                tracing::warn!("cannot remove {}: {error}", path.display());
            }
        }
    }
}

fn is_waiting(stream: &StreamState) -> bool {
    matches!(stream.fault, Fault::Waiting { .. })
}
