//! Starting a run: its FIFOs, its record, the program, then its folder, on a thread that may wait.

use super::inbox::{Inbox, Message};
use super::jobs::{Captured, Pool, SpawnDone, SpawnedRun, StartError};
use super::permits::Permits;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{AlivenessCheck, ProcessEntry};
use process_monitor_host::clock;
use process_monitor_host::fd::AsFd;
use process_monitor_host::layout::Layout;
use process_monitor_host::notify::NotifySocket;
use process_monitor_host::output::run::{self, CapturedOutput, RunOutput};
use process_monitor_host::process::record::{Intent, RunRecord};
use process_monitor_host::process::{BootId, SpawnRequest, ensure_room, spawn};
use process_monitor_host::stock::Stock;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Starts programs.
pub struct Starter {
    site: Site,
    inbox: Inbox,
    pool: Pool,
    permits: Permits,
    /// Restarts used, by runs that are to be recorded; the record and the spawn are one job.
    recorded: HashMap<RunId, u32>,
    under_way: usize,
}

/// Where runs are made, and of what.
#[derive(Clone)]
struct Site {
    layout: Layout,
    boot: BootId,
    stock: Stock,
    /// The folders of the last runs that could not be made yet: their names are not to be used again.
    unmade: Arc<Mutex<HashMap<ProcessId, PathBuf>>>,
}

impl Site {
    fn unmade(&self) -> MutexGuard<'_, HashMap<ProcessId, PathBuf>> {
        // It is whole after any step.
        self.unmade.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the folder of a run that was started. Should that fail, the logger makes it when there is something to write.
    fn make_folder(&self, process: &ProcessId, folder: &Path) {
        let made = run::make_folder(folder);
        let mut unmade = self.unmade();
        match made {
            Ok(()) => drop(unmade.remove(process)),
            Err(error) => {
                tracing::error!(%process, %error, "its output waits until the logger can make its folder");
                unmade.insert(process.clone(), folder.to_owned());
            }
        }
    }
}

impl Starter {
    /// Starts programs on the threads of `pool`, as far as `permits` lets them be.
    pub fn new(layout: Layout, boot: BootId, inbox: Inbox, pool: Pool, permits: Permits) -> Self {
        let stock = Stock::filled(&layout);
        let site = Site { layout, boot, stock, unmade: Arc::default() };
        Self { site, inbox, pool, permits, recorded: HashMap::new(), under_way: 0 }
    }

    /// What it makes runs of, as far as there is something.
    pub fn stock(&self) -> &Stock {
        &self.site.stock
    }

    /// Takes in what the record of `run` is to say; it is written at the beginning of the spawn's job.
    pub fn record(&mut self, run: RunId, attempts: u32) {
        self.recorded.insert(run, attempts);
    }

    /// Has `entry` recorded and started; [`Message::Spawned`] follows.
    pub fn spawn(&mut self, run: RunId, entry: Arc<ProcessEntry>) {
        let attempts = self.recorded.remove(&run).unwrap_or_default();
        self.under_way += 1;
        let (site, inbox) = (self.site.clone(), self.inbox.clone());
        let permits = self.permits.clone();
        self.pool.run(move || {
            let program = permits.program(&entry, &entry.command).map_err(StartError::NotPermitted);
            let result = program.and_then(|program| {
                start(&site, &run, &Start { entry: &entry, program: program.as_deref(), attempts })
            });
            let unrecorded = result.is_err().then(|| {
                let (process, run, started_at) = (entry.id.clone(), run.clone(), clock::wall());
                let boot = site.boot.clone();
                record_failure(&site, &Intent { process, run, boot, folder: None, started_at, attempts })
            });
            let (id, unrecorded) = (entry.id.clone(), unrecorded.flatten());
            inbox.send(Message::Spawned(Box::new(SpawnDone { id, run, result, unrecorded })));
        });
    }

    /// A spawn came back.
    pub fn done(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Whether no spawn is under way.
    pub fn idle(&self) -> bool {
        self.under_way == 0
    }
}

/// A run that failed before it had a record gets one: what the registry will tell of it is not to be taken for
/// older than the run that has one so far. Says what went wrong with that.
fn record_failure(site: &Site, intent: &Intent) -> Option<String> {
    let created = RunRecord::create(&site.layout.run_record(&intent.process), intent, &site.stock);
    created.err().map(|error| error.to_string())
}

/// What is to be started.
struct Start<'a> {
    entry: &'a ProcessEntry,
    /// The file that was permitted, when that was a question.
    program: Option<&'a Path>,
    attempts: u32,
}

