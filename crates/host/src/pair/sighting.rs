//! Whether the monitor of an instance runs, or how its last life ended.

use super::farewell;
use super::launch::Launch;
use crate::layout::Layout;
use crate::lock::MonitorInfo;
use crate::process::{BootId, Identity};
use process_monitor_core::partner::{Farewell, Last, Life, Sighting};
use process_monitor_core::time::Wall;

/// Looks for the monitor of `layout`'s instance. Nothing but its own record proves that it is one; where there is
/// none, the process that somebody `named` as it may be.
pub fn look(layout: &Layout, named: Option<u32>) -> Sighting {
    let info = MonitorInfo::read(layout);
    match &info {
        Some(info) if info.is_running() => Sighting::Running { life: life(info), proven: true },
        _ => match named.and_then(of_our_user) {
            Some(identity) => Sighting::Running { life: unproven(identity), proven: false },
            None => Sighting::Gone(last(layout, info)),
        },
    }
}

/// The life that a monitor's record is about.
pub fn life(info: &MonitorInfo) -> Life {
    let Identity { pid, start_time } = info.identity;
    Life { pid, start_time, since: info.since }
}

/// The process of a life.
pub fn identity(life: &Life) -> Identity {
    Identity { pid: life.pid, start_time: life.start_time }
}

/// What the process of `life` left word of: before its end, or when it was started.
pub fn farewell_of(layout: &Layout, life: &Life) -> Option<Farewell> {
    let word = farewell::read(layout).filter(|word| word.owner.identity == identity(life));
    let alone = || Launch::read(layout, identity(life)).is_some_and(|launch| launch.standalone);
    word.map(|word| word.farewell).or_else(|| alone().then_some(Farewell::Alone))
}

fn last(layout: &Layout, info: Option<MonitorInfo>) -> Last {
    let boot = BootId::current().ok();
    match info.filter(|info| Some(&info.boot_id) == boot.as_ref()) {
        // A clean end takes the record away. One that failed to begin does so, too, but leaves no word.
        None if farewell::read(layout).is_some() => Last::Left,
        None => Last::None,
        Some(info) => match farewell_of(layout, &life(&info)) {
            Some(Farewell::Stop) => Last::Left,
            Some(Farewell::Alone) => Last::None,
            None => Last::Cut,
        },
    }
}

fn of_our_user(pid: u32) -> Option<Identity> {
    if !crate::process::environment::is_of_our_user(pid) {
        return None;
    }
    Identity::of(pid).ok().flatten()
}

fn unproven(identity: Identity) -> Life {
    Life { pid: identity.pid, start_time: identity.start_time, since: Wall::default() }
}
