//! The thread that keeps the partner there: what happens → `core::partner` → what is to be done. It may block while
//! it starts the partner, because nothing else is then to be done for it.

use super::check::{self, Question, Reply};
use super::start::{self, Remembered};
use super::{Desk, Note, Shown};
use crate::daemon::settings::Settings;
use crate::daemon::storage::StorageLink;
use process_monitor_client::Client;
use process_monitor_core::exit::Exit;
use process_monitor_core::id::InstanceId;
use process_monitor_core::model::{DefaultPorts, StopSignal, WatcherInfo};
use process_monitor_core::partner::{Action, Cause, Event, Life, Partner, Presence, Settings as Wanted};
use process_monitor_core::registry::Registry;
use process_monitor_host::clock::{self, Clock};
use process_monitor_host::layout::Layout;
use process_monitor_host::pair::history::{self, Replacement};
use process_monitor_host::pair::outputs::HeldOutputs;
use process_monitor_host::pair::sighting;
use process_monitor_host::process::Process;
use std::collections::VecDeque;
use std::future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};

/// What the thread is made of.
pub struct Parts {
    /// Whose partner is kept.
    pub layout: Layout,
    /// Whether there is none, whatever the registry says.
    pub standalone: bool,
    /// Whether this monitor goes on where an earlier one was cut off.
    pub continuing: bool,
    /// Who watches this one, by word of whoever started it.
    pub named: Option<u32>,
    /// This program's own file.
    pub executable: PathBuf,
    /// What the registry says.
    pub settings: Settings,
    /// Where the registry is told who watches.
    pub storage: StorageLink,
}

/// A thread that keeps the partner there.
pub struct Keeper {
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Starts the thread. It decides and waits by itself; questions to the partner are asked in the runtime of `asking`,
    /// which has what connections need: a second set of that would be four descriptors.
    ///
    /// # Errors
    /// When the system refuses a thread or descriptors.
    pub fn start(parts: Parts, desk: Desk, asking: Handle) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let work = move || {
            let changes = parts.settings.changes();
            runtime.block_on(Work::new(parts, desk.shown, asking).run(desk.notes, changes));
            // Whoever waits for the partner's end must not keep us.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("partner".into()).spawn(work)?;
        Ok(Self { thread })
    }

    /// Waits until a start under way is over. The thread must have been told to leave.
    pub async fn finish(self) {
        let joined = tokio::task::spawn_blocking(move || self.thread.join().is_ok()).await;
        if !joined.unwrap_or(false) {
            tracing::error!("the thread that kept the partner ended badly");
        }
    }
}

/// What tasks beside the thread's own tell it.
enum Told {
    Ended(Life, Exit),
    Checked { life: Life, number: u64, reply: Reply },
}

struct Work {
    parts: Parts,
    policy: Partner,
    clock: Clock,
    /// The partner's place; `None` while there is no partner.
    place: Option<Layout>,
    /// The process of the life that is watched.
    held: Option<Arc<Process>>,
    before: Option<Remembered>,
    /// What its programs have written is kept while this is there.
    outputs: Option<HeldOutputs>,
    port: Option<u16>,
    asking: Handle,
    teller: UnboundedSender<Told>,
    told: UnboundedReceiver<Told>,
    shown: Arc<arc_swap::ArcSwap<Shown>>,
    /// What the registry was told last of the partner, once it was.
    written: Option<Option<WatcherInfo>>,
}

impl Work {
    fn new(parts: Parts, shown: Arc<arc_swap::ArcSwap<Shown>>, asking: Handle) -> Self {
        let (teller, told) = unbounded_channel();
        Self {
            policy: Partner::new(parts.continuing),
            clock: Clock::default(),
            place: None,
            held: None,
            before: None,
            outputs: None,
            port: None,
            parts,
            asking,
            teller,
            told,
            shown,
            written: None,
        }
    }

    async fn run(mut self, mut notes: UnboundedReceiver<Note>, mut changes: watch::Receiver<()>) {
        self.configure();
        loop {
            let wait = self.policy.next_deadline().map(|due| due.since(self.clock.mono()));
            tokio::select! {
                note = notes.recv() => match note {
                    Some(Note::Greeted(instance)) => self.greeted(&instance),
                    Some(Note::Leave) | None => return,
                },
                Some(told) = self.told.recv() => self.take(told),
                Ok(()) = changes.changed() => self.configure(),
                () = sleep(wait) => self.step(Event::Deadline),
            }
        }
    }

