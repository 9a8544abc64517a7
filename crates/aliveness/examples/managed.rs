//! A program to put under a monitor: it is healthy, unhealthy or hung as it is told.
//!
//! ```text
//! managed [PORT] [--delay-ms N]
//! ```
//!
//! `PORT` (or the variable of that name; default 0, a free one) is where it serves; it begins to after `--delay-ms` (or
//! `DELAY_MS`; default 0) milliseconds, and then prints `listening on 127.0.0.1:PORT` and tells the service manager. It
//! pings the service manager's watchdog if that asks for it.
//!
//! | request | from then on |
//! | --- | --- |
//! | `POST /hang` | the health callback hangs, the pings end |
//! | `POST /unhealthy` | `/health` answers 503, the pings end |
//! | `POST /healthy` | all is well again |
//! | `POST /stop` | the program ends, once this request is answered |

use aliveness::sd_notify::{self, Watchdog};
use aliveness::{Health, Method, Server, json};
use std::error::Error;
use std::io::Write;
use std::str::FromStr;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Mode {
    Healthy,
    Unhealthy,
    Hung,
}

/// How the program is, which the custom routes change.
struct Program {
    mode: Mutex<Mode>,
    changed: Condvar,
}

impl Program {
    fn become_(&self, mode: Mode) -> String {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
        self.changed.notify_all();
        format!("{mode:?}\n")
    }

    /// Hangs for as long as it was told to.
    fn health(&self) -> Health {
        let mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        let mode = self.changed.wait_while(mode, |mode| *mode == Mode::Hung);
        match *mode.unwrap_or_else(PoisonError::into_inner) {
            Mode::Healthy => Health::healthy(),
            Mode::Unhealthy | Mode::Hung => Health::unhealthy("told to be"),
        }
    }
}

struct Arguments {
    port: u16,
    delay: Duration,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut port = std::env::var("PORT").ok();
    let mut delay = std::env::var("DELAY_MS").ok();
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        if argument == "--delay-ms" {
            delay = Some(rest.next().ok_or("--delay-ms needs a number of milliseconds")?);
        } else {
            port = Some(argument);
        }
    }
    Ok(Arguments {
        port: number("the port", port)?,
        delay: Duration::from_millis(number("the delay", delay)?),
    })
}

fn number<N: FromStr + Default>(what: &str, text: Option<String>) -> Result<N, String> {
    let Some(text) = text else { return Ok(N::default()) };
    text.parse().map_err(|_| format!("{what} must be a number, and is {text:?}"))
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { port, delay } = arguments()?;
    std::thread::sleep(delay);
    let started = Instant::now();
    let program = Arc::new(Program { mode: Mutex::new(Mode::Healthy), changed: Condvar::new() });
    let asked = Arc::clone(&program);
    let mut server = Server::new()
        .port(port)
        .health(move || asked.health())
        .status(move || json!({ "uptimeMs": started.elapsed().as_millis() as u64 }));
    for (path, mode) in [("/healthy", Mode::Healthy), ("/unhealthy", Mode::Unhealthy), ("/hang", Mode::Hung)]
    {
        let program = Arc::clone(&program);
        server = server.route(Method::POST, path, move |_| program.become_(mode));
    }
    let (stop, stop_asked) = mpsc::channel();
    let server = server
        .route(Method::POST, "/stop", move |_| match stop.send(()) {
            Ok(()) => "Stopping\n",
            Err(_) => "Stopping already\n",
        })
        .start()?;
    let watchdog = Watchdog::start(server.probe())?;
    writeln!(std::io::stdout(), "listening on {}", server.address())?;
    sd_notify::ready()?;

    stop_asked.recv()?;
    sd_notify::stopping()?;
    server.stop();
    drop(watchdog);
    Ok(())
}
