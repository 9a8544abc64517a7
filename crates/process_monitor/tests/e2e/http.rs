//! HTTP by hand, over the control socket or TCP.

use crate::harness::{PATIENCE, World};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

/// One answer on a connection.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Value,
}

impl Answer {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The names of the fields of the body, sorted.
    pub fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<_> = self.body.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        fields
    }
}

/// A connection that is kept open from one request to the next.
pub struct Connection<S = UnixStream>(pub BufReader<S>);

impl Connection<TcpStream> {
    /// Connects to the API on loopback.
    pub fn tcp(world: &World) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], world.api_port())))
    }

    /// Connects to the API at an address.
    pub fn at(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }
}

impl Connection<UnixStream> {
    /// Connects to the control socket.
    pub fn to(world: &World) -> Self {
        let stream = UnixStream::connect(world.state().join("control.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S: Read + Write> Connection<S> {
    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// One request and its answer.
    pub fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.send((head + &body).as_bytes());
        self.answer()
    }

    /// One request with further headers, each closed by `\r\n`, and its answer.
    pub fn ask_with(&mut self, method: &str, path: &str, headers: &str) -> Answer {
        self.send(format!("{method} {path} HTTP/1.1\r\n{headers}\r\n").as_bytes());
        self.answer()
    }

    /// One request with a body of any bytes, said to be of `kind`, and its answer.
    pub fn ask_raw(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {length}\r\n\r\n");
        // A server that refuses a large body may close before it has read all of it.
        let _refused = self.0.get_mut().write_all(&[head.as_bytes(), body].concat());
        self.answer()
    }

    /// Reads the next answer.
    pub fn answer(&mut self) -> Answer {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        let status = lines.first().expect("an answer").split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &String| {
            line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        };
        let headers: Vec<_> = lines.iter().filter_map(header).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
        self.0.read_exact(&mut body).unwrap();
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }
}
