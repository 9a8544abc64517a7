//! Whether a process monitor answers at an address.

use super::Found;
use crate::api::{ErrorBody, MonitorStatus};
use crate::call::Call;
use crate::error::find;
use crate::transport::{Failed, Reply, Transport, Trust, Untrusted};
use crate::{Error, Url};
use std::net::SocketAddr;
use std::time::Duration;

/// How long an address may take to take a connection: machines of one network take a thousandth of it.
const CONNECT_WAIT: Duration = Duration::from_millis(500);

/// How long its answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// No monitor says more of itself.
const LONGEST_ANSWER: usize = 64 << 10;

/// What is at an address.
pub(super) enum Seen {
    /// Nobody takes a connection, or what does says nothing.
    Nobody,
    /// Something that is no monitor, or a monitor that cannot be used: in words.
    Other(String),
    /// A process monitor.
    Monitor(Found),
}

/// Looks at `address`, without TLS and then with it. Shows no token: who is there is not known.
pub(super) async fn at(address: SocketAddr, trust: Trust) -> Seen {
    match once(address, false, &trust).await {
        Seen::Other(plain) => match once(address, true, &trust).await {
            Seen::Other(secured) => Seen::Other(if secured.is_empty() { plain } else { secured }),
            Seen::Nobody => Seen::Other(plain),
            found => found,
        },
        seen => seen,
    }
}

async fn once(address: SocketAddr, tls: bool, trust: &Trust) -> Seen {
    match ask(address, tls, trust).await {
        Ok(seen) => seen,
        Err(error) => Seen::Other(format!("{address}: {error}")),
    }
}

async fn ask(address: SocketAddr, tls: bool, trust: &Trust) -> Result<Seen, Error> {
    let url = Url::of(address, tls)?;
    let transport = Transport::remote(url.clone(), trust, None, CONNECT_WAIT)?;
    let call = Call::get("/monitor/status");
    let exchange = transport.exchange(&call, LONGEST_ANSWER);
    Ok(match tokio::time::timeout(CONNECT_WAIT + ANSWER_WAIT, exchange).await {
        Ok(Ok(reply)) => judge(url, address, &reply),
        Ok(Err(Failed::NotMade(why))) => match find::<Untrusted>(why.as_ref()) {
            Some(untrusted) => Seen::Other(format!(
                "{url} speaks TLS with a certificate that is not trusted ({}); pin it if it is the right one: {}",
                untrusted.why, untrusted.found
            )),
            // Not TLS: what was seen without it counts.
            None if tls => Seen::Other(String::new()),
            None => Seen::Nobody,
        },
        Ok(Err(Failed::Broken(_))) => {
            Seen::Other(format!("{address} is no process monitor: it does not speak HTTP"))
        }
        Err(_) => Seen::Other(format!("{address} takes connections and does not answer")),
    })
}

/// What answers like a monitor is one: any HTTP server may be on these ports.
fn judge(url: Url, address: SocketAddr, reply: &Reply) -> Seen {
    if reply.status.is_success()
        && let Ok(status) = serde_json::from_slice::<MonitorStatus>(&reply.body)
    {
        let MonitorStatus { instance_id: instance, pid, version, started_at, .. } = status;
        return Seen::Monitor(Found { url, instance, pid, version, started_at });
    }
    match serde_json::from_slice::<ErrorBody>(&reply.body) {
        Ok(body) => Seen::Other(format!("{url} refuses: {}", body.error)),
        Err(_) => Seen::Other(format!("{address} is no process monitor, but some other HTTP server")),
    }
}
