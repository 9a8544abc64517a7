//! Bringing a monitor up, and down again.

use super::aliveness;
use super::api;
use super::board::Board;
use super::boot;
use super::control;
use super::events::EventHub;
use super::executor::{Ending, Executor, Parts};
use super::handle::{Facts, Handle, Reach};
use super::inbox::Inbox;
use super::jobs::Pool;
use super::logger::LoggerKeeper;
use super::marker;
use super::partner::{Desk, Keeper, PartnerLink, Parts as PartnerParts};
use super::permits::Permits;
use super::serve;
use super::starter::Starter;
use super::storage::{Storage, StorageError};
use super::supervisor::Supervisor;
use crate::log;
use process_monitor_core::engine::Engine;
use process_monitor_core::id::InstanceId;
use process_monitor_core::model::ProcessEntry;
use process_monitor_core::registry::Registry;
use process_monitor_core::time::Wall;
use process_monitor_host::background::{Ready, ReadyReporter};
use process_monitor_host::clock::{self, Clock};
use process_monitor_host::files::{self, FileError};
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::{InstanceLock, InstanceLockError};
use process_monitor_host::pair::farewell;
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::process::{BootId, limits};
use process_monitor_host::reactor::Reactor;
use process_monitor_host::watch::FileWatch;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32};
use std::thread;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// Threads that spawn: enough to use both cores of a small machine while one exec waits for a disk.
const SPAWNERS: usize = 2;

/// Threads that kill trees: they mostly wait.
const KILLERS: usize = 4;

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
fn cannot(attempt: impl Into<String>) -> impl FnOnce(io::Error) -> DaemonError {
    let attempt = attempt.into();
    move |source| DaemonError::System { attempt, source }
}

/// Runs a monitor until it is stopped. If it was started in the background, its starter is told when
/// it can be talked to, or why it can't be.
///
/// # Errors
/// [`DaemonError`]; what it managed goes on.
pub fn run(options: &Options) -> Result<(), DaemonError> {
    // First of all: whatever is started from here on must not inherit its pipe.
    let mut ready = ReadyReporter::from_env().map_err(cannot("take over the pipe of the start"))?;
    let layout = Layout::new(&options.directory, options.instance.clone());
    let result = until_the_end(options, &layout, &mut ready);
    if let Err(error) = &result {
        match error.is_redundant() {
            true => log::append(&layout, options.log.as_deref(), &error.to_string()),
            false => tracing::error!(%error, "the monitor ends; what it managed goes on"),
        }
        report(ready, |ready| ready.failed(error.to_string()));
    }
    match result? {
        Ending::ShutDown => Ok(()),
        Ending::Restart => Err(exec_again()),
    }
}

/// Tells who started us, if somebody waits for it.
fn report(to: Option<ReadyReporter>, tell: impl FnOnce(ReadyReporter) -> io::Result<()>) {
    if let Some(Err(error)) = to.map(tell) {
        tracing::debug!(%error, "nobody waits any more to hear how the start went");
    }
}

