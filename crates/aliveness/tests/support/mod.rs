//! A client that sends exactly what it is told, and a gate for callbacks to hang at.
#![allow(dead_code, reason = "each test file uses a part")]

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Longer than anything here takes; only a test that fails waits for it.
pub const LONG: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
        Some(line.split_once(':')?.1.trim())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Begins a request; `read` waits for its answer.
pub fn begin(address: SocketAddr, method: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = connect(address);
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).unwrap();
    stream
}

pub fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub fn ask(address: SocketAddr, method: &str, path: &str) -> Answer {
    read(begin(address, method, path, ""))
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path)
}

/// Holds whoever passes until it is opened.
#[derive(Default)]
pub struct Gate {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    pub fn pass(&self) {
        self.state.lock().unwrap().0 += 1;
        self.changed.notify_all();
        drop(self.wait_until(|&(_, open)| open));
    }

    /// Waits until `count` have come, and returns how many really have.
    pub fn wait_for(&self, count: usize) -> usize {
        self.wait_until(|&(come, _)| come >= count).0
    }

    pub fn come(&self) -> usize {
        self.state.lock().unwrap().0
    }

    pub fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    fn wait_until(&self, met: impl Fn(&(usize, bool)) -> bool) -> MutexGuard<'_, (usize, bool)> {
        let state = self.state.lock().unwrap();
        let (state, late) = self.changed.wait_timeout_while(state, LONG, |state| !met(state)).unwrap();
        assert!(!late.timed_out(), "waited too long at the gate: {:?}", *state);
        state
    }
}
