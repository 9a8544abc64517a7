//! The floors: a bare loop without a monitor.

use crate::stage::Stage;
use std::io;
use std::time::{Duration, Instant};

/// Kill, wait, spawn, until the replacement says that it runs.
pub fn replacements(stage: &Stage, times: usize) -> io::Result<Vec<Duration>> {
    let mut child = stage.spawn("bare")?;
    stage.next()?;
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = Instant::now();
        child.kill()?;
        child.wait()?;
        child = stage.spawn("bare")?;
        stage.next()?;
        taken.push(begun.elapsed());
    }
    child.kill()?;
    child.wait()?;
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
