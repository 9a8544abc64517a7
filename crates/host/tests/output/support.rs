//! An instance in a temporary directory, with loggers that are this very test executable.

use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::StopSignal;
use process_monitor_core::time::Wall;
use process_monitor_host::layout::Layout;
use process_monitor_host::output::Stream;
use process_monitor_host::output::link::{LoggerEvent, LoggerLink, LoggerProgram};
use process_monitor_host::output::logger;
use process_monitor_host::output::protocol::{Attach, Limits};
use process_monitor_host::output::run::{CapturedOutput, OutputHold, make_folder};
use process_monitor_host::process::{Identity, Process};
use process_monitor_host::stock::Stock;
use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How many times less is printed where it goes through an emulator of the system (wine), to which each write is a call of
/// another process.
pub const LESS: u64 = if cfg!(windows) { 10 } else { 1 };

/// Long enough for a loaded machine, and for one that is emulated on it.
pub const DEADLINE: Duration = Duration::from_secs(if cfg!(windows) { 180 } else { 60 });

/// Not a test: the logger process of the others, which start it with its settings as further
/// "filters". Without them it does nothing.
#[test]
fn logger_process() {
    let setting = |name: &str| std::env::args().find_map(|arg| arg.strip_prefix(name).map(str::to_owned));
    let Some(directory) = setting("directory=") else { return };
    #[cfg(unix)]
    if let Some(most) = setting("nofile=") {
        let limit = most.parse().ok();
        let limit = rustix::process::Rlimit { current: limit, maximum: limit };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    }
    #[cfg(feature = "failpoints")]
    if let Some(point) = setting("failpoint=") {
        fail::cfg(point, "1*return").unwrap();
    }
    #[cfg(feature = "failpoints")]
    for (name, point, does) in [
        ("stages", "copier::moves", "return"),
        ("silent", "logger::reports", "return"),
        ("slow", "staging::after_read", "sleep(1000)"),
        ("late", "remember::before_line", "sleep(300)"),
    ] {
        if setting(name).is_some() {
            fail::cfg(point, does).unwrap();
        }
    }
    let result = logger::run(Layout::new(directory, Default::default()));
    std::process::exit(i32::from(result.is_err()));
}

pub struct Instance {
    pub layout: Layout,
    pub settings: Vec<String>,
    counter: AtomicU32,
    directory: tempfile::TempDir,
}

pub fn limits() -> Limits {
    Limits { max_file_bytes: 50 << 20, keep_files: 5, keep_runs: 10, timestamps: false }
}

impl Instance {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path(), Default::default());
        Self { layout, settings: Vec::new(), counter: AtomicU32::new(0), directory }
    }

    /// What there is of runs that are not over, or not seen to be over: FIFOs, and what the logger noted of them.
    pub fn files_of_runs(&self) -> Vec<OsString> {
        let names = std::fs::read_dir(self.layout.fifos()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| !name.to_string_lossy().ends_with(".spare")).collect()
    }

    pub fn program(&self) -> LoggerProgram {
        let mut args = vec!["support::logger_process".into(), "--exact".into()];
        args.push(format!("directory={}", self.directory.path().display()).into());
        args.extend(self.settings.iter().map(Into::into));
        LoggerProgram {
            program: std::env::current_exe().unwrap(),
            args,
            log: self.directory.path().join("logger.log"),
        }
    }

    pub fn connect(&self) -> Monitor<'_> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let (sender, events) = channel();
            let link = LoggerLink::connect(&self.layout, &self.program(), move |event| {
                let _ = sender.send(event);
            });
            match link {
                // A logger that an emulator of the system starts may be slower than a monitor's patience, which comes again.
                Err(error) if cfg!(windows) && Instant::now() < deadline => eprintln!("once more: {error}"),
                link => return Monitor { instance: self, link: Some(link.unwrap()), events },
            }
        }
    }

    /// A new run of `process`, in a second of its own.
    pub fn start(&self, process: &str, limits: Limits) -> Run {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let (process, run) =
            (ProcessId::new(process).unwrap(), RunId::new(&format!("run-{number}")).unwrap());
        let started = Wall::from_unix_millis(1_769_250_600_000 + i64::from(number) * 1000);
        let CapturedOutput { folder, stdout, stderr, hold } =
            CapturedOutput::create(&self.layout, &process, &run, (started, None), &Stock::none()).unwrap();
        make_folder(&folder).unwrap();
        let attach = Attach { run, process, folder, limits, identity: None };
        Run { attach, stdout: Some(stdout.into()), stderr: Some(stderr.into()), _hold: hold }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Whatever happened in the test, no logger is left. One that is not there is not started.
        let nobody = LoggerProgram { program: "/nonexistent".into(), ..self.program() };
        if let Ok(link) = LoggerLink::connect(&self.layout, &nobody, |_| {}) {
            kill(link.logger_pid());
        }
    }
}

/// Ends the process `pid` without asking it, and waits until it has ended.
pub fn kill(pid: u32) {
    let Some(identity) = Identity::of(pid).unwrap() else { return };
    let Some(process) = Process::adopt(&identity).unwrap() else { return };
    process.signal(StopSignal::Kill).unwrap();
    assert!(process.wait(Some(DEADLINE)).unwrap(), "{identity} does not end");
}

pub struct Run {
    pub attach: Attach,
    pub stdout: Option<File>,
    pub stderr: Option<File>,
    _hold: OutputHold,
}

impl Run {
    pub fn close(&mut self) {
        self.stdout = None;
        self.stderr = None;
    }

    pub fn file(&self, index: u32) -> PathBuf {
        Stream::Stdout.file(&self.attach.folder, index)
    }

    /// All of stdout, oldest file first.
    pub fn text(&self) -> Vec<u8> {
        loop {
            let files = files(&self.attach.folder, Stream::Stdout);
            match files.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>() {
                Ok(contents) => return contents.concat(),
                // A logger has renamed one since they were listed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The files of a stream, oldest first.
pub fn files(folder: &Path, stream: Stream) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut indexes: Vec<u32> = entries.filter_map(|e| stream.index_of(e.file_name().to_str()?)).collect();
    indexes.sort_by_key(|index| std::cmp::Reverse(*index));
    indexes.into_iter().map(|index| stream.file(folder, index)).collect()
}

pub struct Monitor<'a> {
    instance: &'a Instance,
    pub link: Option<LoggerLink>,
    pub events: Receiver<LoggerEvent>,
}

impl Monitor<'_> {
    pub fn link(&self) -> &LoggerLink {
        self.link.as_ref().unwrap()
    }

    pub fn attach(&self, run: &Run) {
        self.link().attach(run.attach.clone()).unwrap();
    }

    pub fn expect(&self, wanted: &LoggerEvent) {
        let mut seen = Vec::new();
        while seen.last() != Some(wanted) {
            let event = self.events.recv_timeout(DEADLINE);
            seen.push(event.unwrap_or_else(|_| panic!("{wanted:?} did not come, but {seen:?}")));
        }
    }

    pub fn expect_closed(&self, run: &Run) {
        self.expect(&LoggerEvent::Closed { run: run.attach.run.clone() });
    }

    /// Kills the logger with SIGKILL and starts another.
    pub fn kill_logger(&mut self) {
        kill(self.link().logger_pid());
        self.expect(&LoggerEvent::Gone);
        *self = self.instance.connect();
    }
}

/// Waits until `condition` holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
