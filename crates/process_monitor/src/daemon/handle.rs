//! What the API may do: read the board, and send commands to the supervising thread.

use super::api::ApiFacts;
use super::board::Board;
use super::events::EventHub;
use super::figures::{Meter, Usage};
use super::inbox::{Answer, CommandError, Inbox, Message};
use super::listing::Listing;
use super::partner::PartnerLink;
use super::service_manager::ServiceManager;
use super::settings::Settings;
use super::storage::{Change, ConfigureError, StorageLink};
use super::succession::{NotFollowed, Succession};
use crate::http::OutputDesk;
use arc_swap::ArcSwap;
use axum::body::Bytes;
use process_monitor_client::api::{HealthReport, MonitorState, MonitorStatus, ProcessStatus};
use process_monitor_core::engine::{Command, Health, View};
use process_monitor_core::exit::{Exit, LastExit};
use process_monitor_core::id::{InstanceId, ProcessId, RunId};
use process_monitor_core::model::{AlivenessCheck, ProcessState};
use process_monitor_core::registry::Registry;
use process_monitor_core::time::Wall;
use process_monitor_host::clock;
use process_monitor_host::layout::Layout;
use process_monitor_host::tls::ServerTls;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// What does not change, or hardly, while a monitor lives.
pub struct Facts {
    /// Where it works.
    pub layout: Layout,
    /// Since when.
    pub started_at: Wall,
    /// Whether it has no partner, whatever the registry says.
    pub standalone: bool,
    /// Whether it is on its way down.
    pub stopping: AtomicBool,
    /// Who has started it, if he wants to be told how it is.
    pub manager: ServiceManager,
    /// Its logger's process id, 0 while there is none.
    pub logger_pid: AtomicU32,
    /// Where its aliveness server listens, 0 while it does not.
    pub aliveness_port: AtomicU16,
    /// Where the API listens over TCP.
    pub api: ArcSwap<ApiFacts>,
}

/// Cheap to clone; every connection has one.
#[derive(Clone)]
pub struct Handle {
    facts: Arc<Facts>,
    board: Board,
    inbox: Inbox,
    events: EventHub,
    meter: Arc<Meter>,
    listing: Arc<Listing>,
    settings: Settings,
    storage: StorageLink,
    output: OutputDesk,
    partner: PartnerLink,
    succession: Succession,
}

/// What a [`Handle`] reaches.
pub struct Reach {
    /// What readers see.
    pub board: Board,
    /// The supervising thread.
    pub inbox: Inbox,
    /// What happens.
    pub events: EventHub,
    /// What the registry says about the monitor itself.
    pub settings: Settings,
    /// The thread that keeps the registry.
    pub storage: StorageLink,
    /// The thread that keeps the partner.
    pub partner: PartnerLink,
    /// How the monitor is followed by another.
    pub succession: Succession,
}

impl Handle {
    /// A handle on a monitor.
    pub fn new(facts: Arc<Facts>, reach: Reach) -> Self {
        let Reach { board, inbox, events, settings, storage, partner, succession } = reach;
        let (meter, output) = (Arc::new(Meter::default()), OutputDesk::default());
        let listing = Arc::default();
        Self { facts, board, inbox, events, meter, listing, settings, storage, output, partner, succession }
    }

    /// The monitor's settings as they are now.
    pub fn settings(&self) -> Arc<Registry> {
        self.settings.get()
    }

    /// Tells when they change.
    pub fn settings_changes(&self) -> watch::Receiver<()> {
        self.settings.changes()
    }