/// Everything that a life has is released when this returns, in the reverse order of its taking.
fn until_the_end(
    options: &Options,
    layout: &Layout,
    ready: &mut Option<ReadyReporter>,
) -> Result<Ending, DaemonError> {
    make_folders(layout)?;
    let _lock = InstanceLock::acquire(layout)?;
    begin(options, layout)?;
    let storage = Storage::open(layout.clone())?;
    let _log = log::start(layout, options.foreground, options.log.as_deref())?;
    log_panics();
    raise_limits();
    leave_callers_folder(options, layout)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot("start serving"))?;
    runtime.block_on(supervise_and_serve(options, layout, storage, ready))
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
fn begin(options: &Options, layout: &Layout) -> Result<(), DaemonError> {
    if options.unless_stopped && farewell::read(layout).is_some() {
        return Err(DaemonError::Stopped(layout.instance().clone()));
    }
    farewell::take_back(layout).map_err(cannot("take back that this monitor was stopped"))?;
    let executable = std::env::current_exe().map_err(cannot("find this program's own file"))?;
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

fn raise_limits() {
    if let Err(error) = limits::raise_nofile() {
        tracing::warn!(%error, "cannot raise the limit of open descriptors");
    }
}

async fn supervise_and_serve(
    options: &Options,
    layout: &Layout,
    storage: Storage,
    ready: &mut Option<ReadyReporter>,
) -> Result<Ending, DaemonError> {
    let path = layout.control_socket();
    let listener = control::bind(layout).map_err(cannot(format!("listen on {}", path.display())))?;
    let facts = Arc::new(Facts {
        layout: layout.clone(),
        started_at: clock::wall(),
        standalone: options.standalone,
        stopping: AtomicBool::new(false),
        logger_pid: AtomicU32::new(0),
        aliveness_port: AtomicU16::new(0),
        api: Default::default(),
    });
    let aliveness_port = aliveness_port(options, storage.registry());
    log_summary(layout, storage.registry());
    let mut life = Life::assemble(options, layout, Arc::clone(&facts), storage)?;
    let handle = life.handle.clone();
    let keeper = life.keeper.take();
    let (tell_up, up) = oneshot::channel();
    let (tell_end, ended) = oneshot::channel();
    thread::Builder::new()
        .name("supervising".into())
        .spawn(move || {
            // The main thread may have given up already.
            let _gone = tell_end.send(life.live(tell_up));
        })
        .map_err(cannot("start the supervising thread"))?;
    // Whoever connects earlier waits, and does not see half of what is there.
    if up.await.is_ok() {
        report(ready.take(), |ready| ready.ready(Ready { pid: std::process::id() }));
    }
    let (over, is_over) = watch::channel(false);
    let mut tcp = JoinSet::new();
    if let Some(port) = aliveness_port {
        tcp.spawn(aliveness::serve(port, handle.clone(), is_over.clone()));
    }
    tcp.spawn(api::serve(options.api_port, handle.clone(), is_over));
    let keeper = keeper.and_then(keep_partner);
    let ending = serve::serve(listener, handle, ended).await;
    if let (Some(keeper), Ok(Ending::ShutDown)) = (keeper, &ending) {
        // A partner whose start is under way is to be found by whoever stops both.
        keeper.finish().await;
    }
    drop(over);
    while let Some(end) = tcp.join_next().await {
        if let Err(error) = end {
            tracing::error!(%error, "serving over TCP ended badly");
        }
    }
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::debug!(%error, "cannot remove the control socket");
    }
    ending.map_err(cannot("supervise"))
}

/// Where the aliveness server listens; `None`: it is switched off.
fn aliveness_port(options: &Options, registry: &Registry) -> Option<u16> {
    let from_registry = registry.aliveness_server.enabled.then(|| registry.aliveness_port());
    options.aliveness_port.or(from_registry)
}

fn keep_partner((parts, desk): (PartnerParts, Desk)) -> Option<Keeper> {
    Keeper::start(parts, desk)
        .inspect_err(
            |error| tracing::error!(%error, "cannot start the thread that keeps the partner; there is none"),
        )
        .ok()
}

/// What the supervising thread has.
struct Life {
    supervisor: Supervisor,
    handle: Handle,
    layout: Layout,
    boot: BootId,
    registry: Registry,
    board: Board,
    /// What the thread is made of that keeps the partner.
    keeper: Option<(PartnerParts, Desk)>,
    _watch: Option<FileWatch>,
}

