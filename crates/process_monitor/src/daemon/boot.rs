//! What an earlier monitor left, found by its run records and told to the engine.

use super::executor::Executor;
use super::supervisor::Supervisor;
use super::tree::{self, Tree};
use process_monitor_core::engine::{Command, Event, Finding, Memory};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{AlivenessCheck, ProcessEntry};
use process_monitor_core::registry::Registry;
use process_monitor_core::time::Wall;
use process_monitor_host::clock;
use process_monitor_host::layout::Layout;
use process_monitor_host::notify::{KeptSockets, NotifySocket};
use process_monitor_host::output::note::ExitNote;
use process_monitor_host::output::protocol::{Attach, Limits};
use process_monitor_host::output::run::{self, OutputHold};
use process_monitor_host::process::record::{self, Found, Intent, RecordState};
use process_monitor_host::process::{BootId, Identity, Process};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What a monitor finds when it comes up.
pub struct Left {
    /// What is registered.
    pub registry: Registry,
    /// Whether it goes on where an earlier one was cut off.
    pub continuing: bool,
    /// Where runs say how they are, open since an earlier image of this process.
    pub kept: KeptSockets,
}

/// Tells the engine of every process of the registry, and of what runs without being in it.
pub fn take_up(supervisor: &mut Supervisor, layout: &Layout, boot: &BootId, left: Left) {
    let Left { registry, continuing, mut kept } = left;
    let mut records = read_records(layout, boot);
    let runs: HashSet<_> = records.values().map(|found| found.intent.run.clone()).collect();
    supervisor.executor.starter.stock().take_in_abandoned(layout, |run| runs.contains(run));
    for (id, entry) in &registry.processes {
        let record = records.remove(id);
        let event = event_of(supervisor, layout, (Arc::clone(entry), record), continuing, &mut kept);
        supervisor.step(event);
    }
    for (id, record) in records {
        // It was removed from the registry while no monitor was there.
        tracing::warn!(process = %id, "it is not registered any more, but its run record is there; it is stopped");
        let entry = Arc::new(ProcessEntry { enabled: false, ..ProcessEntry::new(id.clone(), "-") });
        let event = event_of(supervisor, layout, (entry, Some(record)), continuing, &mut kept);
        supervisor.step(event);
        supervisor.step(Event::Command(None, Command::Remove(id)));
    }
}

/// Goes on with what the engine of the monitor before in this process knew, and tells those who listen what has changed
/// since.
pub fn recall(supervisor: &mut Supervisor, memories: Vec<Memory>) {
    let before: Vec<_> = memories.iter().map(|memory| (memory.id.clone(), memory.state)).collect();
    for memory in memories {
        supervisor.step(Event::Recalled(memory));
    }
    supervisor.executor.resumed(&before, &supervisor.engine);
}

/// The records of this boot; those of another say nothing, and those that cannot be read are
/// reported and left.
fn read_records(layout: &Layout, boot: &BootId) -> HashMap<ProcessId, Found> {
    let records = record::read_all(&layout.runs(), boot).unwrap_or_else(|error| {
        tracing::error!(%error, "cannot read the run records; nothing that still runs can be adopted");
        Vec::new()
    });
    let mut found = HashMap::new();
    for (path, record) in records {
        match record {
            Ok(record) if record.state == RecordState::OtherBoot => {}
            Ok(record) => drop(found.insert(record.intent.process.clone(), record)),
            Err(error) => tracing::error!(path = %path.display(), %error, "this run record is ignored"),
        }
    }
    found
}

fn event_of(
    supervisor: &mut Supervisor,
    layout: &Layout,
    (entry, record): (Arc<ProcessEntry>, Option<Found>),
    continuing: bool,
    kept: &mut KeptSockets,
) -> Event {
    let finding = match record {
        None => Finding::Nothing,
        Some(Found { intent, state }) => find(supervisor, layout, &entry, (&intent, state), kept),
    };
    Event::Found { entry, continuing, finding }
}

fn find(
    supervisor: &mut Supervisor,
    layout: &Layout,
    entry: &ProcessEntry,
    (intent, state): (&Intent, RecordState),
    kept: &mut KeptSockets,
) -> Finding {
    let (known, (exit, at)) = match state {
        RecordState::OtherBoot => return Finding::Nothing,
        RecordState::IntentOnly => {
            // Nobody has written into its FIFOs, and nobody will.
            run::discard(layout, &intent.run, supervisor.executor.starter.stock());
            return Finding::NotStarted { run: intent.run.clone(), attempts: intent.attempts };
        }
        RecordState::Finished { leader, main, exit, at } => (Known { leader, main }, (exit, at)),
        RecordState::Spawned(_) | RecordState::Adopted { .. } => {
            let known = match state {
                RecordState::Adopted { leader, main } => Known { leader, main: Some(main) },
                RecordState::Spawned(leader) => Known { leader, main: None },
                _ => return Finding::Nothing,
            };
            if let Some(alive) = adopt(supervisor, layout, entry, (intent, known), kept) {
                return alive;
            }
            (known, noted_exit(layout, intent))
        }
    };
    ended(&mut supervisor.executor, layout, entry, intent, (known, exit, at))
}

