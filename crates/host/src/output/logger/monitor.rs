//! What the monitor asks for.

use super::{Logger, MONITOR, NEWCOMER, Quit, Session};
use crate::output::protocol::{PROTOCOL, Reply, Request};
use crate::sys::terms::Interest;
use std::io::{self, ErrorKind};

impl Logger {
    /// Somebody connects.
    pub(super) fn accept(&mut self) {
        let Some(listener) = &self.listener else { return };
        let connection = match self.copier.files.with_reserve(|| listener.accept()) {
            Ok(connection) => connection,
            Err(error) if passes(&error) => return,
            Err(error) => return tracing::warn!("cannot accept a connection: {error}"),
        };
        let mut session = Session::new(connection);
        if !session.flush() {
            return;
        }
        match self.watch(&session, NEWCOMER) {
            Ok(()) => {
                let earlier = self.newcomer.replace(session);
                earlier.iter().for_each(|earlier| Self::unwatch(&self.readiness, earlier));
            }
            Err(error) => tracing::warn!("cannot watch a connection: {error}"),
        }
    }

    /// The newcomer has written: with its hello it takes the place of the present monitor, which is
    /// hung or being replaced.
    pub(super) fn greet(&mut self) {
        let Some(mut session) = self.newcomer.take() else { return };
        let (requests, connected) = session.receive();
        if !matches!(requests.first(), Some(Request::Hello { .. })) {
            match connected && requests.is_empty() {
                true => self.newcomer = Some(session),
                false => Self::unwatch(&self.readiness, &session),
            }
            return;
        }
        self.hear_out(Ending::Replaced);
        self.disconnect();
        if let Err(error) = self.readiness.change(&session, MONITOR, Interest::Read) {
            return tracing::warn!("cannot watch the monitor's connection: {error}");
        }
        // In this order: what is waited for is let go of before it is closed.
        self.ignore_exits();
        self.forget_discarded();
        self.session = Some(session);
        self.take_up_words();
        self.obey_all(requests, connected);
    }

    /// What a monitor asked for before its connection ends is done: nobody else knows of the runs that it told of last.
    fn hear_out(&mut self, ending: Ending) {
        let Some(session) = &mut self.session else { return };
        let (requests, _) = session.receive();
        for request in requests {
            match request {
                // Its successor needs a logger.
                Request::Quit { .. } if ending == Ending::Replaced => {}
                request => self.obey(request),
            }
        }
    }

    /// The monitor has written, or is gone, or reads again.
    pub(super) fn hear(&mut self) {
        let Some(session) = &mut self.session else { return };
        let (requests, connected) = session.receive();
        self.obey_all(requests, connected);
    }

    fn obey_all(&mut self, requests: Vec<Request>, connected: bool) {
        for request in requests {
            self.obey(request);
        }
        if !connected {
            self.left_alone();
        }
    }

    fn obey(&mut self, request: Request) {
        match request {
            Request::Hello { protocol: PROTOCOL } => {}
            Request::Hello { protocol } => {
                tracing::info!("the monitor speaks protocol {protocol}, I speak {PROTOCOL}")
            }
            Request::Attach(attach) => self.attach(attach),
            Request::Exited { run } => self.exit_is_known(&run),
            Request::Ping => self.reply(&Reply::Pong),
            Request::Quit { now: true } => self.quit = Quit::Now,
            Request::Quit { now: false } => self.quit = Quit::WhenDone,
        }
    }

    /// Says something to the monitor, if there is one.
    pub(super) fn reply(&mut self, reply: &Reply) {
        if let Some(session) = &mut self.session {
            session.queue(reply);
        }
    }

    /// Sends the replies of this round.
    pub(super) fn flush(&mut self) {
        let Some(session) = &mut self.session else { return };
        if !session.flush() {
            self.hear_out(Ending::Broken);
            return self.left_alone();
        }
        let Some(writable) = session.interest_changed() else { return };
        let interest = if writable { Interest::ReadAndWrite } else { Interest::Read };
        if let Err(error) = self.readiness.change(&*session, MONITOR, interest) {
            tracing::warn!("cannot watch the monitor's connection: {error}");
            self.hear_out(Ending::Broken);
            self.left_alone();
        }
    }

    /// No monitor is there any more.
    fn left_alone(&mut self) {
        self.disconnect();
        if self.quit == Quit::No {
            self.watch_discarded();
        }
    }

    fn disconnect(&mut self) {
        if let Some(session) = self.session.take() {
            Self::unwatch(&self.readiness, &session);
            self.listen_to_exits();
        }
    }
}

/// How the connection of a monitor ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It does not read any more.
    Broken,
    /// Another monitor has come.
    Replaced,
}

/// Whether it says nothing of the next one who connects.
fn passes(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted)
}
