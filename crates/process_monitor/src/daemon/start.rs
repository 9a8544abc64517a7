//! Bringing a monitor up, and down again.

use super::aliveness;
use super::api;
use super::exit_with::ExitWith;
use super::handle::{Facts, Handle};
use super::life::{self, Life};
use super::serve::{self, End};
use super::service_manager::ServiceManager;
use super::storage::{Storage, StorageError};
use super::succession;
use crate::log;
use process_monitor_core::id::{InstanceId, ProcessId};
use process_monitor_core::model::ProcessEntry;
use process_monitor_core::partner::RESTART_CODE;
use process_monitor_core::registry::Registry;
use process_monitor_host::background::{Ready, ReadyReporter};
use process_monitor_host::clock;
use process_monitor_host::control::ControlListener;
use process_monitor_host::files::{self, FileError};
use process_monitor_host::handover::{Bequest, Inherited};
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::{InstanceLock, InstanceLockError};
use process_monitor_host::pair::farewell;
use process_monitor_host::process::limits;
use process_monitor_host::program;
use process_monitor_host::signals;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32};
use std::thread;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tracing::Level;

/// How long work that is of no use any more may take to end.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// What a monitor is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it keeps everything.
    pub directory: PathBuf,
    /// Which instance it is.
    pub instance: InstanceId,
    /// Whether a person watches: its log also goes to the terminal.
    pub foreground: bool,
    /// Whether it has no partner, whatever the registry says.
    pub standalone: bool,
    /// Level and form of its log (`TOM_PM_LOG`).
    pub log: Option<String>,
    /// The process whose end is the end of the monitor.
    pub exit_with: Option<ProcessId>,
    /// Where its aliveness server listens, whatever the registry says; 0: where the system likes.
    pub aliveness_port: Option<u16>,
    /// Where its API listens, whatever the registry says; 0: where the system likes.
    pub api_port: Option<u16>,
    /// Which process watches it, by word of whoever started it.
    pub watcher_pid: Option<u32>,
    /// Whether it is not to be, if the monitor before it was stopped: its partner starts it, and may be late.
    pub unless_stopped: bool,
}