fn start(site: &Site, run: &RunId, what: &Start<'_>) -> Result<SpawnedRun, StartError> {
    let Site { layout, boot, stock, .. } = site;
    let Start { entry, attempts, .. } = *what;
    ensure_room(entry.output)?;
    let started_at = clock::wall();
    let after = site.unmade().get(&entry.id).cloned();
    let begins = (started_at, after.as_deref());
    let output = RunOutput::create(entry.output, layout, &entry.id, run, begins, stock)
        .map_err(|error| StartError::Prepare(error.to_string()))?;
    let (process, folder) = (entry.id.clone(), output.folder().map(ToOwned::to_owned));
    let intent = Intent { process, run: run.clone(), boot: boot.clone(), folder, started_at, attempts };
    let notices = notices(layout, run, entry);
    let spawned = notices.and_then(|notices| {
        let process = recorded_spawn(site, &intent, what, &output, notices.as_ref());
        Ok((process?, notices))
    });
    match spawned {
        Ok((process, notices)) => {
            let captured = match output {
                RunOutput::Captured(CapturedOutput { hold, folder, .. }) => {
                    site.make_folder(&entry.id, &folder);
                    Some(Captured { hold, folder, logs: entry.logs() })
                }
                RunOutput::Discarded(_) => None,
            };
            Ok(SpawnedRun { process, captured, notices })
        }
        Err(error) => {
            let is_captured = output.folder().is_some();
            // With its ends, so that nobody has its FIFOs open.
            drop(output);
            if is_captured {
                run::discard(layout, run, stock);
            }
            Err(error)
        }
    }
}

/// Where it says what it has to say of itself, if its check expects that (sd_notify(3)).
fn notices(layout: &Layout, run: &RunId, entry: &ProcessEntry) -> Result<Option<NotifySocket>, StartError> {
    if !entry.check().is_some_and(AlivenessCheck::listens) {
        return Ok(None);
    }
    let path = layout.notify_socket(run);
    NotifySocket::bind(&path).map(Some).map_err(|error| {
        StartError::Prepare(format!("cannot make the socket {} for sd_notify: {error}", path.display()))
    })
}

/// The variables of sd_notify(3). `WATCHDOG_PID` is left out: then it counts for whoever has the others.
fn notify_variables(notices: Option<&NotifySocket>, entry: &ProcessEntry) -> Vec<(OsString, OsString)> {
    let socket = notices.map(|notices| ("NOTIFY_SOCKET".into(), notices.path().into()));
    let watchdog = entry.check().and_then(|check| check.watchdog_ms);
    let watchdog = watchdog.map(|ms| ("WATCHDOG_USEC".into(), ms.saturating_mul(1000).to_string().into()));
    socket.into_iter().chain(watchdog).collect()
}

fn recorded_spawn(
    site: &Site,
    intent: &Intent,
    what: &Start<'_>,
    output: &RunOutput,
    notices: Option<&NotifySocket>,
) -> Result<process_monitor_host::process::Process, StartError> {
    let Start { entry, program, .. } = *what;
    let record = RunRecord::create(&site.layout.run_record(&entry.id), intent, &site.stock)
        .map_err(|error| StartError::Prepare(error.to_string()))?;
    process_monitor_host::crash_point!("start::recorded");
    let notify = notify_variables(notices, entry);
    let notify = notify.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()));
    let environment = entry.environment.iter().flatten();
    let environment = environment.map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
    let process = spawn(&SpawnRequest {
        process: &entry.id,
        run: &intent.run,
        command: OsStr::new(&entry.command),
        executable: program,
        args: entry.args.iter().map(OsStr::new).collect(),
        working_directory: entry.working_directory.as_deref().map(Path::new),
        environment: environment.chain(notify).collect(),
        stdout: output.stdout(),
        stderr: output.stderr(),
        record: record.as_fd(),
        keeps: &output.keeps(),
    })?;
    process_monitor_host::crash_point!("start::spawned");
    Ok(process)
}
