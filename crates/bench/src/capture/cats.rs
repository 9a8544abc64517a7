//! The floor of output: from each writer's pipe a `cat` to a file.

use super::writer::Gate;
use super::{BETWEEN_CRASHES, Copied, meanwhile};
use crate::floor::Bare;
use crate::monitor::run_time;
use crate::plan::Output;
use crate::stage::Stage;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Writers that wait, and their `cat`s.
pub struct Cats {
    folder: PathBuf,
    gate: Gate,
    writers: Vec<Child>,
    cats: Vec<Child>,
}

impl Cats {
    pub fn launch(stage: &Stage, output: Output) -> io::Result<Self> {
        let folder = stage.folder().join("cats");
        fs::create_dir(&folder)?;
        let mut cats = Self { folder, gate: Gate::closed(stage)?, writers: Vec::new(), cats: Vec::new() };
        for nth in 0..output.writers {
            let mut writer = Command::new(stage.executable());
            writer.args(cats.gate.arguments(stage, nth, output)).stdin(Stdio::null()).stdout(Stdio::piped());
            let mut writer = writer.spawn()?;
            let pipe = writer.stdout.take().ok_or_else(|| io::Error::other("the writer has no pipe"))?;
            let file = File::create(cats.folder.join(nth.to_string()))?;
            cats.cats.push(Command::new("cat").stdin(pipe).stdout(file).spawn()?);
            cats.writers.push(writer);
            stage.next()?;
        }
        Ok(cats)
    }

    /// Copies everything while another process crashes, which a bare loop starts again.
    pub fn copy(mut self, stage: &Stage) -> io::Result<Copied> {
        let mut bare = Bare::start(stage)?;
        let crash = || {
            thread::sleep(BETWEEN_CRASHES);
            bare.crash()
        };
        let copied = meanwhile(crash, || {
            let begun = Instant::now();
            self.gate.open()?;
            let cpu = self.cats.iter().map(end).collect::<io::Result<Vec<_>>>()?;
            Ok(Copied { taken: begun.elapsed(), cpu, meanwhile: Vec::new() })
        })?;
        bare.end()?;
        self.writers.iter_mut().chain(&mut self.cats).try_for_each(|child| child.wait().map(drop))?;
        fs::remove_dir_all(&self.folder)?;
        Ok(copied)
    }
}

/// Waits for the end of `cat`, which stays a zombie, so that its CPU time can be read.
fn end(cat: &Child) -> io::Result<Duration> {
    let pid = i32::try_from(cat.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("cat has no pid"))?;
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    run_time(cat.id())
}
