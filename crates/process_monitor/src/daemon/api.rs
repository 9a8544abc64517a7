//! The API over TCP: listens where the settings say, follows them when they change, and tries again what is taken.
//! Without it everything else goes on: the command line uses the control socket.

use super::Handle;
use super::certificate::Certificate;
use super::ports::{AGAIN, holder};
use super::serve::CUT_AFTER;
use super::succession::{API, Kept, Succession};
use crate::http;
use crate::http::encryption::Encryption;
use crate::http::gate::Gate;
use crate::http::listen::{self, Farewell, Service};
use process_monitor_core::listening::{Endpoint, Endpoints, endpoints};
use process_monitor_core::registry::Registry;
use process_monitor_host::listen::{has_no_such_address, listen, own_addresses};
use process_monitor_host::tls::ServerTls;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How many connections may stand at the same time: of this machine's users, and as many of other hosts.
const CONNECTIONS: usize = 256;

/// How many of them may be one caller's.
const CONNECTIONS_OF_ONE: usize = 96;

/// How long requests under way may take when their listener is closed by a change of the settings.
const FINISH_WITHIN: Duration = Duration::from_secs(30);

/// Where the API listens now.
#[derive(Debug, Clone, Default)]
pub struct ApiFacts {
    /// Every address with its port.
    pub addresses: Vec<SocketAddr>,
    /// What TLS is spoken with.
    pub tls: Option<ServerTls>,
    /// What does not work, in words.
    pub trouble: Vec<String>,
}

impl ApiFacts {
    /// For people: where to reach it, and by what its certificate is known.
    fn shown(&self) -> String {
        if self.addresses.is_empty() {
            return "closed".to_owned();
        }
        let url = |at: &SocketAddr| {
            let scheme = if self.tls.is_some() && !at.ip().is_loopback() { "https" } else { "http" };
            format!("{scheme}://{at}")
        };
        let certificate = self.tls.as_ref().map(|tls| format!("certificate {}", tls.fingerprint()));
        self.addresses.iter().map(url).chain(certificate).collect::<Vec<_>>().join(" ")
    }
}

/// Serves the API on `port`, or the one that the settings name, until `over` changes.
pub async fn serve(port: Option<u16>, handle: Handle, mut over: watch::Receiver<bool>) {
    let service = Service {
        router: http::router(handle.clone()),
        gate: Gate::new(CONNECTIONS, CONNECTIONS_OF_ONE),
        encryption: Encryption::default(),
        knows_users: true,
    };
    let mut changes = handle.settings_changes();
    let mut api = Api::new(port, handle, service);
    loop {
        api.follow_settings().await;
        api.handle.succession().close_uninherited(API);
        let troubled = !api.facts.trouble.is_empty();
        tokio::select! {
            _ = over.changed() => break,
            Ok(()) = changes.changed() => {}
            () = tokio::time::sleep(AGAIN), if troubled => {}
        }
        while api.farewells.try_join_next().is_some() {}
    }
    api.finish().await;
}

struct Api {
    /// Wins over the settings.
    port: Option<u16>,
    handle: Handle,
    /// The port that is or was listened on last; 0 before the first.
    chosen: u16,
    service: Service,
    certificate: Certificate,
    open: Vec<Open>,
    facts: ApiFacts,
    farewells: JoinSet<()>,
}

/// One address that is listened on.
struct Open {
    endpoint: Endpoint,
    at: SocketAddr,
    /// For the monitor that follows in this process.
    _kept: Kept,
    close: watch::Sender<bool>,
    serving: JoinHandle<Farewell>,
}

impl Api {
    fn new(port: Option<u16>, handle: Handle, service: Service) -> Self {
        let (open, facts, farewells) = (Vec::new(), ApiFacts::default(), JoinSet::new());
        let certificate = Certificate::default();
        Self { port, handle, chosen: 0, service, certificate, open, facts, farewells }
    }

    async fn follow_settings(&mut self) {
        let settings = self.handle.settings();
        let mut remote = settings.remote_access.clone();
        let tls = self.certificate.follow(&remote, &self.handle.facts().layout).await;
        remote.start_remote_access &= tls.is_ok();
        let Endpoints { addresses, trouble } = endpoints(&remote, &own());
        let mut facts = ApiFacts {
            trouble: trouble.into_iter().chain(tls.as_ref().err().cloned()).collect(),
            ..ApiFacts::default()
        };
        facts.tls = tls.ok().flatten();
        // At no moment is somebody served without TLS who must not be.
        if facts.tls.is_some() {
            self.service.encryption.set(facts.tls.clone());
        }
        self.close_all_but(&addresses, self.wanted_port(&settings)).await;
        self.service.encryption.set(facts.tls.clone());
        for endpoint in addresses {
            if !self.open.iter().any(|open| open.endpoint == endpoint)
                && let Err(why) = self.open(endpoint, &settings)
            {
                facts.trouble.extend(why);
            }
        }
        facts.addresses = self.open.iter().map(|open| open.at).collect();
        self.tell(facts);
    }

