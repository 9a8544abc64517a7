//! The life of the supervising thread: put together, taken up, lived, left in order.

use super::board::Board;
use super::boot;
use super::events::EventHub;
use super::executor::{Ending, Executor, Parts};
use super::handle::{Facts, Handle, Reach};
use super::inbox::{Inbox, Message};
use super::jobs::Pool;
use super::logger::LoggerKeeper;
use super::marker;
use super::outputs::TAKEN_WITHIN;
use super::partner::{Desk, Keeper, PartnerLink, Parts as PartnerParts};
use super::permits::Permits;
use super::settings::Settings;
use super::signal_file::SignalFile;
use super::start::{DaemonError, Options, cannot};
use super::starter::Starter;
use super::storage::{Storage, StorageLink};
use super::succession::{self, Estate, Legacy, Succession};
use super::supervisor::Supervisor;
use process_monitor_core::engine::{Engine, Memory};
use process_monitor_core::registry::Registry;
use process_monitor_core::time::Wall;
use process_monitor_host::clock::Clock;
use process_monitor_host::handover::Inherited;
use process_monitor_host::layout::Layout;
use process_monitor_host::notify::KeptSockets;
use process_monitor_host::output::link::LoggerEvent;
use process_monitor_host::process::BootId;
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::program;
use process_monitor_host::reactor::Reactor;
use process_monitor_host::watch::{FileWatch, OnChange};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Threads that spawn: enough to use both cores of a small machine while one exec waits for a disk.
const SPAWNERS: usize = 2;

/// Threads that kill trees: they mostly wait.
const KILLERS: usize = 4;

/// How long the end of the monitor waits for its logger to leave.
const LOGGER_LEAVES_WITHIN: Duration = Duration::from_secs(2);

/// What an earlier image of this process left.
struct Past {
    events: EventHub,
    memories: Option<Vec<Memory>>,
    kept: KeptSockets,
}

impl Past {
    fn of(inherited: &mut Inherited, started_at: Wall) -> Self {
        let kept = KeptSockets::new(inherited.take_all(succession::NOTICES));
        match Legacy::from(inherited) {
            Some(Legacy { events, memories }) => {
                Self { events: EventHub::resume(events), memories: Some(memories), kept }
            }
            None => Self { events: EventHub::new(started_at), memories: None, kept },
        }
    }
}

/// What several parts of a life have in common.
struct Shared {
    layout: Layout,
    facts: Arc<Facts>,
    boot: BootId,
    executable: PathBuf,
    inbox: Inbox,
    board: Board,
    events: EventHub,
    settings: Settings,
    storage: StorageLink,
}

impl Shared {
    /// With the threads that work for it.
    fn executor(&self) -> Result<Executor, DaemonError> {
        let reaper = Reaper::become_subreaper().map_err(cannot("become the reaper of orphaned processes"))?;
        let pool =
            |name, threads| Pool::new(name, threads).map_err(cannot(format!("start the {name} threads")));
        let (layout, boot, inbox) = (self.layout.clone(), self.boot.clone(), self.inbox.clone());
        let keeper = LoggerKeeper::start(layout.clone(), self.executable.clone(), inbox.clone());
        let permits = Permits::new(self.settings.clone());
        let spawners = pool("spawn", SPAWNERS)?;
        let starter = Starter::new(layout.clone(), boot.clone(), inbox.clone(), spawners, permits.clone());
        Ok(Executor::new(Parts {
            layout,
            boot,
            facts: Arc::clone(&self.facts),
            inbox,
            board: self.board.clone(),
            events: self.events.clone(),
            storage: self.storage.clone(),
            keeper: keeper.map_err(cannot("start the logger's thread"))?,
            starter,
            permits,
            killers: pool("kill", KILLERS)?,
            reaper: Arc::new(reaper),
        }))
    }

    fn partner_parts(&self, options: &Options) -> PartnerParts {
        PartnerParts {
            layout: self.layout.clone(),
            standalone: options.standalone,
            continuing: marker::is_set(&self.layout, &self.boot),
            named: options.watcher_pid,
            executable: self.executable.clone(),
            settings: self.settings.clone(),
            storage: self.storage.clone(),
        }
    }

    /// Has the registry's keeper and whoever obeys `signal` told of changes.
    fn watch_files(&self, signal: &SignalFile) -> Option<FileWatch> {
        let (registry, restart) = (self.layout.registry(), self.layout.restart_signal());
        let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
        let storage = self.storage.clone();
        let files: Vec<(OsString, OnChange)> = vec![
            (name(&registry), Box::new(move || storage.file_changed())),
            (name(&restart), Box::new(signal.on_change())),
        ];
        let watch = FileWatch::in_folder(self.layout.directory(), files);
        let told = watch.inspect_err(|error| {
            tracing::warn!(
                %error,
                "edits of the registry are noticed by the sweep only, every few seconds, and {} is not obeyed",
                restart.display()
            );
        });
        told.ok()
    }

    fn into_handle(self, partner: PartnerLink, succession: Succession) -> Handle {
        let Self { facts, board, inbox, events, settings, storage, .. } = self;
        Handle::new(facts, Reach { board, inbox, events, settings, storage, partner, succession })
    }
}

/// What the supervising thread has.
pub struct Life {
    supervisor: Supervisor,
    /// For everybody else.
    pub handle: Handle,
    layout: Layout,
    boot: BootId,
    registry: Registry,
    board: Board,
    /// What the engine of the monitor before in this process knew.
    memories: Option<Vec<Memory>>,
    /// Where runs said how they are, to the monitor before in this process.
    kept: KeptSockets,
    /// What the thread is made of that keeps the partner.
    pub keeper: Option<(PartnerParts, Desk)>,
    /// By which a restart is asked for.
    pub signal_file: Option<SignalFile>,
    _watch: Option<FileWatch>,
}

