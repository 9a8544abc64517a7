//! Health checks: a server that notes when each process is asked about, and what asking costs.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// From one check of a process to the next.
pub const INTERVAL: Duration = Duration::from_secs(3);

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

/// When each path was asked for.
type Arrivals = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

/// Answers every GET with `OK`.
pub struct Server {
    address: SocketAddr,
    arrivals: Arrivals,
}

impl Server {
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, arrivals) = (listener.local_addr()?, Arrivals::default());
        let noted = Arc::clone(&arrivals);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let noted = Arc::clone(&noted);
                // A connection that breaks is one that its client has closed.
                thread::spawn(move || serve(&stream, &noted).unwrap_or_default());
            }
        });
        Ok(Self { address, arrivals })
    }

    /// What is asked about process `name`.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Forgets what has come so far.
    pub fn forget(&self) {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How much later than an interval after the one before each check came; and how many there were.
    pub fn lateness(&self) -> (Vec<Duration>, usize) {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let gaps = |times: &Vec<Instant>| {
            let pairs = times.iter().zip(times.iter().skip(1));
            pairs
                .map(|(before, after)| after.duration_since(*before).saturating_sub(INTERVAL))
                .collect::<Vec<_>>()
        };
        (arrivals.values().flat_map(gaps).collect(), arrivals.values().map(Vec::len).sum())
    }

    /// CPU time of a bare loop that asks `times` times over one connection: the floor.
    pub fn bare_loop(&self, times: usize) -> io::Result<Duration> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        let before = thread_time();
        let mut answer = [0; ANSWER.len()];
        for _ in 0..times {
            stream.write_all(b"GET /bare HTTP/1.1\r\nHost: bare\r\n\r\n")?;
            io::Read::read_exact(&mut stream, &mut answer)?;
        }
        Ok(thread_time().saturating_sub(before))
    }
}

fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

fn serve(stream: &TcpStream, arrivals: &Arrivals) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        arrivals.lock().unwrap_or_else(PoisonError::into_inner).entry(path).or_default().push(Instant::now());
        (&*stream).write_all(ANSWER)?;
    }
}