/// Why a monitor did not come up, or went down.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Its folders cannot be used.
    #[error(transparent)]
    Folder(#[from] FileError),
    /// Another one runs.
    #[error(transparent)]
    Instance(#[from] InstanceLockError),
    /// The one before it was stopped, and that is to stay so.
    #[error(
        "the monitor of instance {0} was stopped while its partner was about to start it; it stays stopped"
    )]
    Stopped(InstanceId),
    /// Its registry cannot be used.
    #[error(transparent)]
    Registry(#[from] StorageError),
    /// Its log cannot be written.
    #[error(transparent)]
    Log(#[from] log::LogError),
    /// It was to end with a process that is not registered.
    #[error("there is no process {0} to end with; register it first with `add`, or correct --exit-with")]
    NobodyToEndWith(ProcessId),
    /// It was to go on as another image, and could do neither that nor go on as it was.
    #[error(
        "cannot execute {}, and not go on either: {source}; this monitor ends with exit code {RESTART_CODE}, which asks its \
         partner or its service manager for a fresh one; what it managed runs on", executable.display()
    )]
    NotExecuted {
        /// What was to follow.
        executable: PathBuf,
        /// Why it could not.
        source: io::Error,
    },
    /// The system refused something.
    #[error("cannot {attempt}: {source}")]
    System {
        /// What was attempted.
        attempt: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl DaemonError {
    /// Whether there is nothing to do: another monitor is there, or none is wanted.
    pub fn is_redundant(&self) -> bool {
        matches!(self, Self::Instance(InstanceLockError::Held { holder: Some(_), .. }) | Self::Stopped(_))
    }
}

/// For `map_err`: says what was attempted.
pub(super) fn cannot(attempt: impl Into<String>) -> impl FnOnce(io::Error) -> DaemonError {
    let attempt = attempt.into();
    move |source| DaemonError::System { attempt, source }
}

/// How a monitor's process ends.
enum Departure {
    /// With this exit code.
    End(u8),
    /// By becoming the monitor that follows, which gets this.
    Followed(Bequest),
}

/// Runs a monitor until it is stopped, and returns with what code its process is to end. If it was started in the background, its starter is told when
/// it can be talked to, or why it can't be.
///
/// # Errors
/// [`DaemonError`]; what it managed goes on.
pub fn run(options: &Options) -> Result<u8, DaemonError> {
    // First of all: whatever is started from here on must not inherit these.
    let inherited = Inherited::from_env();
    let mut ready = ReadyReporter::from_env().map_err(cannot("take over the pipe of the start"))?;
    program::own().map_err(cannot("find this program's own file"))?;
    // Until there is somebody to obey them.
    signals::hold_back().map_err(cannot("hold signals back"))?;
    let layout = Layout::new(&options.directory, options.instance.clone());
    let result = until_the_end(options, &layout, inherited, &mut ready);
    if let Err(error) = &result {
        match error.is_redundant() {
            true => log::append(&layout, options.log.as_deref(), Level::INFO, &superfluous(error)),
            false => tracing::error!(%error, "the monitor ends; what it managed goes on"),
        }
        report(ready, |ready| ready.failed(error.to_string()));
    }
    match result? {
        Departure::End(code) => Ok(code),
        Departure::Followed(bequest) => {
            let error = go_on(bequest, options.foreground);
            // The log that this life had is closed, and its descriptor may be another's.
            log::append(&layout, options.log.as_deref(), Level::ERROR, &error.to_string());
            Err(error)
        }
    }
}

fn superfluous(error: &DaemonError) -> String {
    format!("a start with pid {} ended: {error}", std::process::id())
}

/// Tells who started us, if somebody waits for it.
fn report(to: Option<ReadyReporter>, tell: impl FnOnce(ReadyReporter) -> io::Result<()>) {
    if let Some(Err(error)) = to.map(tell) {
        tracing::debug!(%error, "nobody waits any more to hear how the start went");
    }
}

/// Everything that a life has is released when this returns, in the reverse order of its taking, but for what the monitor
/// gets that follows, if one does.
fn until_the_end(
    options: &Options,
    layout: &Layout,
    mut inherited: Inherited,
    ready: &mut Option<ReadyReporter>,
) -> Result<Departure, DaemonError> {
    let follows = inherited.has(succession::LOCK);
    // Before anything is opened: more may have been handed over than the user's limit lets be opened.
    let raised = limits::raise_nofile();
    if follows {
        process_monitor_host::crash_point!("succession::followed");
    }
    make_folders(layout)?;
    let lock = InstanceLock::acquire_or_inherit(layout, inherited.take(succession::LOCK))?;
    begin(options, layout, follows)?;
    let storage = Storage::open(layout.clone())?;
    let _log = log::start(layout, options.foreground, options.log.as_deref())?;
    log_panics();
    if let Err(error) = raised {
        tracing::warn!(%error, "cannot raise the limit of open descriptors");
    }
    leave_callers_folder(options, layout)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(signals::leave_to_another)
        .build()
        .map_err(cannot("start serving"))?;
    let life = supervise_and_serve(options, layout, storage, inherited, ready);
    let mut departure = runtime.block_on(life)?;
    // Something may hang in a look at a disk or a name.
    runtime.shutdown_timeout(LEFT_BEHIND);
    if let Departure::Followed(bequest) = &mut departure {
        match lock.hand_over() {
            Ok(lock) => bequest.add(succession::LOCK, lock),
            Err(error) => tracing::warn!(%error, "cannot hand over the instance's lock; it is taken anew"),
        }
    }
    Ok(departure)
}

fn make_folders(layout: &Layout) -> Result<(), FileError> {
    files::create_folders(layout.directory())?;
    // Logs may be shared with a group; the rest is nobody else's business.
    files::create_folders(&layout.logs())?;
    let private = [layout.state(), layout.runs(), layout.fifos(), layout.exits(), layout.notify()];
    private.iter().try_for_each(|folder| files::private_dir(folder))?;
    files::remove_leftovers(&layout.registry()).map(drop)
}

/// Who holds the lock decides whether a stop still counts, and then begins a life of which another may be made.
fn begin(options: &Options, layout: &Layout, follows: bool) -> Result<(), DaemonError> {
    // A stop of the image before this one is obeyed by this one (`serve`), which has to be there for that.
    if options.unless_stopped && !follows && farewell::read(layout).is_some() {
        return Err(DaemonError::Stopped(layout.instance().clone()));
    }
    farewell::take_back(layout).map_err(cannot("take back that this monitor was stopped"))?;
    let executable = program::own().map_err(cannot("find this program's own file"))?;
    options.write_down(layout, executable).map_err(cannot("write down how this monitor was started"))
}

/// A bug must not die in silence: a thread that panics says so in the log.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!("a bug, please report it: {panic}")));
}

/// A background monitor works in its own folder: the one it was called in may be unmounted, and a
/// program without `workingDirectory` shall not run elsewhere after each start of the monitor.
fn leave_callers_folder(options: &Options, layout: &Layout) -> Result<(), DaemonError> {
    if options.foreground {
        return Ok(());
    }
    let folder = layout.directory();
    std::env::set_current_dir(folder).map_err(cannot(format!("work in {}", folder.display())))
}

