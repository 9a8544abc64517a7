//! What it costs others that a monitor replaces itself: a client that asks 100 times a second on new connections, 20
//! that listen to events, and programs that crash all the while. Nobody may be refused, and nobody may miss an event.

use crate::api::Ports;
use crate::monitor::{Monitor, run, signal};
use crate::stage::Stage;
use rustix::process::Signal;
use std::collections::HashMap;
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Between two requests.
const REQUESTS: Duration = Duration::from_millis(10);

/// Between two crashes.
const CRASHES: Duration = Duration::from_millis(5);

/// Between two changes of images.
const SWITCHES: Duration = Duration::from_millis(300);

const LISTENERS: usize = 20;

/// The process whose registration ends what listeners do.
const LAST: &str = "last";

/// Of each change of images.
#[derive(Default)]
pub struct Switches {
    /// How long the longest of the requests took.
    pub pauses: Vec<Duration>,
    /// How long the program that crashed at the worst moment was away, from the kill until its replacement ran.
    pub unnoticed: Vec<Duration>,
    /// How long `--restart` took, the rehearsal included.
    pub took: Vec<Duration>,
}

/// When something began, and how long it took.
type Span = (Instant, Duration);

/// Has `monitor` replace itself so many times.
pub fn measure(monitor: &mut Monitor<'_>, times: usize) -> io::Result<Switches> {
    let (ports, over) = (monitor.ports()?, AtomicBool::new(false));
    let Monitor { stage, directory, pids, .. } = monitor;
    thread::scope(|scope| {
        let asking = scope.spawn(|| ask(ports, &over));
        let crashing = scope.spawn(|| crash(stage, pids, &over));
        let listening: Vec<_> = (0..LISTENERS).map(|_| scope.spawn(move || listen(ports))).collect();
        let switched = switch(directory, times);
        over.store(true, Ordering::Relaxed);
        run(directory, &["add", "--name", LAST, "--", "true"])?;
        let panicked = |_| io::Error::other("a client panicked");
        for listener in listening {
            listener.join().map_err(panicked)??;
        }
        let (requests, crashes) = (asking.join().map_err(panicked)??, crashing.join().map_err(panicked)??);
        run(directory, &["remove", LAST])?;
        Ok(summary(&switched?, &requests, &crashes))
    })
}

fn switch(directory: &Path, times: usize) -> io::Result<Vec<Span>> {
    let mut switched = Vec::with_capacity(times);
    for _ in 0..times {
        thread::sleep(SWITCHES);
        let begun = Instant::now();
        run(directory, &["--restart"])?;
        switched.push((begun, begun.elapsed()));
    }
    thread::sleep(SWITCHES);
    Ok(switched)
}

fn ask(ports: Ports, over: &AtomicBool) -> io::Result<Vec<Span>> {
    let mut spans = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let mut answer = String::new();
        ports.open("/monitor/status", "")?.read_line(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(io::Error::other(format!("a request was answered {answer:?}")));
        }
        spans.push((begun, begun.elapsed()));
        thread::sleep(REQUESTS.saturating_sub(begun.elapsed()));
    }
    Ok(spans)
}

fn crash(stage: &Stage, pids: &mut HashMap<String, u32>, over: &AtomicBool) -> io::Result<Vec<Span>> {
    let names: Vec<String> = pids.keys().cloned().collect();
    let mut spans = Vec::new();
    for name in names.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let begun = Instant::now();
        signal(pids.get(name).copied().unwrap_or_default(), Signal::KILL)?;
        let (name, pid) = stage.next()?;
        spans.push((begun, begun.elapsed()));
        pids.insert(name, pid);
        thread::sleep(CRASHES);
    }
    Ok(spans)
}

/// Listens until the last event, and finds every number after the one before.
fn listen(ports: Ports) -> io::Result<()> {
    let (mut last, mut header) = (None::<(String, u64)>, String::new());
    loop {
        for line in ports.open("/events", &header)?.lines() {
            // An end of the stream in the middle of an event, too, is one after which it is asked for again.
            let Ok(line) = line else { break };
            if line.starts_with("data:") && line.contains(&format!("\"process\":\"{LAST}\"")) {
                return Ok(());
            }
            let Some(id) = line.strip_prefix("id:").map(str::trim) else { continue };
            let (epoch, number) = id.split_once('-').ok_or_else(|| io::Error::other("an odd event id"))?;
            let now = (epoch.to_owned(), number.parse().map_err(io::Error::other)?);
            if last.as_ref().is_some_and(|(epoch, number)| (epoch, number + 1) != (&now.0, now.1)) {
                return Err(io::Error::other(format!("events are missing between {last:?} and {now:?}")));
            }
            header = format!("Last-Event-ID: {id}\r\n");
            last = Some(now);
        }
    }
}

/// The worst of each change of images: of what was under way at some moment of it.
fn summary(switched: &[Span], requests: &[Span], crashes: &[Span]) -> Switches {
    let worst = |spans: &[Span], (begun, took): Span| {
        let touches = |span: &&Span| span.0 <= begun + took && span.0 + span.1 >= begun;
        spans.iter().filter(touches).map(|span| span.1).max().unwrap_or_default()
    };
    let mut switches = Switches::default();
    for span in switched {
        switches.pauses.push(worst(requests, *span));
        switches.unnoticed.push(worst(crashes, *span));
        switches.took.push(span.1);
    }
    switches
}
