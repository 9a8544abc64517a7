//! The floors: a bare loop without a monitor.

use crate::stage::Stage;
use std::io;
use std::process::Child;
use std::time::{Duration, Instant};

/// One workload under a bare loop.
pub struct Bare<'a> {
    stage: &'a Stage,
    child: Child,
}

impl<'a> Bare<'a> {
    pub fn start(stage: &'a Stage) -> io::Result<Self> {
        let child = stage.spawn("bare")?;
        stage.next()?;
        Ok(Self { stage, child })
    }

    /// Kill, wait, spawn, until the replacement says that it runs.
    pub fn crash(&mut self) -> io::Result<Duration> {
        let begun = Instant::now();
        self.child.kill()?;
        self.child.wait()?;
        self.child = self.stage.spawn("bare")?;
        self.stage.next()?;
        Ok(begun.elapsed())
    }

    pub fn end(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

/// So many crashes, one after the other.
pub fn replacements(stage: &Stage, times: usize) -> io::Result<Vec<Duration>> {
    let mut bare = Bare::start(stage)?;
    let taken = (0..times).map(|_| bare.crash()).collect::<io::Result<Vec<_>>>()?;
    bare.end()?;
    Ok(taken)
}

/// `size` bare spawns until all run, and `size` kills and waits.
pub fn start_and_stop(stage: &Stage, size: usize) -> io::Result<(Duration, Duration)> {
    let begun = Instant::now();
    let mut children = (0..size).map(|n| stage.spawn(&n.to_string())).collect::<io::Result<Vec<_>>>()?;
    for _ in 0..size {
        stage.next()?;
    }
    let started = begun.elapsed();
    let begun = Instant::now();
    children.iter_mut().try_for_each(|child| child.kill())?;
    children.iter_mut().try_for_each(|child| child.wait().map(drop))?;
    Ok((started, begun.elapsed()))
}
