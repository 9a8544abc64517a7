//! The main thread: serves the control socket and takes signals until supervision is over, or another monitor follows.

use super::Handle;
use super::events::EventHub;
use super::executor::Ending;
use super::succession::Estate;
use crate::http;
use process_monitor_host::control::ControlListener;
use process_monitor_host::handover::Bequest;
use process_monitor_host::signals::{self, Signals, Told};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// How long answers under way may take to leave once supervision is over.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// After this a connection is cut in any case.
pub const CUT_AFTER: Duration = Duration::from_secs(4);

/// How long requests under way may take once another monitor is to follow. Who is not served by then is told to ask
/// again.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// Between a signal's arrival and its being taken up by the task that waits for it.
const SIGNAL_TAKEN: Duration = Duration::from_millis(1);

/// How it ends.
pub enum End {
    /// Everything is down.
    ShutDown,
    /// Another monitor follows, and gets this.
    Followed(Bequest),
}

/// Tasks that serve elsewhere.
pub struct Others {
    /// Tells them, by a change or by being dropped, that it is over: what is under way is finished, nothing else taken.
    pub over: watch::Sender<bool>,
    /// Their ends.
    pub tasks: JoinSet<()>,
}

/// How supervision ended, and what is left of it.
pub(super) type Ended = io::Result<(Ending, Estate)>;

/// Serves until `ended` tells how supervision ended.
///
/// # Errors
/// When signals cannot be taken, or supervision itself failed.
pub async fn serve(
    listener: Arc<ControlListener>,
    handle: Handle,
    mut ended: oneshot::Receiver<Ended>,
    others: Others,
) -> io::Result<End> {
    let mut servers = Servers::start(listener, &handle, others);
    let taking = tokio::spawn(take_signals(handle.clone())?);
    signals::let_through()?;
    let mut bequest = None;
    let result = tokio::select! {
        result = &mut ended => result,
        () = handle.succession().begun() => {
            bequest = Some(handle.succession().bequest());
            handle.facts().manager.reloading();
            // Supervision goes on, so that commands under way are carried out.
            servers.stop_accepting();
            servers.wait(LAST_REQUESTS).await;
            handle.end_supervision();
            ended.await
        }
    };
    servers.stop_accepting();
    servers.wait(LAST_ANSWERS).await;
    let silent = || Err(io::Error::other("the supervising thread ended without a word"));
    let (ending, estate) = result.unwrap_or_else(|_| silent())?;
    let followed = bequest.filter(|_| ending == Ending::Restart);
    let end = match followed {
        None => End::ShutDown,
        Some(mut bequest) => {
            estate.add_to(handle.events().log(), &mut bequest);
            pass_on_signals(&handle).await?;
            End::Followed(bequest)
        }
    };
    taking.abort();
    Ok(end)
}

/// From here on signals wait for the monitor that follows, and so does one that was taken, but too late to be obeyed.
async fn pass_on_signals(handle: &Handle) -> io::Result<()> {
    signals::hold_back()?;
    tokio::time::sleep(SIGNAL_TAKEN).await;
    if handle.is_stopping() { signals::pass_on_stop() } else { Ok(()) }
}

/// Whoever serves.
struct Servers {
    events: EventHub,
    over: Option<watch::Sender<bool>>,
    tasks: JoinSet<()>,
}

impl Servers {
    fn start(listener: Arc<ControlListener>, handle: &Handle, others: Others) -> Self {
        let router = http::router(handle.clone()).merge(http::partner::router(handle.clone()));
        let Others { over, mut tasks } = others;
        let is_over = over.subscribe();
        tasks.spawn(async move {
            http::listen::serve_control(listener, router, is_over).await.finish(CUT_AFTER).await;
        });
        Self { events: handle.events().clone(), over: Some(over), tasks }
    }

    /// What is under way is finished, nothing else taken. Streams have no end of their own, so it is made.
    fn stop_accepting(&mut self) {
        self.events.close();
        drop(self.over.take());
    }

    /// Waits until everything is finished, at most so long.
    async fn wait(&mut self, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        while !self.tasks.is_empty() {
            match timeout_at(deadline, self.tasks.join_next()).await {
                Ok(Some(Err(error))) => tracing::error!(%error, "a server ended badly"),
                Ok(_) => {}
                Err(_) => return tracing::debug!("some connections are still open"),
            }
        }
    }
}

fn take_signals(handle: Handle) -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::take()?;
    Ok(async move {
        // Orphans may have ended before anybody was told.
        handle.child_ended();
        loop {
            match signals.next().await {
                Told::Stop => handle.shut_down(),
                Told::TerminalClosed => tracing::info!("{}", signals::TERMINAL_CLOSED),
                Told::ChildEnded => handle.child_ended(),
            }
        }
    })
}
