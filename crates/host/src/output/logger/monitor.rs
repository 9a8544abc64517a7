//! What the monitor asks for.

use super::{Logger, MONITOR, Quit, Session};
use crate::output::protocol::{PROTOCOL, Reply, Request};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

impl Logger {
    /// A monitor connects. One that was connected is hung or being replaced.
    pub(super) fn accept(&mut self) {
        let Some(listener) = &self.listener else { return };
        let accept = || accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK);
        let socket = match self.copier.files.with_descriptor(accept) {
            Ok(socket) => socket,
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => return,
            Err(error) => return tracing::warn!("cannot accept the monitor's connection: {error}"),
        };
        self.disconnect();
        let session = Session::new(socket);
        if let Err(error) = self.watch(&session, MONITOR, EventFlags::IN) {
            return tracing::warn!("cannot watch the monitor's connection: {error}");
        }
        self.ignore_exits();
        self.session = Some(session);
    }

    /// The monitor has sent something, or is gone, or reads again.
    pub(super) fn hear(&mut self) {
        let Some(session) = &mut self.session else { return };
        let (requests, connected) = session.receive();
        for request in requests {
            self.obey(request);
        }
        if !connected {
            self.disconnect();
        }
    }

    fn obey(&mut self, request: Request) {
        match request {
            Request::Hello { protocol: PROTOCOL } => {}
            Request::Hello { protocol } => tracing::info!("the monitor speaks protocol {protocol}, I speak {PROTOCOL}"),
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
            return self.disconnect();
        }
        let Some(writable) = session.interest_changed() else { return };
        let interest = if writable { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        if let Err(error) = epoll::modify(&self.epoll, &*session, EventData::new_u64(MONITOR), interest) {
            tracing::warn!("cannot watch the monitor's connection: {error}");
            self.disconnect();
        }
    }

    fn disconnect(&mut self) {
        if self.session.take().is_some() {
            self.listen_to_exits();
        }
    }
}
