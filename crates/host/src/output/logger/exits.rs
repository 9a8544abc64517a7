//! Exits while no monitor is there: noted, for the next one.
//!
//! The process is taken hold of when the run is attached, not when the monitor is gone: then the process may
//! be gone, too. It is listened to only while no monitor is connected, who knows by itself.

use super::Logger;
use super::attached::{Part, token};
use crate::output::note::ExitNote;
use crate::process::Process;
use crate::sys::terms::Interest;
use process_monitor_core::id::RunId;
use std::io::ErrorKind;

impl Logger {
    /// Takes hold of the run's process, if it is known and there.
    pub(super) fn watch_exit(&mut self, number: u64) {
        let Some(run) = self.runs.get_mut(number).filter(|run| run.process.is_none()) else { return };
        let Some(identity) = run.attach.identity else { return };
        match self.copier.files.with_descriptor(|| Process::adopt(&identity)) {
            Ok(process) => run.process = process,
            Err(error) => tracing::warn!("the exit of {identity} will not be noted: {error}"),
        }
        if self.session.is_none() {
            self.listen_to_exit(number);
        }
    }

    /// The monitor is gone.
    pub(super) fn listen_to_exits(&mut self) {
        let numbers: Vec<u64> = self.runs.iter_mut().map(|(number, _)| number).collect();
        numbers.into_iter().for_each(|number| self.listen_to_exit(number));
    }

    fn listen_to_exit(&mut self, number: u64) {
        let Some(process) = self.runs.get_mut(number).and_then(|run| run.process.as_ref()) else { return };
        match self.readiness.add(process, token(number, Part::Exit), Interest::Read) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => tracing::warn!("the exit of {} will not be noted: {error}", process.identity()),
        }
    }

    /// The monitor is back.
    pub(super) fn ignore_exits(&mut self) {
        for (_, run) in self.runs.iter_mut() {
            if let Some(process) = &run.process {
                Self::unwatch(&self.readiness, process);
            }
        }
    }

    /// A process has ended, and no monitor saw it.
    pub(super) fn note_exit(&mut self, number: u64) {
        let Some(run) = self.runs.get_mut(number) else { return };
        let Some(process) = &run.process else { return };
        let exit = match process.try_exit() {
            Ok(Some(exit)) => exit,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!("cannot read the exit of {}: {error}", process.identity());
                process_monitor_core::exit::Exit::Unknown
            }
        };
        let note = ExitNote { run: run.attach.run.clone(), exit, at: crate::clock::wall() };
        Self::unwatch(&self.readiness, process);
        run.process = None;
        if let Err(error) = note.write(&self.layout) {
            tracing::error!("the exit of run {} is lost: {error}", note.run);
        }
        self.look_for_ends(number);
        self.finish_if_over(number);
    }

    /// The monitor has recorded the run's exit.
    pub(super) fn exit_is_known(&mut self, run: &RunId) {
        if let Err(error) = ExitNote::remove(&self.layout, run) {
            tracing::warn!("{error}");
        }
        let Some(number) = self.runs.number_of(run) else { return };
        if let Some(run) = self.runs.get_mut(number) {
            run.process = None;
        }
        self.look_for_ends(number);
        self.finish_if_over(number);
    }
}
