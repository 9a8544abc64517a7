//! `--stop`: everything it manages, and then the monitor; with `--all` its partner, too.

use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::pair;
use process_monitor_client::{Client, Error};
use process_monitor_core::exit::Exit;
use process_monitor_host::layout::Layout;
use process_monitor_host::pair::farewell;
use process_monitor_host::process::{Identity, Process};
use serde_json::json;
use std::io;

/// How often both are looked at again: a start of one may have been under way while the other was stopped.
const ROUNDS: usize = 5;

/// A monitor that was stopped.
struct Stopped {
    layout: Layout,
    pid: u32,
    /// Why the registry is older than its end, if it is.
    unsaved: Option<String>,
}

pub async fn run(context: &Context) -> Result<(), Failure> {
    if context.flags.all {
        return both(context).await;
    }
    let Ok(layout) = context.layout() else { return elsewhere(context).await };
    let stopped = one(context, &context.client, layout).await?;
    check_saved(std::slice::from_ref(&stopped))?;
    let pid = stopped.pid;
    match context.json {
        true => console::print_json(&json!({ "success": true, "pid": pid })),
        false => console::print(&format!("The monitor (pid {pid}) and everything it managed is stopped.\n")),
    }
}

/// Of a monitor on another machine no more can be seen than what it says while it answers.
async fn elsewhere(context: &Context) -> Result<(), Failure> {
    let status = context.client.monitor_status().await?;
    let pid = status.pid;
    context.client.stop_monitor().await?;
    let running = context.client.monitor_gone(&status).await.running_process_count;
    if context.json {
        return console::print_json(&json!({ "success": true, "pid": pid, "lastSeenRunning": running }));
    }
    let seen = match running {
        0 => "when it last did, none of its processes ran any more".to_owned(),
        n => format!(
            "when it last did, {n} of its processes still ran; whether they ended can be seen there only"
        ),
    };
    console::print(&format!(
        "The monitor (pid {pid}) was told to stop, and does not answer any more: {seen}.\n"
    ))
}

/// Everything ended, but the next monitor will not know all of it.
fn check_saved(stopped: &[Stopped]) -> Result<(), Failure> {
    let Some((one, why)) = stopped.iter().find_map(|one| Some((one, one.unsaved.as_ref()?))) else {
        return Ok(());
    };
    let Stopped { layout, pid, .. } = one;
    let (instance, registry, logs) = (layout.instance(), layout.registry(), layout.logs());
    Err(Failure::failed(format!(
        "the monitor {instance} (pid {pid}) and everything it managed is stopped, but what it knew last could not be \
         saved: {why}"
    ))
    .advise(format!(
        "see whether {} is as you want it before you start the monitor again; its log is in {}",
        registry.display(),
        logs.display()
    )))
}

/// Each leaves word before it ends, so whichever is first, the other does not start it again.
async fn both(context: &Context) -> Result<(), Failure> {
    let own = context.layout()?;
    let partner = pair::settings(own).partner_discovery.partner_of(own.instance());
    let partner = partner.map(|partner| Layout::new(own.directory(), partner));
    let places: Vec<_> = std::iter::once(own.clone()).chain(partner).collect();
    let mut stopped: Vec<Stopped> = Vec::new();
    for _ in 0..ROUNDS {
        let before = stopped.len();
        for place in &places {
            let client = Client::local(place.directory(), place.instance().clone());
            match one(context, &client, place).await {
                Ok(one) => stopped.push(one),
                Err(Failure::Client(Error::NotRunning { .. })) => {}
                Err(failure) => return Err(failure),
            }
        }
        if stopped.len() == before {
            return report(context, own, &stopped);
        }
    }
    Err(Failure::failed("the monitors are there again, however often they are stopped")
        .advise("somebody else starts them: a service manager? Stop it there"))
}

