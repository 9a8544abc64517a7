//! The API over TCP: whose a connection is, the system tells. So no token is shown.

use crate::actor::ACT;
use crate::world::{PATIENCE, World, eventually, kill};
use crate::{Test, runtime};
use process_monitor_client::api::{LogQuery, ProcessStatus, Wait};
use process_monitor_client::{Client, Error, LogStream, Source, Trust};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{AlivenessCheck, ProcessEntry, ProcessState, StartupCheck};
use process_monitor_host::process::Identity;
use process_monitor_host::signals::hear_of_stop;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use tokio::runtime::Runtime;

pub const TESTS: &[Test] = &[
    ("api::a_program_from_its_registration_to_its_removal", from_registration_to_removal),
    ("api::a_page_from_elsewhere_changes_nothing", a_page_from_elsewhere_changes_nothing),
    ("api::the_monitor_ends_with_what_it_manages", ends_with_what_it_manages),
];

/// A client of this user, who has nothing but the port.
struct Api {
    port: u16,
    client: Client,
    runtime: Runtime,
}

impl Api {
    fn of(world: &World) -> Self {
        let mut port = None;
        eventually("the API listens", || {
            let status: Value = serde_json::from_str(&world.ok(["--status", "--json"])).unwrap();
            port = status["apiPort"].as_u64().and_then(|port| u16::try_from(port).ok());
            port.is_some()
        });
        let port = port.unwrap();
        let url = format!("http://127.0.0.1:{port}").parse().unwrap();
        let client = Client::remote(url, None, &Trust::System).unwrap();
        Self { port, client, runtime: runtime() }
    }

    /// What comes of a call, or of waiting for a line.
    fn answer_of<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> T {
        let answer = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await });
        answer.expect("in time").unwrap_or_else(|error| panic!("{error}: {}", error.advice("pm")))
    }

    fn status(&self) -> ProcessStatus {
        let (source, status) = self.answer_of(self.client.status(&web()));
        assert_eq!(source, Source::Monitor);
        status
    }

    fn list(&self) -> Vec<ProcessStatus> {
        self.answer_of(self.client.list()).1
    }

    /// The run that prints the next line, and that line.
    fn line(&self, logs: &mut LogStream) -> (String, String) {
        let line = self.answer_of(logs.next()).expect("it is followed");
        (line.run, String::from_utf8_lossy(&line.bytes).trim_end().to_owned())
    }

    /// The status and all of the answer to a request that has these headers, too.
    fn by_hand(&self, request: &str, headers: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "{request} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer.to_lowercase())
    }
}

fn web() -> ProcessId {
    ProcessId::new("web").unwrap()
}

/// A program that is ready when it hears of being stopped.
fn entry() -> ProcessEntry {
    let me = std::env::current_exe().unwrap();
    let mut entry = ProcessEntry::new(web(), me.to_str().unwrap());
    entry.args = [ACT, "obey"].map(str::to_owned).to_vec();
    let ready = StartupCheck { enabled: true, log_pattern: Some("^waiting".into()), ..Default::default() };
    let check = AlivenessCheck { enabled: Some(true), startup_check: Some(ready), ..Default::default() };
    entry.aliveness_check = Some(Box::new(check));
    entry
}

fn from_registration_to_removal() {
    let world = World::alone();
    let api = Api::of(&world);
    api.answer_of(api.client.register(entry()));
    assert_eq!((api.status().state, api.status().is_remote), (ProcessState::Stopped, false), "it is ours");
    assert_eq!(api.answer_of(api.client.start(&web(), Wait::Ready)), ProcessState::Running);
    let listed = api.list();
    assert_eq!(listed.len(), 1);
    let first = listed[0].pid.unwrap();
    assert_eq!(api.status().pid, Some(first));

    let mut logs = api.answer_of(api.client.logs(&web(), &LogQuery { follow: true, ..LogQuery::default() }));
    let (first_run, said) = api.line(&mut logs);
    assert_eq!(said, "waiting");
    kill(Identity::of(first).unwrap().expect("it runs"));
    let (second_run, said) = api.line(&mut logs);
    assert!(said == "waiting" && second_run != first_run, "{said} in {second_run} after {first_run}");
    eventually("it runs again", || api.status().state == ProcessState::Running);
    let second = api.status();
    assert_eq!((second.restart_attempts, second.pid == Some(first)), (1, false), "{second:?}");
    let running = Identity::of(second.pid.unwrap()).unwrap().expect("it runs");

    assert_eq!(api.answer_of(api.client.stop(&web())), ProcessState::Stopped);
    assert!(!running.is_alive().unwrap());
    if hear_of_stop() {
        assert_eq!(api.line(&mut logs), (second_run, "good bye".to_owned()));
    }
    api.answer_of(api.client.remove(&web()));
    assert_eq!(api.list(), []);
}

/// It is by the same user: by his browser.
fn a_page_from_elsewhere_changes_nothing() {
    let world = World::alone();
    world.run("web", "count");
    let api = Api::of(&world);
    let pid = api.status().pid;
    let host = format!("Host: 127.0.0.1:{}\r\n", api.port);
    let foreign = [
        format!("{host}Origin: https://evil.example\r\n"),
        format!("{host}Origin: null\r\n"),
        format!("{host}Sec-Fetch-Site: cross-site\r\n"),
        // It had its own name point here.
        "Host: evil.example\r\nOrigin: http://evil.example\r\n".to_owned(),
    ];
    for headers in foreign {
        for request in ["POST /processes/web/stop", "DELETE /processes/web", "POST /monitor/stop"] {
            let (status, answer) = api.by_hand(request, &headers);
            assert_eq!(status, 403, "{request} with {headers}: {answer}");
            assert!(!answer.contains("access-control-allow-origin"), "it may not read it: {answer}");
        }
    }
    assert_eq!((api.status().state, api.status().pid), (ProcessState::Running, pid), "it runs on");
    // The same without a page.
    assert_eq!(api.by_hand("POST /processes/web/stop", &host).0, 200);
    assert_eq!(api.status().state, ProcessState::Stopped);
}

fn ends_with_what_it_manages() {
    let world = World::alone();
    let api = Api::of(&world);
    api.answer_of(api.client.register(entry()));
    api.answer_of(api.client.start(&web(), Wait::Ready));
    let program = Identity::of(api.status().pid.unwrap()).unwrap().expect("it runs");
    api.answer_of(api.client.stop_monitor());
    eventually("it ends", || world.monitor("default").is_none());
    assert!(!program.is_alive().unwrap());
    assert!(TcpStream::connect(("127.0.0.1", api.port)).is_err(), "nobody listens");
}
