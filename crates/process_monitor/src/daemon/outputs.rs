//! The outputs of runs, from their spawn until the logger is through with them: who holds what was not read yet, and
//! what the logger is told.

use super::executor::Executor;
use super::logger::LONGEST_PAUSE;
use process_monitor_core::id::RunId;
use process_monitor_host::output::link::{LoggerEvent, LoggerLink};
use process_monitor_host::output::logger::{leave_word, take_back_word};
use process_monitor_host::output::protocol::Attach;
use process_monitor_host::output::run::OutputHold;
use process_monitor_host::process::Identity;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long an end waits until a logger has all outputs open: what nobody has open is lost with us. Longer than a
/// [pause](super::logger::LONGEST_PAUSE) between two tries to start one, and what the next then needs.
pub(super) const TAKEN_WITHIN: Duration = LONGEST_PAUSE.saturating_add(Duration::from_secs(8));

/// A run's output, as long as the logger is not through with it.
pub(super) struct Output {
    /// Keeps what was written from being lost while no logger has it open.
    _hold: OutputHold,
    /// What the logger is to know.
    pub(super) attach: Attach,
    /// Whether the logger that is there has it open.
    taken: bool,
    /// Whether word of it was left for a logger.
    word_left: bool,
}

impl Executor {
    /// Holds a run's output, and has the logger read it.
    pub fn add_output(&mut self, run: RunId, attach: Attach, hold: OutputHold) {
        if let Some(logger) = self.told_logger() {
            attach_to(logger, &attach);
        }
        self.outputs.insert(run, Output { _hold: hold, attach, taken: false, word_left: false });
    }

    /// The run goes on as `main`: the logger is to notice its end while no monitor does.
    pub(super) fn output_goes_on(&mut self, run: &RunId, main: Identity) {
        if let Some(output) = self.outputs.get_mut(run) {
            output.attach.identity = Some(main);
            let attach = output.attach.clone();
            self.told_logger().into_iter().for_each(|logger| attach_to(logger, &attach));
        }
    }

    /// The process of `run` has ended. The run record tells of this run only until there is another: a logger that
    /// does not know it yet must be able to find it should this monitor die, too, before it can tell.
    pub(super) fn output_ended(&mut self, run: &RunId) {
        let Some(output) = self.outputs.get_mut(run) else { return };
        output.attach.identity = None;
        if output.taken {
            return;
        }
        output.word_left = true;
        if let Err(error) = leave_word(&self.layout, &output.attach) {
            tracing::warn!(%run, %error, "should this monitor die before the logger is back, its output is not kept");
        }
    }

    /// A logger is there: it is given every run whose output it may not have read to the end.
    pub fn logger_up(&mut self, link: LoggerLink) {
        self.facts.logger_pid.store(link.logger_pid(), Ordering::Relaxed);
        tracing::info!(pid = link.logger_pid(), runs = self.outputs.len(), "the logger is there");
        self.outputs.values().for_each(|output| attach_to(&link, &output.attach));
        // Not after it: what it is given is how things are.
        self.tell_recorded();
        self.logger = Some(link);
    }

    /// The logger, which knows of all exits that are recorded: told later, it would take one for that of the process as which a run goes on.
    fn told_logger(&mut self) -> Option<&LoggerLink> {
        self.tell_recorded();
        self.logger.as_ref()
    }

    /// Tells the logger whose exits are recorded.
    pub(super) fn tell_recorded(&mut self) {
        for run in self.recorded.drain(..) {
            if let Some(logger) = &self.logger
                && let Err(error) = logger.exited(&run)
            {
                tracing::debug!(%error, "the logger is on its way out");
            }
        }
    }

    /// The logger has something to say.
    pub fn logger_says(&mut self, event: LoggerEvent) {
        match event {
            LoggerEvent::Closed { run } => {
                // A run that it knew before us may be over before it hears of it from us: that answer finds no output any more.
                if self.outputs.remove(&run).is_some_and(|output| output.word_left) {
                    self.take_back_word(&run);
                }
                self.starter.stock().take_back_fifos(&self.layout, &run);
            }
            LoggerEvent::Gone => {
                tracing::warn!("the logger is gone; another is started, output waits meanwhile");
                self.logger = None;
                self.outputs.values_mut().for_each(|output| output.taken = false);
                self.facts.logger_pid.store(0, Ordering::Relaxed);
                self.keeper.lost();
            }
            // Of a run that still counts as live our own notification follows, and is told to the logger then.
            LoggerEvent::Exited(note) if self.live.contains_key(&note.run) => {}
            LoggerEvent::Exited(note) => self.recorded.push(note.run),
            LoggerEvent::Attached { run } => {
                let Some(output) = self.outputs.get_mut(&run) else { return };
                output.taken = true;
                // Its own journal tells of the run now. Not only at its end, for which nobody waits who leaves.
                if std::mem::take(&mut output.word_left) {
                    self.take_back_word(&run);
                }
            }
            LoggerEvent::Pong => {}
        }
    }

    fn take_back_word(&self, run: &RunId) {
        if let Err(error) = take_back_word(&self.layout, run) {
            tracing::warn!(%run, %error, "cannot remove what was noted for the logger; the next one will");
        }
    }

    /// Whether nothing that was printed is lost when we leave now. It is as good as it gets when so long was waited.
    pub(super) fn may_leave_outputs(&self, since: Instant) -> bool {
        let waiting = self.outputs.values().filter(|output| !output.taken).count();
        if waiting > 0 && since.elapsed() >= TAKEN_WITHIN {
            tracing::error!(
                runs = waiting,
                "there is no logger that takes the last output of these runs; what they printed last may be lost"
            );
            return true;
        }
        waiting == 0
    }

    /// When [`Executor::may_leave_outputs`] is to be asked again at the latest.
    pub(super) fn patience_with_outputs(&self) -> Option<Duration> {
        let (_, since) = self.all_but_outputs()?;
        Some(TAKEN_WITHIN.saturating_sub(since.elapsed()))
    }

    /// Tells the logger that no more output will come. [`LoggerEvent::Gone`] tells that it has left; false: there is none.
    pub fn dismiss_logger(&mut self) -> bool {
        let Some(logger) = self.told_logger() else { return false };
        if let Err(error) = logger.quit(false) {
            tracing::debug!(%error, "the logger leaves by itself");
        }
        true
    }

    /// Whether a logger may still have something to copy.
    pub fn has_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }
}

/// A link that is broken says so by [`LoggerEvent::Gone`], and the next logger is given every run.
fn attach_to(logger: &LoggerLink, attach: &Attach) {
    if let Err(error) = logger.attach(attach.clone()) {
        tracing::debug!(run = %attach.run, %error, "the run waits for the next logger");
    }
}
