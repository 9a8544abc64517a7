//! Waits for lines that programs print when they are ready. One thread for all of them, started by the
//! first, which reads what the logger wrote.

use super::inbox::{Inbox, Message};
use process_monitor_core::engine::Event;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::notice::Notice;
use process_monitor_host::layout::Layout;
use process_monitor_host::output::read::{Chunk, Follower, FollowerWaker, Runs, Selection};
use regex_lite::Regex;
use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// After an error of the file system, before it is asked again.
const BREATH: Duration = Duration::from_secs(1);

/// A line that is waited for.
pub struct Awaited {
    /// Whose.
    pub id: ProcessId,
    /// Of which run.
    pub run: RunId,
    /// The name of that run's folder.
    pub folder: String,
    /// What it is like.
    pub pattern: Regex,
    /// Whether each line begins with its time, which is not part of it.
    pub stamped: bool,
}

enum Request {
    Await(Box<Awaited>),
    Forget(RunId),
}

/// For the supervising thread.
pub struct LineWatcher {
    layout: Layout,
    inbox: Inbox,
    thread: Option<(mpsc::Sender<Request>, FollowerWaker)>,
}

impl LineWatcher {
    /// Tells `inbox`.
    pub fn new(layout: Layout, inbox: Inbox) -> Self {
        Self { layout, inbox, thread: None }
    }

    /// Waits for a line; [`Notice::Line`] follows when it is there.
    ///
    /// # Errors
    /// In words, when the system refuses a thread or a watch.
    pub fn wait_for(&mut self, awaited: Awaited) -> Result<(), String> {
        if self.thread.is_none() {
            self.thread = Some(self.start()?);
        }
        self.send(Request::Await(Box::new(awaited)));
        Ok(())
    }

    /// The run is over.
    pub fn forget(&self, run: &RunId) {
        if self.thread.is_some() {
            self.send(Request::Forget(run.clone()));
        }
    }

    fn send(&self, request: Request) {
        let Some((requests, waker)) = &self.thread else { return };
        match requests.send(request) {
            Ok(()) => waker.wake(),
            Err(_) => tracing::error!("the thread that waits for lines has ended"),
        }
    }

    fn start(&self) -> Result<(mpsc::Sender<Request>, FollowerWaker), String> {
        let follower = Follower::new().map_err(|error| error.to_string())?;
        let waker = follower.waker();
        let (sender, requests) = mpsc::channel();
        let waiting = Waiting {
            layout: self.layout.clone(),
            inbox: self.inbox.clone(),
            follower,
            awaited: HashMap::new(),
        };
        thread::Builder::new()
            .name("lines".into())
            .spawn(move || waiting.run(&requests))
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok((sender, waker))
    }
}

struct Waiting {
    layout: Layout,
    inbox: Inbox,
    follower: Follower,
    /// One per process: only its present run is waited for.
    awaited: HashMap<ProcessId, Box<Awaited>>,
}

impl Waiting {
    fn run(mut self, requests: &mpsc::Receiver<Request>) {
        loop {
            loop {
                match requests.try_recv() {
                    Ok(request) => self.take(request),
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
            match self.follower.next_chunk(None) {
                Ok(Some(chunk)) => self.look_at(&chunk),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot read what programs print, trying again");
                    thread::sleep(BREATH);
                }
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Await(awaited) => {
                let id = awaited.id.clone();
                self.forget(&id);
                // Its folder is new, so this is from the first line on.
                let all = Selection { runs: Runs::Newest, ..Selection::default() };
                match self.follower.follow(&self.layout, &id, all) {
                    Ok(()) => drop(self.awaited.insert(id, awaited)),
                    Err(error) => {
                        tracing::error!(process = %id, %error, "cannot wait for the line that says it is ready")
                    }
                }
            }
            Request::Forget(run) => {
                let over = self.awaited.values().find(|awaited| awaited.run == run);
                if let Some(id) = over.map(|awaited| awaited.id.clone()) {
                    self.forget(&id);
                }
            }
        }
    }

    fn forget(&mut self, id: &ProcessId) {
        if self.awaited.remove(id).is_some() {
            self.follower.unfollow(id);
        }
    }

    fn look_at(&mut self, chunk: &Chunk) {
        let Some(awaited) = self.awaited.get(&chunk.process).filter(|it| it.folder == chunk.run) else {
            return;
        };
        if chunk.bytes.split(|byte| *byte == b'\n').any(|line| awaited.is_it(line)) {
            let (id, run) = (awaited.id.clone(), awaited.run.clone());
            self.forget(&id);
            self.inbox.send(Message::Event(Box::new(Event::Noticed { id, run, notice: Notice::Line })));
        }
    }
}

impl Awaited {
    fn is_it(&self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        let line = match (self.stamped, line.split_once(' ')) {
            (true, Some((_time, line))) => line,
            _ => &line,
        };
        self.pattern.is_match(line.trim_end_matches('\r'))
    }
}
