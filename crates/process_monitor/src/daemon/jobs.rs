//! Work that may take long, on threads of its own: spawning, and killing trees.
//!
//! These threads live as long as the monitor, because the children of a thread that ends move to the
//! main thread, whose children are otherwise just the orphans that fell to us (`host::process::tree`).

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::LogConfig;
use process_monitor_host::notify::NotifySocket;
use process_monitor_host::output::run::OutputHold;
use process_monitor_host::process::{Process, SpawnError};

/// The end of a spawn.
pub struct SpawnDone {
    /// Whose.
    pub id: ProcessId,
    /// Which run.
    pub run: RunId,
    /// The process with the ends of its output that we hold, or what went wrong.
    pub result: Result<SpawnedRun, StartError>,
    /// Why it was not written down that it failed.
    pub unrecorded: Option<String>,
}

/// A run that was spawned.
pub struct SpawnedRun {
    /// Its process.
    pub process: Process,
    /// Its output, unless that is discarded.
    pub captured: Option<Captured>,
    /// Where it says what it has to say of itself, if it was told to.
    pub notices: Option<NotifySocket>,
}

/// The output of a run, as the logger is to copy it.
pub struct Captured {
    /// The reading ends.
    pub hold: OutputHold,
    /// The folder of the files.
    pub folder: PathBuf,
    /// What is kept of it.
    pub logs: LogConfig,
}

/// Why a run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program itself could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// Who registered it is not trusted, and may not run this program.
    #[error("{0}")]
    NotPermitted(String),
    /// What must stand before it starts could not be prepared.
    #[error("{0}")]
    Prepare(String),
}

type Job = Box<dyn FnOnce() + Send>;

/// A few threads that take jobs in turn.
#[derive(Clone)]
pub struct Pool {
    jobs: mpsc::Sender<Job>,
}

impl Pool {
    /// Starts `threads` threads.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(name: &str, threads: usize) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(name.to_owned()).spawn(move || work(&queue))?;
        }
        Ok(Self { jobs })
    }

    /// Has one of the threads do `job`.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        // The threads end only with the process, so there is always one to take it.
        if self.jobs.send(Box::new(job)).is_err() {
            tracing::error!("a job was given to threads that have ended");
        }
    }
}

fn work(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(job) => job(),
            Err(mpsc::RecvError) => return,
        }
    }
}