impl Life {
    fn assemble(
        options: &Options,
        layout: &Layout,
        facts: Arc<Facts>,
        storage: Storage,
    ) -> Result<Self, DaemonError> {
        let boot = BootId::current().map_err(cannot("find out which boot this is"))?;
        let reaper = Reaper::become_subreaper().map_err(cannot("become the reaper of orphaned processes"))?;
        let reactor = Reactor::new().map_err(cannot("wait for events"))?;
        let executable = std::env::current_exe().map_err(cannot("find this program's own file"))?;
        let (inbox, messages) = Inbox::new(reactor.waker());
        let board = Board::default();
        let events = EventHub::new(facts.started_at);
        let pool =
            |name, threads| Pool::new(name, threads).map_err(cannot(format!("start the {name} threads")));
        let keeper = LoggerKeeper::start(layout.clone(), executable.clone(), inbox.clone());
        let registry = storage.registry().clone();
        let settings = storage.settings();
        let storage = storage.start(inbox.clone())?;
        let changed = storage.clone();
        let watch = FileWatch::new(&layout.registry(), move || changed.file_changed());
        let watch = watch.inspect_err(|error| {
            tracing::warn!(%error, "edits of the registry are noticed by the sweep only, every few seconds");
        });
        let permits = Permits::new(settings.clone());
        let spawners = pool("spawn", SPAWNERS)?;
        let starter = Starter::new(layout.clone(), boot.clone(), inbox.clone(), spawners, permits.clone());
        let executor = Executor::new(Parts {
            layout: layout.clone(),
            boot: boot.clone(),
            facts: Arc::clone(&facts),
            inbox: inbox.clone(),
            board: board.clone(),
            events: events.clone(),
            storage: storage.clone(),
            keeper: keeper.map_err(cannot("start the logger's thread"))?,
            starter,
            permits,
            killers: pool("kill", KILLERS)?,
            reaper: Arc::new(reaper),
        });
        let engine = Engine::new(&epoch(facts.started_at));
        let supervisor = Supervisor { engine, executor, reactor, inbox: messages, clock: Clock::default() };
        let (partner, desk) = PartnerLink::new();
        let parts = PartnerParts {
            layout: layout.clone(),
            standalone: options.standalone,
            continuing: marker::is_set(layout, &boot),
            named: options.watcher_pid,
            executable,
            settings: settings.clone(),
            storage: storage.clone(),
        };
        let reach = Reach { board: board.clone(), inbox, events, settings, storage, partner };
        let (handle, layout, _watch) = (Handle::new(facts, reach), layout.clone(), watch.ok());
        let keeper = Some((parts, desk));
        Ok(Self { supervisor, handle, layout, boot, registry, board, keeper, _watch })
    }

    /// Takes up what is there, supervises, and leaves everything in order.
    fn live(mut self, up: oneshot::Sender<()>) -> io::Result<Ending> {
        let Self { supervisor, layout, boot, registry, .. } = &mut self;
        let continuing = marker::is_set(layout, boot);
        boot::take_up(supervisor, layout, &std::mem::take(registry), boot, continuing);
        supervisor.executor.taken_up(&supervisor.engine);
        let saved = supervisor.executor.flush(&supervisor.engine);
        if let Err(error) = saved {
            tracing::error!(%error, "the registry could not be saved at start");
        }
        let _nobody_waits = up.send(());
        let ending = supervisor.run()?;
        self.leave(ending);
        Ok(ending)
    }

    fn leave(&mut self, ending: Ending) {
        if let Err(error) = self.supervisor.executor.flush(&self.supervisor.engine) {
            tracing::error!(%error, "the registry could not be saved at the end");
        }
        if ending == Ending::ShutDown {
            self.supervisor.executor.dismiss_logger();
            tracing::info!(processes = self.board.counts().0, "stopped");
        }
    }
}

/// A text that no other life of a monitor has: run ids are made from it.
fn epoch(started: Wall) -> String {
    format!("{:x}p{:x}", started.unix_millis(), std::process::id())
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

/// Replaces this process by a fresh monitor with the same pid: its children stay its children.
fn exec_again() -> DaemonError {
    let executable = match std::env::current_exe() {
        Ok(path) => path,
        Err(source) => return cannot("find this program's own file")(source),
    };
    if let Err(error) = limits::restore_nofile() {
        tracing::warn!(%error, "cannot set the limit of descriptors back; programs get the raised one");
    }
    let source = Command::new(&executable).args(std::env::args_os().skip(1)).exec();
    cannot(format!("execute {}", executable.display()))(source)
}