    /// Port 0 is one that the system chooses, once.
    fn wanted_port(&self, settings: &Registry) -> u16 {
        let wanted = self.port.unwrap_or_else(|| settings.api_port());
        if wanted == 0 { self.chosen } else { wanted }
    }

    async fn close_all_but(&mut self, wanted: &[Endpoint], port: u16) {
        let stays = |open: &Open| wanted.contains(&open.endpoint) && open.at.port() == port;
        let (stay, leave) = std::mem::take(&mut self.open).into_iter().partition(stays);
        self.open = stay;
        // One after the other, and before any is opened: the new ones may need their ports.
        for open in leave {
            if let Some(farewell) = open.close().await {
                self.farewells.spawn(farewell.finish(FINISH_WITHIN));
            }
        }
    }

    /// `Err(None)`: there is no such address, and that is no trouble.
    fn open(&mut self, endpoint: Endpoint, settings: &Registry) -> Result<(), Option<String>> {
        let address = SocketAddr::new(endpoint.address, self.wanted_port(settings));
        match bind(address, self.handle.succession()) {
            Ok((listener, at)) => {
                let listener = Arc::new(listener);
                let _kept = self.handle.succession().keep(API, Arc::clone(&listener) as _);
                let (close, closed) = watch::channel(false);
                let serving = tokio::spawn(listen::serve(listener, self.service.clone(), closed));
                self.chosen = at.port();
                self.open.push(Open { endpoint, at, _kept, close, serving });
                Ok(())
            }
            Err(error) if endpoint.optional && has_no_such_address(&error) => Err(None),
            Err(error) => Err(Some(self.trouble(address, &error))),
        }
    }

    fn trouble(&self, address: SocketAddr, error: &io::Error) -> String {
        let holder = holder(error, address.port());
        let setting =
            if self.port.is_some() { "--api-port or TOM_PM_API_PORT" } else { "remoteAccess.remotePort" };
        format!(
            "cannot listen on {address} for the API: {error}{holder}; the command line works without it, and it is \
             tried again every {} s; choose another port with {setting}",
            AGAIN.as_secs()
        )
    }

    /// What is new goes to the log, and everything to readers.
    fn tell(&mut self, facts: ApiFacts) {
        for trouble in facts.trouble.iter().filter(|trouble| !self.facts.trouble.contains(trouble)) {
            tracing::error!("{trouble}");
        }
        if facts.shown() != self.facts.shown() {
            tracing::info!("API: {}", facts.shown());
            if facts.tls.is_none() && facts.addresses.iter().any(|at| !at.ip().is_loopback()) {
                tracing::warn!(
                    "other hosts are served without TLS, so that others may read along; set remoteAccess.tls"
                );
            }
        }
        self.handle.facts().api.store(facts.clone().into());
        self.facts = facts;
    }

    async fn finish(mut self) {
        for open in std::mem::take(&mut self.open) {
            if let Some(farewell) = open.close().await {
                self.farewells.spawn(farewell.finish(CUT_AFTER));
            }
        }
        let all = async { while self.farewells.join_next().await.is_some() {} };
        if tokio::time::timeout(CUT_AFTER, all).await.is_err() {
            tracing::debug!("some requests of the API were cut");
        }
    }
}

impl Open {
    /// Nobody listens any more when this returns.
    async fn close(self) -> Option<Farewell> {
        self.close.send_replace(true);
        self.serving.await.inspect_err(|error| tracing::error!(%error, "serving the API ended badly")).ok()
    }
}

/// The one place where the API's listeners come from.
fn bind(address: SocketAddr, succession: &Succession) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = match succession.inherit_tcp(API, address) {
        Some(inherited) => inherited,
        None => listen(address)?,
    };
    let listener = TcpListener::from_std(listener)?;
    let at = listener.local_addr()?;
    Ok((listener, at))
}

fn own() -> Vec<std::net::IpAddr> {
    own_addresses().unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot tell which addresses this machine has");
        Vec::new()
    })
}
