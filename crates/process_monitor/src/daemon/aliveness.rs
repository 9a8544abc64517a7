//! The aliveness server's port: taken, kept, and tried again while somebody else has it. Without it
//! everything else goes on.

use super::Handle;
use super::handle::Facts;
use crate::http;
use process_monitor_host::survey;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// From one try for a port that is taken to the next.
const AGAIN: Duration = Duration::from_secs(10);

/// Serves on `port` of loopback until `over` changes. Port 0: one that the system chooses.
pub async fn serve(port: u16, handle: Handle, mut over: watch::Receiver<bool>) {
    let Some(listener) = bind(port, &mut over).await else { return };
    let bound = listener.local_addr().map_or(port, |address| address.port());
    tracing::info!("aliveness server: http://127.0.0.1:{bound}/alive");
    let facts: &Facts = handle.facts();
    facts.aliveness_port.store(bound, Ordering::Relaxed);
    http::listen::serve(listener, http::aliveness::router(handle.clone()), over).await;
}

/// Takes the port as soon as it is free; `None` when that is of no use any more.
async fn bind(port: u16, over: &mut watch::Receiver<bool>) -> Option<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(error) if !std::mem::replace(&mut told, true) => {
                let holder = if error.kind() == ErrorKind::AddrInUse { holder(port) } else { String::new() };
                tracing::error!(
                    "cannot listen on {address} for the aliveness server: {error}{holder}; supervision goes on without \
                     it, and it is tried again every {} s; choose another port with --aliveness-port, \
                     TOM_PM_ALIVENESS_PORT, or alivenessServer.port in the registry",
                    AGAIN.as_secs()
                );
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            _ = over.changed() => return None,
        }
    }
}

fn holder(port: u16) -> String {
    match survey::listener_on(port) {
        Some(survey::Listener { pid: Some(pid), name, .. }) => format!(" (held by {name}, pid {pid})"),
        Some(survey::Listener { uid, .. }) => {
            format!(" (held by a program of user id {uid}; `ss -ltnp` as root tells which)")
        }
        None => String::new(),
    }
}
