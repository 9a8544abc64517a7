//! The supervising thread: events in, [`Engine::handle`], actions out. Everything that may take
//! long is done elsewhere and comes back as a message.

use super::executor::{Ending, Executor};
use super::inbox::Message;
use super::jobs::SpawnDone;
use process_monitor_core::engine::{Command, Engine, Event, Ticket, Wait};
use process_monitor_core::registry::Edit;
use process_monitor_host::clock::Clock;
use process_monitor_host::reactor::Reactor;
use std::io;
use std::sync::mpsc;

/// Everything the thread works with.
pub struct Supervisor {
    /// Decides.
    pub engine: Engine,
    /// Carries out.
    pub executor: Executor,
    /// Tells what happened to processes.
    pub reactor: Reactor,
    /// Tells what other threads want or have done.
    pub inbox: mpsc::Receiver<Message>,
    /// The time.
    pub clock: Clock,
}

impl Supervisor {
    /// Supervises until everything is down, or a restart is to happen.
    ///
    /// # Errors
    /// When the system no longer tells what happens. Nothing was stopped then: a new monitor goes on.
    pub fn run(&mut self) -> io::Result<Ending> {
        loop {
            let now = self.clock.mono();
            let due = self.engine.next_deadline().map(|due| due.since(now));
            let timeout = self.executor.patience_with_outputs().into_iter().chain(due).min();
            for key in self.reactor.wait(timeout)? {
                self.woken(key);
            }
            while let Ok(message) = self.inbox.try_recv() {
                self.take(message);
            }
            if self.engine.next_deadline().is_some_and(|due| due <= self.clock.mono()) {
                self.step(Event::Deadline);
            }
            self.executor.end_pass();
            if let Some(ending) = self.executor.ending() {
                return Ok(ending);
            }
        }
    }

    /// One event, and all that follows from it.
    pub fn step(&mut self, event: Event) {
        let actions = self.engine.handle(event, self.clock.now());
        self.executor.carry_out(actions, &self.engine, &self.reactor);
    }

    fn woken(&mut self, key: usize) {
        for event in self.executor.woken(key, &self.reactor) {
            self.step(event);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Command(ticket, command, reply) => {
                self.executor.replies.wait(ticket, reply);
                self.command(Some(ticket), command);
            }
            Message::Abandoned(id, ticket) => {
                self.executor.replies.abandoned(ticket);
                self.step(Event::Abandoned { id, ticket });
            }
            Message::Spawned(done) => self.spawned(*done),
            Message::Event(event) => self.step(*event),
            Message::MainFound(id, run, result) => {
                let result = self.executor.found_main(&run, result);
                self.step(Event::MainFound { id, run: run.clone(), result });
                self.executor.drop_found(&run);
            }
            Message::Cleared(id, run) => {
                self.executor.cleared(&run, &self.reactor);
                self.step(Event::Cleared { id, run });
            }
            Message::Edited(edits) => edits.into_iter().for_each(|edit| self.edited(edit)),
            Message::Saved(generation, result) => self.executor.saved(generation, &result, &self.engine),
            Message::Logger(event) => self.executor.logger_says(event),
            Message::LoggerUp(link) => self.executor.logger_up(link),
            Message::ChildEnded => self.executor.orphan_ended = true,
            // Whoever asked may have given up.
            Message::ShutDown => {
                tracing::info!("stopping: every process is asked to end");
                self.executor.begin_shutdown();
                self.step(Event::Shutdown);
            }
            Message::Restart => self.executor.begin_restart(),
            Message::Ping(answer) => {
                process_monitor_host::crash_point!("supervisor::ping");
                answer();
            }
        }
    }

    fn command(&mut self, ticket: Option<Ticket>, command: Command) {
        if let Command::Start { id, .. } | Command::Restart { id, .. } = &command {
            // Who asks is told why it fails, also if it failed likewise before.
            self.executor.failed_starts.forget(id);
        }
        self.step(Event::Command(ticket, command));
    }

    fn spawned(&mut self, done: SpawnDone) {
        let event = self.executor.spawned(done, &self.reactor);
        self.step(event);
    }

    /// Somebody changed the registry's file: the same commands as over the API, and nobody waits.
    fn edited(&mut self, edit: Edit) {
        log_edit(&edit);
        for command in commands_of(edit) {
            self.command(None, command);
        }
    }
}

/// What was done, without the arguments: they may be long, and secret.
fn log_edit(edit: &Edit) {
    let (id, what) = match edit {
        Edit::Settings => return tracing::info!("the monitor's settings were changed in the registry"),
        Edit::Added(entry) => (&entry.id, "added to"),
        Edit::Changed(entry) => (&entry.id, "changed in"),
        Edit::Removed(id) => (id, "removed from"),
        Edit::Enable(id) => (id, "enabled in"),
        Edit::Disable(id) => (id, "disabled in"),
        Edit::Start(id) => (id, "marked to be started in"),
        Edit::Stop(id) => (id, "marked to be stopped in"),
    };
    tracing::info!(process = %id, "it was {what} the registry");
}

fn commands_of(edit: Edit) -> Vec<Command> {
    let start = |id| Command::Start { id, wait: Wait::Accepted };
    match edit {
        Edit::Added(entry) => {
            let id = entry.id.clone();
            // SPEC 3.3: a new entry is started; one that asks not to be is only registered.
            let up = entry.enabled && entry.autostart;
            let mut commands = vec![Command::Add(entry)];
            commands.extend(up.then(|| start(id)));
            commands
        }
        Edit::Changed(entry) => vec![Command::Configure(entry)],
        Edit::Removed(id) => vec![Command::Remove(id)],
        Edit::Start(id) => vec![start(id)],
        Edit::Stop(id) => vec![Command::Stop(id)],
        Edit::Enable(id) => vec![Command::Enable(id)],
        Edit::Disable(id) => vec![Command::Disable(id)],
        Edit::Settings => Vec::new(),
    }
}
