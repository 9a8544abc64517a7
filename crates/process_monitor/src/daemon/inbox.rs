//! What reaches the supervising thread from other threads.

use process_monitor_core::engine::{Command, Done, Event, NoMain, Refusal, Ticket};
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::registry::Edit;
use process_monitor_host::output::link::{LoggerEvent, LoggerLink};
use process_monitor_host::process::Process;
use process_monitor_host::reactor::Waker;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

use super::jobs::SpawnDone;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The engine refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is in effect, but the registry could not be written.
    #[error("the change is in effect, but could not be saved: {0}; it is tried again until it is")]
    NotSaved(String),
    /// Another image of the monitor follows before it was done.
    #[error(
        "another image of the monitor takes over just now, under which what was asked for goes on; ask again to learn what \
         came of it"
    )]
    Followed,
    /// The monitor ended before it was done.
    #[error("the monitor ended before the command was done; look at the process's state when it is back")]
    Ended,
}

/// The answer to a command.
pub type Answer = Result<Done, CommandError>;

/// One message to the supervising thread.
pub enum Message {
    /// A client wants something.
    Command(Ticket, Command, oneshot::Sender<Answer>),
    /// Nobody waits for the answer to this command, given to that process, any more.
    Abandoned(ProcessId, Ticket),
    /// A spawn finished.
    Spawned(Box<SpawnDone>),
    /// Something happened that the engine is to know as it is.
    Event(Box<Event>),
    /// The process that goes on in place of the one that was started was looked for.
    MainFound(ProcessId, RunId, Result<Process, NoMain>),
    /// What was left of a run's tree is gone.
    Cleared(ProcessId, RunId),
    /// Somebody else changed the registry.
    Edited(Vec<Edit>),
    /// Every change up to this generation is on disk, or could not be written.
    Saved(u64, Result<(), String>),
    /// The logger has something to say.
    Logger(LoggerEvent),
    /// A logger is there (again).
    LoggerUp(LoggerLink),
    /// SIGCHLD: a child has ended, perhaps an orphan that fell to us.
    ChildEnded,
    /// Answer: whether the supervising thread does.
    Ping(Box<dyn FnOnce() + Send>),
    /// Stop everything.
    ShutDown,
    /// End supervision without stopping anything: a fresh monitor goes on.
    Restart,
}

/// Sends to the supervising thread and wakes it.
#[derive(Clone)]
pub struct Inbox {
    sender: mpsc::Sender<Message>,
    waker: Waker,
    tickets: Arc<AtomicU64>,
}

/// Somebody waits for the answer to a command; when he stops to, before it came, the supervising thread is told.
struct Waiting<'a> {
    inbox: &'a Inbox,
    id: ProcessId,
    ticket: Ticket,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.inbox.send(Message::Abandoned(self.id.clone(), self.ticket));
        }
    }
}

impl Inbox {
    /// An inbox, and the end that the supervising thread reads.
    pub fn new(waker: Waker) -> (Self, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel();
        (Self { sender, waker, tickets: Arc::default() }, receiver)
    }

    /// Has `command` carried out and waits for its answer. Who drops this before no longer waits; the command
    /// is carried out all the same.
    pub async fn command(&self, command: Command) -> Answer {
        let ticket = Ticket(self.tickets.fetch_add(1, Ordering::Relaxed));
        let mut waiting = Waiting { inbox: self, id: command.id().clone(), ticket, answered: false };
        let (reply, answer) = oneshot::channel();
        self.send(Message::Command(ticket, command, reply));
        let answer = answer.await.unwrap_or(Err(CommandError::Ended));
        waiting.answered = true;
        answer
    }

    /// Sends `message`. When supervision has ended nobody reads it, and who waits for an answer is
    /// told by the answer's channel being closed.
    pub fn send(&self, message: Message) {
        if self.sender.send(message).is_ok() {
            self.waker.wake();
        }
    }
}