async fn supervise_and_serve(
    options: &Options,
    layout: &Layout,
    storage: Storage,
    mut inherited: Inherited,
    ready: &mut Option<ReadyReporter>,
) -> Result<Departure, DaemonError> {
    let path = layout.control_socket();
    let listening = ControlListener::listen(&path, &mut inherited, succession::CONTROL);
    let listener = Arc::new(listening.map_err(cannot(format!("listen on {}", path.display())))?);
    let facts = facts(options, layout);
    let aliveness_port = aliveness_port(options, storage.registry());
    if !inherited.has(succession::LEGACY) {
        check_exit_with(options, storage.registry())?;
    }
    log_summary(layout, storage.registry());
    let mut life = Life::assemble(options, layout, Arc::clone(&facts), storage, &mut inherited)?;
    let handle = life.handle.clone();
    let (keeper, signal_file) = (life.keeper.take(), life.signal_file.take());
    let _kept = handle.succession().keep(succession::CONTROL, Arc::clone(&listener) as _);
    let (up, ended) = start_supervising(life)?;
    // Whoever connects earlier waits, and does not see half of what is there.
    if up.await.is_ok() {
        report(ready.take(), |ready| ready.ready(Ready { pid: std::process::id() }));
        facts.manager.ready(handle.monitor_status().managed_process_count);
    }
    let _watchdog = facts.manager.watch(handle.clone());
    let exit_with = options.exit_with.clone().map(|id| ExitWith::watch(id, handle.clone()));
    let (over, is_over) = watch::channel(false);
    let tasks = serve_ports(aliveness_port, options.api_port, &handle, &is_over);
    let keeper = keeper.and_then(life::keep_partner);
    let _obeyed = signal_file.map(|file| file.obey(handle.clone()));
    let end = serve::serve(listener, handle, ended, serve::Others { over, tasks }).await;
    if let (Some(keeper), Ok(End::ShutDown)) = (keeper, &end) {
        // A partner whose start is under way is to be found by whoever stops both.
        keeper.finish().await;
    }
    depart(end, &path, exit_with)
}

/// Nobody supervises or serves any more. The control socket stays for a monitor that follows.
fn depart(
    end: io::Result<End>,
    control: &Path,
    exit_with: Option<ExitWith>,
) -> Result<Departure, DaemonError> {
    if !matches!(end, Ok(End::Followed(_)))
        && let Err(error) = ControlListener::remove(control)
    {
        tracing::debug!(%error, "cannot remove the control socket");
    }
    Ok(match end.map_err(cannot("supervise"))? {
        End::ShutDown => Departure::End(exit_with.and_then(|process| process.code()).unwrap_or(0)),
        End::Followed(bequest) => Departure::Followed(bequest),
    })
}

fn facts(options: &Options, layout: &Layout) -> Arc<Facts> {
    Arc::new(Facts {
        layout: layout.clone(),
        started_at: clock::wall(),
        standalone: options.standalone,
        stopping: AtomicBool::new(false),
        manager: ServiceManager::of(options.foreground),
        logger_pid: AtomicU32::new(0),
        aliveness_port: AtomicU16::new(0),
        api: Default::default(),
    })
}

/// Tells when everything is taken up, and how supervision ended.
fn start_supervising(
    life: Life,
) -> Result<(oneshot::Receiver<()>, oneshot::Receiver<serve::Ended>), DaemonError> {
    let (tell_up, up) = oneshot::channel();
    let (tell_end, ended) = oneshot::channel();
    let supervise = move || {
        // The main thread may have given up already.
        let _gone = tell_end.send(life.live(tell_up));
    };
    let thread = thread::Builder::new().name("supervising".into()).spawn(supervise);
    thread.map_err(cannot("start the supervising thread"))?;
    Ok((up, ended))
}

/// Serves on the TCP ports until `over`.
fn serve_ports(
    aliveness: Option<u16>,
    api: Option<u16>,
    handle: &Handle,
    over: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    match aliveness {
        Some(port) => drop(tasks.spawn(aliveness::serve(port, handle.clone(), over.clone()))),
        None => handle.succession().close_uninherited(succession::ALIVENESS),
    }
    tasks.spawn(api::serve(api, handle.clone(), over.clone()));
    tasks
}

/// A monitor that waits for the end of a process that is not there would wait for ever.
fn check_exit_with(options: &Options, registry: &Registry) -> Result<(), DaemonError> {
    match &options.exit_with {
        Some(id) if !registry.processes.contains_key(id) => Err(DaemonError::NobodyToEndWith(id.clone())),
        _ => Ok(()),
    }
}

/// Where the aliveness server listens; `None`: it is switched off.
fn aliveness_port(options: &Options, registry: &Registry) -> Option<u16> {
    let from_registry = registry.aliveness_server.enabled.then(|| registry.aliveness_port());
    options.aliveness_port.or(from_registry)
}

fn log_summary(layout: &Layout, registry: &Registry) {
    tracing::info!(
        "process_monitor {} instance {} pid {} directory {}",
        env!("CARGO_PKG_VERSION"),
        layout.instance(),
        std::process::id(),
        layout.directory().display()
    );
    tracing::info!("{} registered processes", registry.processes.len());
    for (id, entry) in &registry.processes {
        let ProcessEntry { command, autostart, enabled, state, .. } = &**entry;
        tracing::info!("  {id}: {command} autostart={autostart} enabled={enabled} state={state}");
    }
}

/// A fresh monitor goes on, with what it is left. Returns only when that failed.
fn go_on(bequest: Bequest, watched: bool) -> DaemonError {
    let executable = match program::own() {
        Ok(path) => path,
        Err(source) => return cannot("find this program's own file")(source),
    };
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let source = bequest.exec(&executable, &args, watched);
    DaemonError::NotExecuted { executable, source }
}
