//! The aliveness server's port: taken, kept, and tried again while somebody else has it. Without it
//! everything else goes on.

use super::Handle;
use super::handle::Facts;
use super::ports::{AGAIN, holder};
use super::serve::CUT_AFTER;
use super::succession::ALIVENESS;
use crate::http;
use crate::http::encryption::Encryption;
use crate::http::gate::Gate;
use crate::http::listen::Service;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How many connections may stand at the same time.
const CONNECTIONS: usize = 256;

/// Serves on `port` of loopback until `over` changes. Port 0: one that the system chooses. A listener that was
/// inherited is used if it has that port.
pub async fn serve(port: u16, handle: Handle, mut over: watch::Receiver<bool>) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let inherited = handle.succession().inherit_tcp(ALIVENESS, address);
    handle.succession().close_uninherited(ALIVENESS);
    let listener = match inherited.and_then(|listener| TcpListener::from_std(listener).ok()) {
        Some(listener) => listener,
        None => match bind(port, &mut over).await {
            Some(listener) => listener,
            None => return,
        },
    };
    let listener = Arc::new(listener);
    let _kept = handle.succession().keep(ALIVENESS, Arc::clone(&listener) as _);
    let bound = listener.local_addr().map_or(port, |address| address.port());
    tracing::info!("aliveness server: http://127.0.0.1:{bound}/alive");
    let facts: &Facts = handle.facts();
    facts.aliveness_port.store(bound, Ordering::Relaxed);
    let router = http::aliveness::router(handle.clone());
    let gate = Gate::new(CONNECTIONS, CONNECTIONS);
    let service = Service { router, gate, encryption: Encryption::default(), knows_users: false };
    http::listen::serve(listener, service, over).await.finish(CUT_AFTER).await;
}

/// Takes the port as soon as it is free; `None` when that is of no use any more.
async fn bind(port: u16, over: &mut watch::Receiver<bool>) -> Option<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(error) if !std::mem::replace(&mut told, true) => {
                let holder = holder(&error, port);
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