    /// One event, and all that follows from it.
    fn step(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            for action in self.policy.handle(event, self.clock.now()) {
                queue.extend(self.carry_out(action));
            }
        }
        self.show();
    }

    /// What the registry says of the partner is taken over.
    fn configure(&mut self) {
        let settings = self.parts.settings.get();
        let discovery = &settings.partner_discovery;
        let own = self.parts.layout.instance();
        let alone = self.parts.standalone || settings.standalone_mode;
        let partner = discovery.partner_of(own).filter(|_| !alone);
        let wanted = Wanted {
            paired: partner.is_some(),
            look_at_start: discovery.discovery_on_startup,
            start_if_missing: discovery.start_partner_if_missing,
        };
        let place = partner.map(|partner| Layout::new(self.parts.layout.directory(), partner));
        if self.place != place {
            // Of another partner nothing is known.
            self.step(Event::Settings(Wanted { paired: false, ..wanted }));
            (self.place, self.before, self.port, self.outputs) = (place, None, None, None);
        }
        self.step(Event::Settings(wanted));
    }

    fn greeted(&mut self, instance: &InstanceId) {
        if self.place.as_ref().is_some_and(|place| place.instance() == instance)
            && let Some(seen) = self.look()
        {
            self.step(seen);
        }
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Ended(life, exit) => {
                let event = self.ended(life, exit);
                self.step(event);
            }
            Told::Checked { life, number, reply } => {
                self.port = reply.port.or(self.port);
                // It may have become another life since, in the same process.
                if let (Presence::Running(_), Some(seen)) = (self.policy.presence(), self.look()) {
                    self.step(seen);
                }
                self.step(Event::Checked { life, number, answer: reply.answer });
            }
        }
    }

    /// Carries an action out; what comes of it at once is given back.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Look => self.look(),
            Action::Watch(life) => self.watch(life),
            Action::Check { life, number } => {
                self.check(life, number);
                None
            }
            Action::Kill(life) => {
                self.kill(life);
                None
            }
            Action::Start(cause) => Some(self.start(cause)),
        }
    }

    fn look(&self) -> Option<Event> {
        self.place.as_ref().map(|place| Event::Seen(sighting::look(place, self.parts.named)))
    }

    fn watch(&mut self, life: Life) -> Option<Event> {
        if self.before.as_ref().is_none_or(|before| !before.life.is_process_of(&life)) {
            self.port = None;
        }
        self.before = Some(Remembered::of(life));
        self.hold_outputs();
        let identity = sighting::identity(&life);
        if self.held.as_ref().is_some_and(|held| held.identity() == identity) {
            // It has become another life in the same process, whose end is awaited already.
            return None;
        }
        self.held = None;
        let process = match Process::adopt(&identity) {
            Ok(process) => process,
            Err(error) => {
                tracing::error!(pid = life.pid, %error, "cannot take hold of the partner; its end is noticed by checks");
                return None;
            }
        };
        let Some(process) = process.map(Arc::new) else { return Some(self.ended(life, Exit::Unknown)) };
        self.held = Some(Arc::clone(&process));
        let teller = self.teller.clone();
        // It takes no descriptor, and no other thread to be told.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = process.wait(None) {
                tracing::error!(pid = life.pid, %error, "cannot be told of the partner's end; it is noticed by checks");
                return;
            }
            let exit = process.try_exit().ok().flatten().unwrap_or(Exit::Unknown);
            // Nobody is left to be told when we leave.
            let _left = teller.send(Told::Ended(life, exit));
        });
        None
    }

    /// From the first life on, for good: what a later one needs held may have been written in an earlier one.
    fn hold_outputs(&mut self) {
        if self.outputs.is_some() {
            return;
        }
        let held = self.place.as_ref().map(HeldOutputs::hold);
        self.outputs = held.and_then(|held| {
            held.inspect_err(
                |error| tracing::warn!(%error, "the outputs of the partner's programs are not held"),
            )
            .ok()
        });
    }

    fn ended(&mut self, life: Life, exit: Exit) -> Event {
        let _released = self.held.take_if(|held| held.identity() == sighting::identity(&life));
        let farewell = self.place.as_ref().and_then(|place| sighting::farewell_of(place, &life));
        match farewell {
            None => tracing::warn!(pid = life.pid, "the partner ended with {exit}, and nobody wanted that"),
            Some(_) => tracing::info!(pid = life.pid, "the partner ended with {exit}, as it had said"),
        }
        Event::Ended { life, exit, farewell }
    }

    fn check(&self, life: Life, number: u64) {
        let Some(place) = &self.place else { return };
        let settings = self.parts.settings.get();
        let question = Question {
            client: Client::local(place.directory(), place.instance().clone()),
            place: place.clone(),
            own: self.parts.layout.instance().clone(),
            port: self.port.unwrap_or_else(|| port_of(&settings, place.instance())),
            life,
        };
        let teller = self.teller.clone();
        self.asking.spawn(async move {
            let reply = check::ask(&question).await;
            let _left = teller.send(Told::Checked { life, number, reply });
        });
    }

    /// By the descriptor that stands for this very process: never another one that got its number.
    fn kill(&self, life: Life) {
        let held = self.held.as_ref().filter(|held| held.identity() == sighting::identity(&life));
        let Some(process) = held else { return };
        tracing::error!(
            pid = life.pid,
            "the partner hangs: it lives and does not answer; it is killed and replaced"
        );
        if let Err(error) = process.signal(StopSignal::Kill) {
            tracing::error!(pid = life.pid, %error, "cannot kill the partner; kill it yourself, then it is replaced");
        }
    }

    fn start(&self, cause: Cause) -> Event {
        let Some(place) = &self.place else { return Event::Started };
        tracing::warn!("starting the partner {}: {cause}", place.instance());
        let started = start::start(place, &self.parts.executable, self.before.as_ref(), cause);
        let (pid, error) = match started {
            Ok(ready) => (Some(ready.pid), None),
            Err(error) => (None, Some(error.to_string())),
        };
        match (&pid, &error) {
            (Some(pid), _) => tracing::info!(pid, "the partner {} is up", place.instance()),
            (None, why) => tracing::error!(why, "the partner {} did not start", place.instance()),
        }
        let replacement = Replacement { at: clock::wall(), why: cause.to_string(), pid, error };
        if let Err(error) = history::add(&self.parts.layout, replacement) {
            tracing::warn!(%error, "cannot note that the partner was started");
        }
        Event::Started
    }

    /// Lets readers and the registry know.
    fn show(&mut self) {
        let instance = self.place.as_ref().map(|place| place.instance().clone());
        let now = Shown { instance, presence: self.policy.presence(), port: self.port };
        let before = self.shown.load();
        if **before == now {
            return;
        }
        if let Some(life) = now.life().filter(|life| before.life().is_none_or(|b| !b.is_process_of(life))) {
            tracing::info!(pid = life.pid, "the partner is there; we watch each other");
        }
        self.tell_registry(&now);
        self.shown.store(Arc::new(now));
    }

    /// `watcherInfo`. What an earlier version or another implementation wrote stays until we know better.
    fn tell_registry(&mut self, now: &Shown) {
        let info = match now.presence {
            Presence::Unknown => return,
            Presence::Stopped => None,
            Presence::Running(_) => now.info(),
        };
        // What was told last may not be in the settings yet.
        let known = self.written.take().unwrap_or_else(|| self.parts.settings.get().watcher_info.clone());
        self.written = Some(info.clone());
        if info == known {
            return;
        }
        let (saved, answer) = oneshot::channel();
        let change = move |registry: &mut Registry| {
            let before = registry.watcher_info.take();
            registry.watcher_info = info.map(|info| keep_extra(info, before));
            Ok(())
        };
        self.parts.storage.configure(Box::new(change), saved);
        tokio::spawn(async move {
            if let Ok(Err(error)) = answer.await {
                tracing::warn!(%error, "cannot write into the registry who watches this monitor");
            }
        });
    }
}

fn keep_extra(info: WatcherInfo, written: Option<WatcherInfo>) -> WatcherInfo {
    WatcherInfo { extra: written.map(|written| written.extra).unwrap_or_default(), ..info }
}

/// Where the partner's aliveness server should listen.
fn port_of(settings: &Registry, partner: &InstanceId) -> u16 {
    settings.partner_discovery.partner_aliveness_port.unwrap_or_else(|| DefaultPorts::of(partner).aliveness)
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => future::pending().await,
    }
}
