//! How fast the API answers: one status and the list, beside `GET /alive` of the same monitor.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// For how long they ask.
const SPAN: Duration = Duration::from_secs(2);

/// How long an answer may take that is not measured up to its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a monitor listens.
#[derive(Clone, Copy)]
pub struct Ports {
    api: u16,
    aliveness: u16,
}

impl Ports {
    /// From `--status --json`.
    pub fn of(status: &Value) -> io::Result<Self> {
        let port = |name: &str| {
            let port = status[name].as_u64().and_then(|port| u16::try_from(port).ok());
            port.ok_or_else(|| io::Error::other(format!("the monitor has no {name}")))
        };
        Ok(Self { api: port("apiPort")?, aliveness: port("alivenessPort")? })
    }

    /// What `clients` of `GET /alive` wait for each answer.
    pub fn alive(self, clients: usize) -> io::Result<Vec<Duration>> {
        ask(self.aliveness, "/alive", clients)
    }

    /// The same of a path of the API.
    pub fn api(self, path: &str, clients: usize) -> io::Result<Vec<Duration>> {
        ask(self.api, path, clients)
    }

    /// Asks for `path` of the API on a connection of its own; the answer from its first line on.
    pub fn open(self, path: &str, headers: &str) -> io::Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.api))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let host = format!("127.0.0.1:{}", self.api);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes())?;
        Ok(BufReader::new(stream))
    }

    /// Runs `measure` while 16 clients ask for the list without a pause.
    pub fn under_load<T>(&self, measure: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| client(self.api, "/processes", || over.load(Ordering::Relaxed)));
            }
            let measured = measure();
            over.store(true, Ordering::Relaxed);
            measured
        })
    }
}

fn ask(port: u16, path: &str, clients: usize) -> io::Result<Vec<Duration>> {
    let end = Instant::now() + SPAN;
    let waits: io::Result<Vec<Vec<Duration>>> = thread::scope(|scope| {
        let asking: Vec<_> =
            (0..clients).map(|_| scope.spawn(|| client(port, path, || Instant::now() >= end))).collect();
        let joined = asking.into_iter().map(|client| client.join());
        joined.map(|waits| waits.unwrap_or_else(|_| Err(io::Error::other("a client panicked")))).collect()
    });
    Ok(waits?.concat())
}

/// Asks on one connection until `over`; how long each answer took.
fn client(port: u16, path: &str, over: impl Fn() -> bool) -> io::Result<Vec<Duration>> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    let (mut waits, mut body) = (Vec::new(), Vec::new());
    while !over() {
        let asked = Instant::now();
        stream.get_mut().write_all(request.as_bytes())?;
        answer(&mut stream, &mut body)?;
        waits.push(asked.elapsed());
    }
    Ok(waits)
}

fn answer(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    let mut length = 0;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(format!("the monitor answered {line}")));
    }
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let text = line.trim_end().to_ascii_lowercase();
        if text.is_empty() {
            break;
        }
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    body.resize(length, 0);
    stream.read_exact(body)
}
