//! Those who ask over TCP: this user, another user of the machine, another host, a proxy, a page in a browser.

use crate::harness::World;
use serde_json::{Value, json};
use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Sends each request of a list on a connection of its own, from a given address, and prints the answers.
const SCRIPT: &str = r#"
import encodings.idna, http.client, json, os, sys
host, port, source, user, requests = json.load(sys.stdin)
if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
answers = []
for method, path, headers, body in requests:
    c = http.client.HTTPConnection(host, port, timeout=60, source_address=(source, 0) if source else None)
    c.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    headers = {k.lower(): v for k, v in headers.items()}
    headers.setdefault("host", "%s:%d" % ("[%s]" % host if ":" in host else host, port))
    body = json.dumps(body).encode() if body is not None else b""
    if body: headers.setdefault("content-type", "application/json")
    headers["content-length"] = str(len(body))
    for name, value in headers.items(): c.putheader(name, value)
    c.endheaders(body)
    r = c.getresponse()
    text = r.read()
    try: text = json.loads(text)
    except ValueError: text = text.decode(errors="replace")
    answers.append([r.status, {k.lower(): v for k, v in r.getheaders()}, text])
    c.close()
json.dump(answers, sys.stdout)
"#;

/// Who asks.
#[derive(Clone, Default)]
pub struct Peer {
    /// Before the program that asks: how to come to be elsewhere.
    go_there: Vec<String>,
    /// As whom it asks; 0: as it is.
    user: u32,
    /// Where the monitor is reached. Default 127.0.0.1.
    host: Option<String>,
    source: String,
    headers: Vec<(String, String)>,
}

/// A request: method, path, body.
pub type Ask = (String, String, Option<Value>);

/// An answer: status, headers by their names in lower case, body.
pub struct Told {
    pub status: u16,
    pub headers: Value,
    pub body: Value,
}

impl Peer {
    /// The user who runs the tests.
    pub fn own() -> Self {
        Self::default()
    }

    /// Another user of this machine; `None` unless this is root.
    pub fn other_user() -> Option<Self> {
        if !is_root() {
            eprintln!("SKIPPED: only root may become another user");
            return None;
        }
        Some(Self { user: 4711, ..Self::default() })
    }

    /// The same, with a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same, from another address of this machine.
    pub fn from(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }

    /// What is answered to each of `asks`.
    pub fn ask(&self, world: &World, asks: &[Ask]) -> Vec<Told> {
        let headers: Value = self.headers.iter().cloned().map(|(k, v)| (k, Value::from(v))).collect();
        let requests: Vec<Value> =
            asks.iter().map(|(method, path, body)| json!([method, path, headers, body])).collect();
        let host = self.host.as_deref().unwrap_or("127.0.0.1");
        let input = json!([host, world.api_port(), self.source, self.user, requests]).to_string();
        let words: Vec<&str> =
            self.go_there.iter().map(String::as_str).chain(["python3", "-c", SCRIPT]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/");
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "the client failed");
        let answers: Vec<(u16, Value, Value)> = serde_json::from_slice(&output.stdout).unwrap();
        answers.into_iter().map(|(status, headers, body)| Told { status, headers, body }).collect()
    }

    /// What is answered to one request.
    pub fn ask_one(&self, world: &World, method: &str, path: &str, body: Option<Value>) -> Told {
        self.ask(world, &[(method.to_owned(), path.to_owned(), body)]).pop().unwrap()
    }
}

/// Whether an address is one of [`OtherHost`]'s.
pub fn is_of_a_cable(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [198, 18 | 19, ..])
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// Another host: a network namespace with a cable to this one. Taken down when dropped.
pub struct OtherHost {
    name: String,
    /// Our address on the cable.
    pub ours: String,
    /// Its address.
    pub its: String,
}

impl OtherHost {
    /// `None` where this user may not make one.
    pub fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id() % 10_000 * 4 + NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pmt{number}");
        // 198.18.0.0/15 is for tests like this (RFC 2544); four addresses for each.
        let net = number % 16_384 * 4;
        let address = |last: u32| format!("198.18.{}.{}", (net + last) / 256, (net + last) % 256);
        let host = Self { name, ours: address(1), its: address(2) };
        let (cable, end) = (format!("{}a", host.name), format!("{}b", host.name));
        let made = ip(&format!("netns add {}", host.name))
            && ip(&format!("link add {cable} type veth peer name {end} netns {}", host.name))
            && ip(&format!("addr add {}/30 dev {cable}", host.ours))
            && ip(&format!("link set {cable} up"))
            && ip(&format!("-n {} addr add {}/30 dev {end}", host.name, host.its))
            && ip(&format!("-n {} link set {end} up", host.name));
        if !made {
            eprintln!("SKIPPED: this user may not make a network namespace");
            return None;
        }
        Some(host)
    }

    /// Who asks from there.
    pub fn peer(&self) -> Peer {
        let words = ["ip", "netns", "exec", &self.name];
        let go_there = words.map(str::to_owned).to_vec();
        Peer { go_there, host: Some(self.ours.clone()), ..Peer::default() }
    }
}

impl Drop for OtherHost {
    fn drop(&mut self) {
        let _gone = ip(&format!("netns del {}", self.name));
    }
}

fn ip(words: &str) -> bool {
    let output = Command::new("ip").args(words.split(' ')).output();
    output.is_ok_and(|output| output.status.success())
}