    /// Changes the monitor's settings; returns when that is on disk. In effect at once.
    ///
    /// # Errors
    /// [`ConfigureError`]: what is wrong with it, or why it could not be saved.
    pub async fn configure(&self, change: Change) -> Result<(), ConfigureError> {
        let (saved, answer) = oneshot::channel();
        self.storage.configure(change, saved);
        let ended = || ConfigureError::NotSaved("the registry's thread has ended".to_owned());
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Has the engine carry out `command`; returns when its outcome is known and on disk.
    ///
    /// # Errors
    /// [`CommandError`] says why it was refused, or that it could not be saved.
    pub async fn command(&self, command: Command) -> Answer {
        self.inbox.command(command).await
    }

    /// What is known of a process without measuring it.
    pub fn view(&self, id: &ProcessId) -> Option<Arc<View>> {
        self.board.get(id)
    }

    /// One process.
    pub async fn status(&self, id: &ProcessId) -> Option<ProcessStatus> {
        let view = self.board.get(id)?;
        // Two changes of threads would take longer than all else.
        if view.run.as_ref().is_none_or(|run| self.meter.knows(run)) {
            return Some(self.measure(&view));
        }
        self.measured(vec![view]).await.pop()
    }

    /// The state of one process.
    pub fn state(&self, id: &ProcessId) -> Option<ProcessState> {
        self.board.get(id).map(|view| view.entry.state)
    }

    /// Every process as `GET /processes` answers, in JSON.
    ///
    /// # Errors
    /// As [`Listing::json`].
    pub async fn listing(&self) -> Result<Bytes, String> {
        let json = self.listing.json(self).await;
        self.look_again();
        json
    }

    /// What readers see.
    pub(super) fn board(&self) -> &Board {
        &self.board
    }

    /// Reading `/proc` of many processes takes milliseconds, during which others are to be served.
    async fn measured(&self, views: Vec<Arc<View>>) -> Vec<ProcessStatus> {
        let this = self.clone();
        let measure = move || views.iter().map(|view| this.measure(view)).collect();
        tokio::task::spawn_blocking(measure).await.unwrap_or_else(|error| {
            tracing::error!(%error, "cannot measure processes");
            Vec::new()
        })
    }

    fn measure(&self, view: &View) -> ProcessStatus {
        self.shown(view, Meter::measure)
    }

    /// One process with figures that may be a little old; what is too old by then is measured meanwhile.
    pub(super) fn glance(&self, view: &View) -> ProcessStatus {
        self.shown(view, Meter::glance)
    }

    /// Has the next figures measured by a thread of its own, if they are due.
    fn look_again(&self) {
        if !self.meter.is_due() {
            return;
        }
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            this.board.all().iter().for_each(|view| drop(this.measure(view)));
            this.meter.looked();
        });
    }

    fn shown(
        &self,
        view: &View,
        usage: impl FnOnce(&Meter, u32, &RunId, Duration) -> Option<Usage>,
    ) -> ProcessStatus {
        let mut status = ProcessStatus::of_entry(&view.entry);
        let uptime = view.up_since.map(|since| clock::wall().since(since));
        status.uptime_ms = uptime.map(|uptime| u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX));
        status.message.clone_from(&view.message);
        status.healthy = view.health.as_ref().and_then(|health| health.healthy);
        status.health = view.health.as_ref().map(|health| report(view, health));
        status.log_folder = Some(self.facts.layout.process_logs(&view.entry.id).display().to_string());
        if let (Some(pid), Some(run)) = (status.pid, &view.run)
            && let Some(usage) = usage(&self.meter, pid, run, uptime.unwrap_or_default())
        {
            status.cpu_percent = Some(usage.cpu_percent);
            status.memory_bytes = Some(usage.memory_bytes);
        }
        status
    }

    /// How many processes there are that a peer registered or changed which is not trusted.
    pub fn of_strangers(&self) -> usize {
        self.board.all().iter().filter(|view| view.entry.untrusted_peer.is_some()).count()
    }

    /// Of every process, in the order of registration.
    pub fn ids(&self) -> Vec<ProcessId> {
        self.board.all().iter().map(|view| view.entry.id.clone()).collect()
    }

    /// Where the monitor keeps its files.
    pub fn layout(&self) -> &Layout {
        &self.facts.layout
    }

    /// Where what programs print is read.
    pub fn output(&self) -> &OutputDesk {
        &self.output
    }

    /// What happens.
    pub fn events(&self) -> &EventHub {
        &self.events
    }

    /// What is known of the monitor.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The monitor itself.
    pub fn monitor_status(&self) -> MonitorStatus {
        let (managed, running) = self.board.counts();
        let (facts, partner) = (&self.facts, self.partner.shown());
        let logger = facts.logger_pid.load(Ordering::Relaxed);
        let aliveness = facts.aliveness_port.load(Ordering::Relaxed);
        let api = facts.api.load();
        MonitorStatus {
            instance_id: facts.layout.instance().clone(),
            pid: std::process::id(),
            started_at: facts.started_at,
            uptime: clock::wall().since(facts.started_at).as_secs(),
            state: if facts.stopping.load(Ordering::Relaxed) {
                MonitorState::Stopping
            } else {
                MonitorState::Running
            },
            standalone_mode: facts.standalone || self.settings.get().standalone_mode,
            partner_instance_id: partner.instance.clone(),
            partner_status: partner.status(),
            partner_pid: partner.life().map(|life| life.pid),
            managed_process_count: managed,
            running_process_count: running,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            directory: Some(facts.layout.directory().display().to_string()),
            executable: Some(self.succession.executable().display().to_string()),
            logger_pid: (logger != 0).then_some(logger),
            aliveness_port: (aliveness != 0).then_some(aliveness),
            api_port: api.addresses.first().map(SocketAddr::port),
            api_addresses: api.addresses.iter().map(ToString::to_string).collect(),
            api_fingerprint: api.tls.as_ref().map(ServerTls::fingerprint),
            api_trouble: api.trouble.clone(),
        }
    }

    /// A child of this process has ended.
    pub fn child_ended(&self) {
        self.inbox.send(Message::ChildEnded);
    }

    /// The monitor of `instance` makes itself known as our partner. Returns when the supervising thread has answered: one
    /// that hangs is not to pass for well.
    ///
    /// # Errors
    /// When supervision has ended.
    pub async fn greeted(&self, instance: InstanceId) -> Result<(), CommandError> {
        self.partner.greeted(instance);
        let (answer, answered) = oneshot::channel();
        self.inbox.send(Message::Ping(Box::new(move || {
            // Whoever asked may have given up.
            let _gone = answer.send(());
        })));
        answered.await.map_err(|_| CommandError::Ended)
    }

    /// Whether the supervising thread answers within this time.
    pub(super) fn supervision_answers(&self, within: Duration) -> bool {
        let (answer, answered) = mpsc::channel();
        self.inbox.send(Message::Ping(Box::new(move || {
            // Whoever asked may have given up.
            let _gone = answer.send(());
        })));
        answered.recv_timeout(within).is_ok()
    }

    /// How the last run of a process ended.
    pub(super) fn last_exit(&self, id: &ProcessId) -> Option<Exit> {
        self.board.get(id)?.entry.last_exit.as_ref().map(LastExit::exit)
    }

    /// Stops every process, then the monitor.
    pub fn shut_down(&self) {
        self.partner.leave();
        if !self.facts.stopping.swap(true, Ordering::Relaxed) {
            let timeouts = self.board.all().into_iter().map(|view| view.entry.stop().timeout_ms);
            self.facts.manager.stopping(Duration::from_millis(timeouts.max().unwrap_or_default()));
        }
        self.inbox.send(Message::ShutDown);
    }

    /// Replaces the monitor by a fresh one, after a rehearsal; returns when that is about to happen.
    ///
    /// # Errors
    /// Why the monitor goes on instead.
    pub async fn restart(&self) -> Result<(), NotFollowed> {
        if self.is_stopping() {
            return Err(NotFollowed::Stopping);
        }
        tracing::info!("a restart is wanted; {} rehearses", self.succession.executable().display());
        let version =
            self.succession.begin().await.inspect_err(|error| tracing::error!("no restart: {error}"))?;
        tracing::info!("the rehearsal went well; version {version} goes on in this process");
        Ok(())
    }

    /// How the monitor is followed by another.
    pub(super) fn succession(&self) -> &Succession {
        &self.succession
    }

    /// Ends supervision without stopping anything.
    pub(super) fn end_supervision(&self) {
        self.inbox.send(Message::Restart);
    }

    /// Whether the monitor is on its way down.
    pub(super) fn is_stopping(&self) -> bool {
        self.facts.stopping.load(Ordering::Relaxed)
    }
}

fn report(view: &View, health: &Health) -> HealthReport {
    let (last_failure, last_failure_reason) = health.last_failure.clone().unzip();
    HealthReport {
        target: view.entry.check().and_then(AlivenessCheck::target),
        passed: health.passed,
        failed: health.failed,
        consecutive_failures: health.in_a_row,
        last_success: health.last_success,
        last_failure,
        last_failure_reason,
        status_text: health.text.clone(),
    }
}
