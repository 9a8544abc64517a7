//! The life of the supervising thread: put together, taken up, lived, left in order.

use super::board::Board;
use super::boot;
use super::events::EventHub;
use super::executor::{Ending, Executor, Parts};
use super::handle::{Facts, Handle, Reach};
use super::inbox::Inbox;
use super::jobs::Pool;
use super::logger::LoggerKeeper;
use super::marker;
use super::partner::{Desk, Keeper, PartnerLink, Parts as PartnerParts};
use super::permits::Permits;
use super::start::{DaemonError, Options, cannot};
use super::starter::Starter;
use super::storage::Storage;
use super::succession::{Legacy, Succession};
use super::supervisor::Supervisor;
use process_monitor_core::engine::{Engine, Memory};
use process_monitor_core::registry::Registry;
use process_monitor_core::time::Wall;
use process_monitor_host::clock::Clock;
use process_monitor_host::handover::Inherited;
use process_monitor_host::layout::Layout;
use process_monitor_host::process::BootId;
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::program;
use process_monitor_host::reactor::Reactor;
use process_monitor_host::watch::FileWatch;
use std::io;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Threads that spawn: enough to use both cores of a small machine while one exec waits for a disk.
const SPAWNERS: usize = 2;

/// Threads that kill trees: they mostly wait.
const KILLERS: usize = 4;

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
    /// What the thread is made of that keeps the partner.
    pub keeper: Option<(PartnerParts, Desk)>,
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
        let boot = BootId::current().map_err(cannot("find out which boot this is"))?;
        let reaper = Reaper::become_subreaper().map_err(cannot("become the reaper of orphaned processes"))?;
        let reactor = Reactor::new().map_err(cannot("wait for events"))?;
        let executable = program::own().map_err(cannot("find this program's own file"))?;
        let (inbox, messages) = Inbox::new(reactor.waker());
        let board = Board::default();
        let (events, memories) = match Legacy::from(inherited) {
            Some(Legacy { events, memories }) => (EventHub::resume(events), Some(memories)),
            None => (EventHub::new(facts.started_at), None),
        };
        let succession = Succession::new(executable.clone(), inherited);
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
        let keeper = Some((parts, desk));
        let reach = Reach { board: board.clone(), inbox, events, settings, storage, partner, succession };
        let (handle, layout, _watch) = (Handle::new(facts, reach), layout.clone(), watch.ok());
        Ok(Self { supervisor, handle, layout, boot, registry, board, memories, keeper, _watch })
    }

    /// Takes up what is there, supervises, and leaves everything in order.
    pub fn live(mut self, up: oneshot::Sender<()>) -> io::Result<(Ending, Vec<Memory>)> {
        let Self { supervisor, layout, boot, registry, memories, .. } = &mut self;
        let continuing = marker::is_set(layout, boot);
        if memories.is_some() {
            supervisor.executor.resume();
        }
        boot::take_up(supervisor, layout, &std::mem::take(registry), boot, continuing);
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
        Ok((ending, self.supervisor.engine.memories().collect()))
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

/// Starts the thread that keeps the partner. Without it everything else goes on.
pub fn keep_partner((parts, desk): (PartnerParts, Desk)) -> Option<Keeper> {
    Keeper::start(parts, desk)
        .inspect_err(
            |error| tracing::error!(%error, "cannot start the thread that keeps the partner; there is none"),
        )
        .ok()
}
