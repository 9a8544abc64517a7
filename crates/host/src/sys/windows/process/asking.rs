//! Asking programs to end: by CTRL+BREAK where they have a console, and by closing their windows.
//!
//! Only who shares a program's console can send it CTRL+BREAK (`GenerateConsoleCtrlEvent`), and a process has one console at a time.
//! The monitor may have one of its own, to which it writes. So a helper does it, a process without a console that takes that of one
//! program after the other, and ends: this very executable, called by [`ARGUMENT`]. A thread starts it, so that nobody waits, and
//! gives it all that came together meanwhile.

use super::exit_watch::ExitWatch;
use super::handle::Process;
use super::job::Job;
use super::spawn::inheritance;
use super::windows;
use crate::process::identity::Identity;
use process_monitor_core::id::RunId;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;
use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_BREAK_EVENT, FreeConsole, GenerateConsoleCtrlEvent,
};
use windows_sys::Win32::System::Threading::DETACHED_PROCESS;

/// By which the helper is known; what follows says whom to ask.
pub const ARGUMENT: &str = "ask-to-end";

/// How many one helper asks: what it says of all of them has room in a pipe.
const BATCH: usize = 32;

/// How long a helper may take.
const TIME: Duration = Duration::from_secs(10);

/// Whom to ask.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who leads the group.
    pub leader: Identity,
    /// In whose job the others are.
    pub run: Option<RunId>,
}

/// How the helper is called before [`ARGUMENT`].
static HELPER: OnceLock<Vec<OsString>> = OnceLock::new();

/// Has another program be the helper, which passes its arguments on to [`serve`]. Before the first request.
pub fn set_helper(command: Vec<OsString>) {
    HELPER.get_or_init(|| command);
}

/// Has `request` carried out soon. What goes wrong then is logged.
///
/// # Errors
/// When there is no thread for it.
pub fn ask(request: Request) -> io::Result<()> {
    static QUEUE: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    let queue = match QUEUE.get() {
        Some(queue) => queue,
        None => {
            let (sender, receiver) = mpsc::channel();
            let serve = move || carry_out(&receiver);
            thread::Builder::new().name("ask-to-end".into()).spawn(serve)?;
            // Another thread may have been faster; then this queue's thread ends.
            QUEUE.get_or_init(|| sender)
        }
    };
    queue.send(request).map_err(|_| io::Error::other("the thread that asks programs to end is gone"))
}

fn carry_out(requests: &mpsc::Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        let batch: Vec<Request> = std::iter::once(first).chain(requests.try_iter().take(BATCH - 1)).collect();
        match helper(&batch).and_then(outcome) {
            Ok(said) => said.lines().for_each(|line| tracing::warn!("{line}")),
            Err(error) => {
                tracing::error!(%error, "cannot ask programs to end; they are killed when their time is over")
            }
        }
    }
}

fn helper(batch: &[Request]) -> io::Result<Child> {
    let mut words = match HELPER.get() {
        Some(command) => command.clone(),
        None => vec![std::env::current_exe()?.into_os_string()],
    };
    words.push(ARGUMENT.into());
    words.extend(batch.iter().map(|request| request.to_argument().into()));
    let (program, args) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(args).creation_flags(DETACHED_PROCESS);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    inheritance::alone(|| command.spawn())
}

/// What it has said when it is over.
fn outcome(mut helper: Child) -> io::Result<String> {
    if !ExitWatch::of_child(helper.id())?.wait(Some(TIME))? {
        helper.kill()?;
    }
    let mut said = String::new();
    if let Some(mut errors) = helper.stderr.take() {
        errors.read_to_string(&mut said)?;
    }
    match helper.wait()? {
        ended if ended.success() => Ok(said),
        ended => Err(io::Error::other(format!("the helper ended with {ended}: {}", said.trim()))),
    }
}

impl Request {
    fn to_argument(&self) -> String {
        let run = self.run.as_ref().map(|run| format!(":{run}")).unwrap_or_default();
        format!("{}:{}{run}", self.leader.pid, self.leader.start_time)
    }

    fn from_argument(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let leader = Identity { pid: parts.next()?.parse().ok()?, start_time: parts.next()?.parse().ok()? };
        let run = parts.next().map(RunId::new).transpose().ok()?;
        Some(Self { leader, run })
    }
}

/// Is the helper if `args` (without the program's name) say so, and gives its exit code: a program that uses this crate calls it first.
pub fn serve(args: impl IntoIterator<Item = OsString>) -> Option<i32> {
    let mut args = args.into_iter();
    if args.next()? != ARGUMENT {
        return None;
    }
    for arg in args {
        let Some(request) = arg.to_str().and_then(Request::from_argument) else { return Some(2) };
        match request.carry_out() {
            Ok(true) => {}
            Ok(false) => eprintln!(
                "{} has neither a console nor a window, so nobody can ask it to end",
                request.leader
            ),
            Err(error) => eprintln!("cannot ask {} to end: {error}", request.leader),
        }
    }
    Some(0)
}

impl Request {
    /// `false` when there is no way to ask.
    fn carry_out(&self) -> io::Result<bool> {
        // Held, so that its number is its own meanwhile.
        let leader = Process::hold(&self.leader)?;
        let job = self.run.as_ref().map(Job::open).transpose()?.flatten();
        let mut pids: Vec<u32> = leader.iter().map(|leader| leader.identity().pid).collect();
        pids.extend(job.iter().map(Job::pids).collect::<io::Result<Vec<_>>>()?.into_iter().flatten());
        if pids.is_empty() {
            return Ok(true);
        }
        // Each way is tried, whatever became of the other.
        match (self.send_break(&pids), windows::close_those_of(&pids)) {
            (Ok(by_console), Ok(by_window)) => Ok(by_console || by_window),
            // A service has no desktop on which there are windows.
            (Ok(true), Err(_)) | (Err(_), Ok(true)) => Ok(true),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// By the console of the first of `pids` that has one: whoever left the leader's is not of its group.
    fn send_break(&self, pids: &[u32]) -> io::Result<bool> {
        for pid in pids {
            // SAFETY: plain calls without pointers. This process has no console of its own, and never more than one.
            let sent = unsafe {
                if AttachConsole(*pid) == 0 {
                    continue;
                }
                let sent = GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, self.leader.pid);
                let error = io::Error::last_os_error();
                FreeConsole();
                if sent == 0 { Err(error) } else { Ok(true) }
            };
            return sent;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_arrives() {
        let leader = Identity { pid: 4, start_time: u64::MAX };
        for run in [None, Some(RunId::new("web-1.x").unwrap())] {
            let request = Request { leader, run };
            let arrived = Request::from_argument(&request.to_argument()).unwrap();
            assert_eq!((arrived.leader, arrived.run), (request.leader, request.run));
        }
        for bad in ["", "4", "4:", "x:1", "4:1:", "4:1:a b"] {
            assert!(Request::from_argument(bad).is_none(), "{bad}");
        }
        assert_eq!(serve(["--version".into()]), None);
        assert_eq!(serve([]), None);
        assert_eq!(serve([ARGUMENT.into(), "nonsense".into()]), Some(2));
    }
}
