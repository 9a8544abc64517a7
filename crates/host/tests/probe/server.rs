//! Servers that behave, and others. Each ends with its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub struct Server {
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Server {
    /// One that does `talk` with each connection, on a thread of its own.
    pub fn start(talk: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (over, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let streams = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            address,
            over: Arc::clone(&over),
            connections: Arc::clone(&connections),
            streams: Arc::clone(&streams),
        };
        let talk = Arc::new(talk);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                connections.fetch_add(1, Ordering::Relaxed);
                streams.lock().unwrap().push(stream.try_clone().unwrap());
                let talk = Arc::clone(&talk);
                thread::spawn(move || talk(stream));
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub fn wait_for_connections(&self, number: usize) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.connections() < number {
            assert!(Instant::now() < end, "nobody connects");
            thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // So that it notices.
        drop(TcpStream::connect(self.address));
        for stream in self.streams.lock().unwrap().iter() {
            // The other side may have closed it.
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }
}

/// The head of the next request on a connection; `None` at its end.
pub fn next_request(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

pub fn answer(stream: &mut impl Write, status: &str, headers: &str, body: &str) {
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len());
    // The other side may have gone.
    let _gone = stream.write_all(text.as_bytes());
}

/// Answers every request by what `respond` makes of its head: status, headers, body.
pub fn responding(respond: impl Fn(&[String]) -> (String, String, String) + Send + Sync + 'static) -> Server {
    Server::start(move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = next_request(&mut reader) {
            let (status, headers, body) = respond(&request);
            answer(&mut stream, &status, &headers, &body);
        }
    })
}

/// Who answers before he is asked may be heard before the question is sent, and is then no server at all.
pub fn await_request(stream: &TcpStream) {
    next_request(&mut BufReader::new(stream.try_clone().unwrap()));
}

pub fn answering(status: &'static str, body: &'static str) -> Server {
    responding(move |_| (status.to_owned(), String::new(), body.to_owned()))
}

/// Takes connections and says nothing.
pub fn silent() -> Server {
    Server::start(|mut stream| {
        let mut sink = Vec::new();
        // Until somebody closes it.
        let _end = stream.read_to_end(&mut sink);
    })
}

/// The server keeps every connection, so that a drop does not close it.
pub fn close(stream: TcpStream) {
    // The other side may have closed it.
    let _closed = stream.shutdown(Shutdown::Both);
}
