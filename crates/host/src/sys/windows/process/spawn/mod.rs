//! Spawning by `CreateProcessW`. The order makes that a monitor that dies at any moment leaves the truth:
//!
//! 1. the run's job, by its name ([`super::job`]);
//! 2. the process, *suspended*, in the job from its first moment, with exactly the handles that are meant for it;
//! 3. its line in the run record, by the monitor, for the process itself runs nothing yet;
//! 4. it is let go.
//!
//! Death between 2 and 3: the next monitor finds an intent, no line, and by its name a job with somebody who never began, and ends
//! him ([`bury_unborn`]). Death between 3 and 4: it finds the line and lets him go ([`super::handle::Process::adopt`]).
//!
//! | file | |
//! | --- | --- |
//! | `prepare` | the request in the form of `CreateProcessW` |
//! | `command_line` | many arguments as one text |
//! | `variables` | the environment as one block |
//! | `program` | which file a command means; batch files refused |
//! | `attributes`, `inheritance` | what it inherits, and nobody else |
//! | `create` | the process, suspended |
//! | `diagnose` | what an error means to the person who registered the program |

mod attributes;
mod command_line;
mod create;
mod diagnose;
pub mod inheritance;
mod prepare;
mod program;
mod variables;

use super::handle::Process;
use super::job::Job;
use super::{identity, open};
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::process::identity::Identity;
use crate::process::spawn::{SpawnError, SpawnRequest, Stage};
use create::{Inherited, Unborn, create};
use diagnose::diagnose;
use prepare::Prepared;
use process_monitor_core::id::RunId;
use process_monitor_core::model::OutputMode;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle};

/// A text in the system's own form.
fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().collect()
}

/// See [`crate::process::spawn::ensure_room`]. There always is: see [`super::limits`].
pub fn ensure_room(_output: OutputMode) -> Result<(), SpawnError> {
    Ok(())
}

/// See [`crate::process::spawn::spawn`].
pub fn spawn(request: &SpawnRequest<'_>) -> Result<Process, SpawnError> {
    let prepared = Prepared::new(request)?;
    let job = Job::create(request.run).map_err(in_stage(Stage::Session))?;
    crate::crash_point!("spawn::before_clone");
    let unborn = unborn(request, &prepared, &job, Some(&job))?;
    crate::crash_point!("spawn::after_clone");
    match record_and_begin(unborn, request.record) {
        Ok(begun) => Ok(Process::spawned(begun, job)),
        Err(error) => {
            // Nothing runs after an error. Who never began ends at once.
            if let Err(error) = job.kill() {
                tracing::error!(run = %request.run, %error, "cannot end a process that was not let go; end it by hand, it does nothing");
            }
            Err(error)
        }
    }
}

/// Starts what is in no record, as it is not to outlive the monitor: it ends with all it has started when what this gives is dropped,
/// or this process ends. `request.record` is not used.
///
/// # Errors
/// As [`spawn`].
pub fn unrecorded(request: &SpawnRequest<'_>) -> Result<Process, SpawnError> {
    let prepared = Prepared::new(request)?;
    let job = Job::create_for_us(request.run).map_err(in_stage(Stage::Session))?;
    let unborn = unborn(request, &prepared, &job, None)?;
    let identity = open::identity(unborn.process.as_fd()).map_err(in_stage(Stage::Fork))?;
    let process = unborn.begin().map_err(in_stage(Stage::Exec))?;
    Ok(Process::spawned(Begun { process, identity }, job))
}

fn unborn(
    request: &SpawnRequest<'_>,
    prepared: &Prepared,
    job: &Job,
    kept: Option<&Job>,
) -> Result<Unborn, SpawnError> {
    let inherited = Inherited::new(request, kept).map_err(in_stage(Stage::Descriptors))?;
    create(prepared, &inherited, job).map_err(|source| diagnose(request, prepared, source))
}

fn in_stage(stage: Stage) -> impl FnOnce(io::Error) -> SpawnError {
    move |source| SpawnError::Setup { stage, source }
}

/// A process that runs, and is recorded.
pub(super) struct Begun {
    pub process: OwnedFd,
    pub identity: Identity,
}

fn record_and_begin(unborn: Unborn, record: BorrowedFd<'_>) -> Result<Begun, SpawnError> {
    let identity = open::identity(unborn.process.as_fd()).map_err(in_stage(Stage::Record))?;
    append(record, identity::record_line(identity).as_bytes()).map_err(in_stage(Stage::Record))?;
    crate::crash_point!("spawn::after_record");
    let process = unborn.begin().map_err(in_stage(Stage::Exec))?;
    Ok(Begun { process, identity })
}

/// One write: a kill leaves the whole line or none.
fn append(record: BorrowedFd<'_>, line: &[u8]) -> io::Result<()> {
    // SAFETY: the handle is open, and `ManuallyDrop` leaves it so.
    let file = ManuallyDrop::new(unsafe { File::from_raw_handle(record.as_raw_handle()) });
    (&*file).write_all(line)
}

/// Ends whoever is in the job of a run whose record has an intent and no line: he never began. To be called under the record's lock.
///
/// # Errors
/// When he cannot be ended: then nothing must be started in his place.
pub fn bury_unborn(run: &RunId) -> io::Result<()> {
    match Job::open(run)? {
        Some(job) => job.kill(),
        None => Ok(()),
    }
}