impl Life {
    /// Everything that is needed, and the threads that work for it.
    ///
    /// # Errors
    /// When the system refuses something.
    pub fn assemble(
        options: &Options,
        layout: &Layout,
        facts: Arc<Facts>,
        storage: Storage,
        inherited: &mut Inherited,
    ) -> Result<Self, DaemonError> {
        let reactor = Reactor::new().map_err(cannot("wait for events"))?;
        let (inbox, messages) = Inbox::new(reactor.waker());
        let executable = program::own().map_err(cannot("find this program's own file"))?;
        let succession = Succession::new(executable.clone(), inherited);
        let Past { events, memories, kept } = Past::of(inherited, facts.started_at);
        let (registry, settings) = (storage.registry().clone(), storage.settings());
        let shared = Shared {
            layout: layout.clone(),
            boot: BootId::current().map_err(cannot("find out which boot this is"))?,
            executable,
            storage: storage.start(inbox.clone())?,
            board: Board::default(),
            facts,
            inbox,
            events,
            settings,
        };
        let signal_file = SignalFile::new(layout);
        let _watch = shared.watch_files(&signal_file);
        let (engine, executor) = (Engine::new(&epoch(shared.facts.started_at)), shared.executor()?);
        let supervisor = Supervisor { engine, executor, reactor, inbox: messages, clock: Clock::default() };
        let (partner, desk) = PartnerLink::new();
        Ok(Self {
            supervisor,
            layout: layout.clone(),
            boot: shared.boot.clone(),
            registry,
            board: shared.board.clone(),
            memories,
            kept,
            keeper: Some((shared.partner_parts(options), desk)),
            signal_file: Some(signal_file),
            _watch,
            handle: shared.into_handle(partner, succession),
        })
    }

    /// Takes up what is there, supervises, and leaves everything in order.
    pub fn live(mut self, up: oneshot::Sender<()>) -> io::Result<(Ending, Estate)> {
        let Self { supervisor, layout, boot, registry, memories, kept, .. } = &mut self;
        let continuing = marker::is_set(layout, boot);
        if memories.is_some() {
            supervisor.executor.resume();
        }
        let left = boot::Left { registry: std::mem::take(registry), continuing, kept: std::mem::take(kept) };
        boot::take_up(supervisor, layout, boot, left);
        if let Some(memories) = memories.take() {
            boot::recall(supervisor, memories);
        }
        supervisor.executor.taken_up(&supervisor.engine);
        let saved = supervisor.executor.flush(&supervisor.engine);
        if let Err(error) = saved {
            tracing::error!(%error, "the registry could not be saved at start");
        }
        let _nobody_waits = up.send(());
        let ending = supervisor.run()?;
        self.leave(ending);
        let Supervisor { engine, executor, clock, .. } = &mut self.supervisor;
        let memories = engine.memories(clock.mono()).collect();
        Ok((ending, Estate { memories, notices: executor.give_notices_away() }))
    }

    fn leave(&mut self, ending: Ending) {
        if let Err(error) = self.supervisor.executor.flush(&self.supervisor.engine) {
            tracing::error!(%error, "the registry could not be saved at the end");
            if ending == Ending::ShutDown {
                self.supervisor.executor.say_unsaved(&error);
            }
        }
        match ending {
            Ending::Restart => self.supervisor.executor.replies.followed(),
            Ending::ShutDown => {
                self.see_logger_off();
                tracing::info!(processes = self.board.counts().0, "stopped");
            }
        }
    }

    /// Has the logger leave, and waits for that, so that nobody is at work in the monitor's folder any more. What others ask for
    /// meanwhile is not done: everything has ended.
    fn see_logger_off(&mut self) {
        let Supervisor { executor, inbox, .. } = &mut self.supervisor;
        if !executor.dismiss_logger() {
            return;
        }
        let (mut since, mut within) = (Instant::now(), LOGGER_LEAVES_WITHIN);
        loop {
            let left = within.saturating_sub(since.elapsed());
            match inbox.recv_timeout(left) {
                Ok(Message::Logger(LoggerEvent::Gone)) if !executor.has_outputs() => return,
                // It was killed before it was through: there is to be another, for what nobody has open is lost with us.
                Ok(Message::Logger(event)) => {
                    if matches!(event, LoggerEvent::Gone) {
                        (since, within) = (Instant::now(), TAKEN_WITHIN);
                    }
                    executor.logger_says(event);
                }
                Ok(Message::LoggerUp(link)) => {
                    executor.logger_up(link);
                    executor.dismiss_logger();
                }
                Ok(_) => {}
                // Output that is not over keeps it there; that nobody has any is told as an error.
                Err(_) => {
                    executor.may_leave_outputs(since);
                    return tracing::debug!("the logger has something left to do, and leaves by itself");
                }
            }
        }
    }
}

/// A text that no other life of a monitor has: run ids are made from it.
fn epoch(started: Wall) -> String {
    format!("{:x}p{:x}", started.unix_millis(), std::process::id())
}

/// Starts the thread that keeps the partner. Without it everything else goes on.
pub fn keep_partner((parts, desk): (PartnerParts, Desk)) -> Option<Keeper> {
    Keeper::start(parts, desk, tokio::runtime::Handle::current())
        .inspect_err(
            |error| tracing::error!(%error, "cannot start the thread that keeps the partner; there is none"),
        )
        .ok()
}
