//! The client: which monitor, and by which way.

use crate::discover::{self, DiscoverOptions};
use crate::retry::Retry;
use crate::transport::{Transport, Trust};
use crate::{Error, Token, Url};
use process_monitor_core::id::InstanceId;
use process_monitor_host::layout::Layout;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long an address of a host may take to take a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Which monitor to talk to, and how. With a `directory` the one on this machine that works there, with a `url` the one
/// whose API is there, with neither the first that [`discover`](discover::first) finds.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// Where a monitor of this machine keeps its files; should be absolute.
    pub directory: Option<PathBuf>,
    /// Which one in that directory. Default `default`.
    pub instance: InstanceId,
    /// Where a monitor's API is.
    pub url: Option<Url>,
    /// What to show it. A token is sent to a monitor that was merely discovered only where nobody else can have put
    /// himself in its place: on this machine, or with TLS by a certificate that `trust` knows.
    pub token: Option<Token>,
    /// By what a monitor that speaks TLS is known. Default by the authorities that this machine trusts.
    pub trust: Trust,
    /// When calls are made again. Default after 2, 4, 8, 16 and 32 seconds.
    pub retry: Retry,
    /// Where to look when neither a directory nor a URL is given.
    pub discover: DiscoverOptions,
}

impl ConnectOptions {
    /// For the monitor of this machine that works in `directory`.
    pub fn directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()), ..Self::default() }
    }

    /// For the monitor whose API is at `url`.
    pub fn url(url: Url) -> Self {
        Self { url: Some(url), ..Self::default() }
    }
}

/// Talks to one monitor: one on this machine, by its control socket while it runs and on its registry file while it does
/// not; or one anywhere, by HTTP.
///
/// Every method decides anew, so that a client may outlive the monitor. Methods say in their errors whether they need a
/// running monitor ([`Error::NotRunning`]). Cheap to clone; clones share their connections. It belongs to the tokio
/// runtime in which it is first used, which needs IO and time enabled.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    place: Place,
    transport: Transport,
    retry: Retry,
}

/// Where a monitor is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// On this machine, with its files in reach.
    Here(Layout),
    /// Behind its API.
    There(Url),
}

impl Client {
    /// A client as `options` say. Looks for a monitor only when it has to be discovered.
    ///
    /// # Errors
    /// [`Error::Options`] when the options contradict each other or cannot be used, [`Error::DiscoveryFailed`] when no
    /// monitor is found.
    pub async fn connect(options: ConnectOptions) -> Result<Self, Error> {
        match (&options.directory, &options.url) {
            (Some(_), Some(_)) => {
                Err(Error::Options { what: "give either a directory or a URL, not both".to_owned() })
            }
            (Some(directory), None) => {
                Ok(Self::at_socket(Layout::new(directory, options.instance), options.retry))
            }
            (None, Some(url)) => Self::at_url(url.clone(), &options),
            (None, None) => {
                let found = discover::first(&DiscoverOptions {
                    trust: options.trust.clone(),
                    ..options.discover.clone()
                })
                .await?;
                may_know_the_token(&found.url, &options)?;
                Self::at_url(found.url, &options)
            }
        }
    }

    /// A client of `instance` in `directory`, which should be absolute; it tries each call once. Touches nothing.
    pub fn local(directory: impl Into<PathBuf>, instance: InstanceId) -> Self {
        Self::at_socket(Layout::new(directory, instance), Retry::never())
    }

    /// A client of the monitor whose API is at `url`, which is shown `token` and known by `trust`; it tries each call once.
    /// Asks nobody.
    ///
    /// # Errors
    /// [`Error::Options`] when the token or what is to be trusted cannot be used.
    pub fn remote(url: Url, token: Option<&Token>, trust: &Trust) -> Result<Self, Error> {
        let transport = Transport::remote(url.clone(), trust, token, CONNECT_WAIT)?;
        Ok(Self(Arc::new(Inner { place: Place::There(url), transport, retry: Retry::never() })))
    }

    fn at_socket(layout: Layout, retry: Retry) -> Self {
        let transport = Transport::socket(layout.control_socket());
        Self(Arc::new(Inner { place: Place::Here(layout), transport, retry }))
    }

    fn at_url(url: Url, options: &ConnectOptions) -> Result<Self, Error> {
        let transport = Transport::remote(url.clone(), &options.trust, options.token.as_ref(), CONNECT_WAIT)?;
        Ok(Self(Arc::new(Inner { place: Place::There(url), transport, retry: options.retry.clone() })))
    }

    /// Where the instance keeps its files, when they are in reach.
    pub fn layout(&self) -> Option<&Layout> {
        match &self.0.place {
            Place::Here(layout) => Some(layout),
            Place::There(_) => None,
        }
    }

    /// Where the monitor's API is, when it is asked over TCP.
    pub fn url(&self) -> Option<&Url> {
        match &self.0.place {
            Place::Here(_) => None,
            Place::There(url) => Some(url),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.0.place
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) fn retry(&self) -> &Retry {
        &self.0.retry
    }
}

/// Whoever answers first on a network could be anybody.
fn may_know_the_token(url: &Url, options: &ConnectOptions) -> Result<(), Error> {
    if options.token.is_none() || url.is_loopback() || url.is_tls() {
        return Ok(());
    }
    Err(Error::Options {
        what: format!(
            "the token is not sent to {url}, which was only discovered and does not speak TLS: name it as the URL if it is the right one"
        ),
    })
}

/// Where it talks to, and nothing of the token.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.place).finish()
    }
}
