//! A check by a program.

use super::ProbeError;
use crate::process::Process;
use crate::process::tree::{Reaper, TreeQuery};
use crate::sys::checks::{self, Printed};
use crate::sys::terms::CheckStart;
use process_monitor_core::exit::Exit;
use process_monitor_core::health::shown;
use process_monitor_core::id::{ProcessId, RunId};
use std::fmt;
use std::io::{self, PipeReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much of what it prints is kept.
const KEPT: usize = 4 * 1024;

/// How often is read in succession.
const READS: usize = 32;

/// How long its tree may take to die.
const KILL_WITHIN: Duration = Duration::from_secs(10);

/// Decides which file is executed.
pub type Vetting = Arc<dyn Fn() -> Result<PathBuf, String> + Send + Sync>;

/// A program that says by its exit code whether another is well.
#[derive(Clone)]
pub struct ExecTarget {
    /// Whose health it checks.
    pub process: ProcessId,
    /// A run id of its own, by which its tree is known.
    pub run: RunId,
    /// An executable, found as that of an entry is.
    pub command: String,
    /// Tells which file to execute instead of what `command` leads to, or why none. Asked at each check, where it
    /// may take its time.
    pub vetting: Option<Vetting>,
    /// Passed verbatim.
    pub args: Vec<String>,
    /// Where it runs; `None`: where the monitor does.
    pub working_directory: Option<PathBuf>,
    /// Added to the monitor's own.
    pub environment: Vec<(String, String)>,
}

/// Values of environment variables are secrets, arguments may be.
impl fmt::Debug for ExecTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecTarget")
            .field("process", &self.process)
            .field("run", &self.run)
            .field("command", &self.command)
            .field("args", &self.args.len())
            .finish_non_exhaustive()
    }
}

/// Runs it, and kills it with its tree when it takes longer than `timeout`. To be called on the thread of
/// the probes, which lives as long as the monitor: children of a thread that ends move to the main thread,
/// where the orphans are looked for.
pub(super) async fn check(
    target: &ExecTarget,
    timeout: Duration,
    reaper: &Arc<Reaper>,
) -> Result<(), ProbeError> {
    let file = tokio::time::timeout(timeout, file_of(target)).await;
    let file = file.map_err(|_| ProbeError::TimedOut(timeout))??;
    let (running, output) = Running::start(target, &file, reaper)?;
    let mut output = Output::new(output);
    let watching = async {
        let ended = tokio::select! {
            ended = running.ended() => ended,
            // It has closed its output, and goes on.
            () = output.until_closed() => running.ended().await,
        };
        output.take_what_is_there();
        ended
    };
    match tokio::time::timeout(timeout, watching).await {
        Ok(Ok(Exit::Code(0))) => Ok(()),
        Ok(Ok(exit)) => Err(ProbeError::Program { how: exit.to_string(), said: output.last_line() }),
        Ok(Err(error)) => Err(ProbeError::NotStarted(format!("its end cannot be seen: {error}"))),
        Err(_) => Err(ProbeError::TimedOut(timeout)),
    }
}

/// The file to execute.
async fn file_of(target: &ExecTarget) -> Result<PathBuf, ProbeError> {
    let Some(vetting) = target.vetting.clone() else { return Ok(PathBuf::from(&target.command)) };
    let vetted = tokio::task::spawn_blocking(move || vetting()).await;
    vetted.unwrap_or_else(|error| Err(error.to_string())).map_err(ProbeError::NotStarted)
}

/// Killed with its tree when dropped, so that nothing of it outlives its check.
struct Running {
    process: Arc<Process>,
    target: ExecTarget,
    reaper: Arc<Reaper>,
}

impl Running {
    fn start(
        target: &ExecTarget,
        file: &Path,
        reaper: &Arc<Reaper>,
    ) -> Result<(Self, PipeReader), ProbeError> {
        let failed = |error: io::Error| ProbeError::NotStarted(error.to_string());
        let (output, writer) = io::pipe().map_err(failed)?;
        let start = CheckStart {
            process: &target.process,
            run: &target.run,
            file,
            command: &target.command,
            args: &target.args,
            working_directory: target.working_directory.as_deref(),
            environment: &target.environment,
            output: &writer,
        };
        let process = Arc::new(checks::start(&start).map_err(failed)?);
        Ok((Self { process, target: target.clone(), reaper: Arc::clone(reaper) }, output))
    }

    async fn ended(&self) -> io::Result<Exit> {
        loop {
            Arc::clone(&self.process).ended().await?;
            if let Some(exit) = self.process.try_exit()? {
                return Ok(exit);
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (process, reaper) = (Arc::clone(&self.process), Arc::clone(&self.reaper));
        let run = self.target.run.clone();
        // It waits for the end of what it kills.
        let killing = move || {
            let query = TreeQuery {
                leader: process.identity(),
                process: Some(&process),
                main: None,
                run: &run,
                outputs: &[],
            };
            let outcome = reaper.kill_tree(&query, Instant::now() + KILL_WITHIN);
            match outcome {
                Ok(outcome) if outcome.survivors.is_empty() => {}
                Ok(outcome) => {
                    tracing::error!(survivors = ?outcome.survivors, "of a check these processes do not end")
                }
                Err(error) => tracing::warn!(%error, "cannot kill what a check left"),
            }
            if let Err(error) = process.try_exit() {
                tracing::warn!(%error, "cannot reap the program of a check");
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(killing)),
            Err(_) => killing(),
        }
    }
}

/// What it prints: read, so that it never waits for us, and the end of it kept.
struct Output {
    pipe: Option<Printed>,
    said: Vec<u8>,
}

impl Output {
    fn new(pipe: PipeReader) -> Self {
        let pipe =
            Printed::new(pipe).inspect_err(|error| tracing::warn!(%error, "cannot read what a check prints"));
        Self { pipe: pipe.ok(), said: Vec::new() }
    }

    async fn until_closed(&mut self) {
        while let Some(pipe) = &self.pipe {
            if pipe.readable().await.is_err() {
                return;
            }
            self.take_what_is_there();
            // One that prints without end must not keep other checks waiting.
            tokio::task::yield_now().await;
        }
    }

    fn take_what_is_there(&mut self) {
        let mut buffer = [0; KEPT];
        for _ in 0..READS {
            let Some(pipe) = &self.pipe else { return };
            match pipe.try_read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(read) => {
                    self.said.extend_from_slice(buffer.get(..read).unwrap_or_default());
                    let surplus = self.said.len().saturating_sub(KEPT);
                    self.said.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.said);
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        last.map(|line| format!(": {}", shown(line))).unwrap_or_default()
    }
}