/// The processes that a record tells of.
#[derive(Clone, Copy)]
struct Known {
    /// The one that was started.
    leader: Identity,
    /// The one as which the program goes on, if it told of another.
    main: Option<Identity>,
}

impl Known {
    fn process(self) -> Identity {
        self.main.unwrap_or(self.leader)
    }

    fn tree(self, layout: &Layout, intent: &Intent) -> Tree {
        let tree = Tree::gone(fifos(layout, intent), &intent.run, self.leader);
        match self.main {
            Some(main) => tree.with_main(main),
            None => tree,
        }
    }
}

fn adopt(
    supervisor: &mut Supervisor,
    layout: &Layout,
    entry: &ProcessEntry,
    (intent, known): (&Intent, Known),
    kept: &mut KeptSockets,
) -> Option<Finding> {
    let identity = known.process();
    let process = match Process::adopt(&identity) {
        Ok(process) => process?,
        Err(error) => {
            tracing::error!(process = %entry.id, pid = identity.pid, %error, "cannot take hold of it again");
            return None;
        }
    };
    hold(&mut supervisor.executor, layout, entry, intent, Some(identity));
    let Supervisor { executor, reactor, .. } = supervisor;
    let process = Arc::new(process);
    let tree = match known.main {
        Some(_) => known.tree(layout, intent),
        None => Tree::held(fifos(layout, intent), &intent.run, &process),
    };
    if process.is_child() && known.main.is_none() {
        executor.reaper.expect(identity.pid);
    }
    if let Err(error) = executor.watch(entry.id.clone(), &intent.run, process, tree, reactor) {
        tracing::error!(process = %entry.id, %error, "cannot watch an adopted process");
        return None;
    }
    let socket = kept.take(&layout.notify_socket(&intent.run));
    let heard = socket.is_some();
    if entry.check().is_some_and(AlivenessCheck::listens) {
        match socket.map_or_else(|| NotifySocket::bind(&layout.notify_socket(&intent.run)), Ok) {
            Ok(socket) => executor.listen(entry.id.clone(), &intent.run, socket, reactor),
            Err(error) => tracing::error!(process = %entry.id, %error, "cannot hear what it says of itself"),
        }
    }
    tracing::info!(process = %entry.id, pid = identity.pid, "adopted: it ran on while no monitor was there");
    let (run, pid, started, attempts) =
        (intent.run.clone(), identity.pid, intent.started_at, intent.attempts);
    Some(Finding::Alive { run, pid, started, attempts, main_known: known.main.is_some(), heard })
}

/// How a run ended that no monitor saw. Put down in its record before the logger's note goes: should we
/// be killed before it is dealt with, the next one must know it, too.
fn noted_exit(layout: &Layout, intent: &Intent) -> (Exit, Wall) {
    let Some(note) = ExitNote::read(layout, &intent.run) else { return (Exit::Unknown, clock::wall()) };
    let moved = record::finish(&layout.run_record(&intent.process), &intent.run, note.exit, note.at)
        .map_err(|error| error.to_string())
        .and_then(|()| ExitNote::remove(layout, &intent.run).map_err(|error| error.to_string()));
    if let Err(error) = moved {
        tracing::warn!(process = %intent.process, %error, "cannot move what the logger noted into the run record");
    }
    (note.exit, note.at)
}

fn ended(
    executor: &mut Executor,
    layout: &Layout,
    entry: &ProcessEntry,
    intent: &Intent,
    (known, exit, at): (Known, Exit, Wall),
) -> Finding {
    tracing::info!(process = %entry.id, pid = known.process().pid, %exit, "it ended while no monitor was there");
    hold(executor, layout, entry, intent, None);
    executor.add_remains(intent.run.clone(), known.tree(layout, intent));
    let (run, pid) = (intent.run.clone(), known.process().pid);
    let (started, attempts) = (intent.started_at, intent.attempts);
    Finding::Ended { run, pid, exit, started, at, attempts, main_known: known.main.is_some() }
}

fn fifos(layout: &Layout, intent: &Intent) -> Option<Arc<[PathBuf; 2]>> {
    intent.folder.as_ref().map(|_| tree::fifos(layout, &intent.run))
}

/// Of a run whose output is discarded there is nothing to hold, and the logger is not to know.
fn hold(
    executor: &mut Executor,
    layout: &Layout,
    entry: &ProcessEntry,
    intent: &Intent,
    identity: Option<Identity>,
) {
    let Some(folder) = intent.folder.clone() else { return };
    // Its monitor may have been killed before. Also of a run that is over: the next of that second must not get the same.
    match run::make_folder(&folder) {
        Ok(()) => {}
        Err(error) if identity.is_none() => {
            tracing::debug!(process = %entry.id, %error, "its output has no folder")
        }
        Err(error) => {
            tracing::error!(process = %entry.id, %error, "its output waits until the logger can make its folder");
        }
    }
    let attach = Attach {
        run: intent.run.clone(),
        process: entry.id.clone(),
        folder,
        limits: Limits::from(&entry.logs()),
        identity,
    };
    match OutputHold::reopen(layout, &intent.run) {
        Ok(hold) => executor.add_output(intent.run.clone(), attach, hold),
        Err(error) => tracing::error!(process = %entry.id, %error, "cannot hold its output"),
    }
}