fn report(context: &Context, own: &Layout, stopped: &[Stopped]) -> Result<(), Failure> {
    if stopped.is_empty() {
        let (directory, instance) = (own.directory(), own.instance());
        return Err(Error::NotRunning { directory: directory.to_owned(), instance: instance.clone() }.into());
    }
    check_saved(stopped)?;
    let named = stopped.iter().map(|one| (one.layout.instance(), one.pid));
    if context.json {
        let list: Vec<_> =
            named.map(|(instance, pid)| json!({ "instanceId": instance, "pid": pid })).collect();
        return console::print_json(&json!({ "success": true, "stopped": list }));
    }
    let lines = named.map(|(instance, pid)| {
        format!("The monitor {instance} (pid {pid}) and everything it managed is stopped.\n")
    });
    console::print(&lines.collect::<String>())
}

/// Stops the monitor of `layout`, which `client` reaches, and waits for its end; its pid. One that was cut off and is about to be
/// started again by its partner is kept from that.
async fn one(context: &Context, client: &Client, layout: &Layout) -> Result<Stopped, Failure> {
    let status = match client.monitor_status().await {
        Err(Error::NotRunning { .. }) => return not_running(layout),
        // What is left of one that was just killed may still take a connection.
        Err(Error::Interrupted { .. }) if pair::is_gone(layout) => return not_running(layout),
        status => status?,
    };
    let pid = status.pid;
    // Before it is asked: afterwards the pid may be another's.
    let monitor = hold(pid).map_err(|error| unknown_end(context, pid, &error))?;
    client.stop_monitor().await?;
    if let Some(monitor) = monitor {
        let waiting = tokio::task::spawn_blocking(move || end_of(&monitor));
        let ended = waiting.await.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
        let exit = ended.map_err(|error| unknown_end(context, pid, &error))?;
        if was_cut_off(layout, exit) {
            return Err(cut_off(context, pid, exit));
        }
    }
    Ok(Stopped { layout: layout.clone(), pid, unsaved: unsaved(layout, pid) })
}

/// What the monitor said of the registry in its farewell. It always leaves one, unless the disk takes nothing.
fn unsaved(layout: &Layout, pid: u32) -> Option<String> {
    match farewell::read(layout) {
        Some(word) => word.unsaved.filter(|_| word.owner.identity.pid == pid),
        // Another one is there already, and took it back.
        None if layout.monitor_info().exists() => None,
        None => Some("it could not even leave word of its end".to_owned()),
    }
}

fn not_running(layout: &Layout) -> Result<Stopped, Failure> {
    pair::keep_down(layout)?;
    let (directory, instance) = (layout.directory().to_owned(), layout.instance().clone());
    Err(Error::NotRunning { directory, instance }.into())
}

fn hold(pid: u32) -> io::Result<Option<Process>> {
    match Identity::of(pid)? {
        Some(identity) => Process::adopt(&identity),
        None => Ok(None),
    }
}

fn end_of(monitor: &Process) -> io::Result<Exit> {
    monitor.wait(None)?;
    Ok(monitor.try_exit()?.unwrap_or(Exit::Unknown))
}

/// Whether the monitor ended before all that it managed had. Where its exit cannot be told, the file
/// that a clean end removes tells.
fn was_cut_off(layout: &Layout, exit: Exit) -> bool {
    match exit {
        Exit::Code(code) => code != 0,
        Exit::Signal(_) => true,
        Exit::Unknown => layout.monitor_info().exists(),
    }
}

fn cut_off(context: &Context, pid: u32, exit: Exit) -> Failure {
    Failure::failed(format!(
        "the monitor (pid {pid}) ended with {exit} before everything was stopped; what it managed may still run"
    ))
    .advise(format!("start it again and stop it then: {0}; {0} --stop", context.invocation))
}

fn unknown_end(context: &Context, pid: u32, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot wait for the end of the monitor (pid {pid}): {error}"))
        .advise(format!("see whether it runs with: {} --status", context.invocation))
}
