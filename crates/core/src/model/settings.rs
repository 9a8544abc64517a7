//! What a registry says about the monitor itself.

use super::document::document;
use super::problem::{JsonPath, Problem, nested, no_nul};
use super::rule::Bounds;
use super::token::{Token, token_problems};
use crate::access::executable::pattern_problems;
use crate::access::{HostPattern, browser::origin_problems};
use crate::id::InstanceId;
use crate::listening::BindAddress;
use crate::reading::Document;

document! {
    /// `partnerDiscovery` (SPEC 3.1): where the partner of this instance is.
    #[derive(Debug, Eq)]
    pub struct PartnerDiscovery {
        /// The partner's instance. Default: `watcher`, or `default` for the watcher itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        partner_instance_id: Option<InstanceId> = None,
        /// Where its aliveness server listens. Default: the default port of the partner.
        #[serde(skip_serializing_if = "Option::is_none")]
        partner_aliveness_port: Option<u16> = None,
        /// Its status page. Default: `/status` on that port of this machine.
        #[serde(skip_serializing_if = "Option::is_none")]
        partner_status_url: Option<String> = None,
        /// Look for it when the monitor starts. Default true.
        discovery_on_startup: bool = true,
        /// Start it when it is not there. Default false.
        start_partner_if_missing: bool = false,
    }
}

document! {
    /// `alivenessServer` (SPEC 3.1): the port on which this monitor says that it lives.
    #[derive(Debug, Eq)]
    pub struct AlivenessServer {
        /// Whether it is served. Default true.
        enabled: bool = true,
        /// Default 5681, of the watcher 5682.
        #[serde(skip_serializing_if = "Option::is_none")]
        port: Option<u16> = None,
    }
}

document! {
    /// `watcherInfo` (SPEC 3.1): who watches this instance, as far as it is known.
    #[derive(Debug, Eq)]
    pub struct WatcherInfo {
        /// The watcher's process.
        #[serde(skip_serializing_if = "Option::is_none")]
        watcher_pid: Option<u32> = None,
        /// The watcher's instance.
        #[serde(skip_serializing_if = "Option::is_none")]
        watcher_instance_id: Option<InstanceId> = None,
        /// Where the watcher's aliveness server listens.
        #[serde(skip_serializing_if = "Option::is_none")]
        watcher_aliveness_port: Option<u16> = None,
    }
}

document! {
    /// `remoteAccess` (SPEC 3.2): who may do what over TCP.
    #[derive(Debug)]
    pub struct RemoteAccess {
        /// Listen for other hosts too, not on loopback alone. Default false.
        start_remote_access: bool = false,
        /// Where the API listens. Default 5679, of the watcher 5680.
        #[serde(skip_serializing_if = "Option::is_none")]
        remote_port: Option<u16> = None,
        /// Peers that may do everything. Default this machine by its three names.
        trusted_hosts: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec(),
        /// Other peers may register processes. Default true.
        allow_remote_register: bool = true,
        /// Other peers may remove remote processes. Default true.
        allow_remote_deregister: bool = true,
        /// Other peers may start remote processes. Default true.
        allow_remote_start: bool = true,
        /// Other peers may stop remote processes. Default true.
        allow_remote_stop: bool = true,
        /// Other peers may disable and enable remote processes. Default true.
        allow_remote_disable: bool = true,
        /// Other peers may set whether remote processes start with the monitor. Default true.
        allow_remote_autostart: bool = true,
        /// Other peers may have the monitor restart itself. Default false.
        allow_remote_monitor_restart: bool = false,
        /// Patterns of the executables that other peers may register. Default none, which permits nothing.
        executable_whitelist: Vec<String> = Vec::new(),
        /// Patterns of the executables that they may not, even so. Default none.
        executable_blacklist: Vec<String> = Vec::new(),
        /// Where to listen for other hosts, an address or a prefix of one. Default every interface.
        #[serde(skip_serializing_if = "Option::is_none")]
        bind_address: Option<String> = None,
        /// Proxies whose word is taken for who the peer is. Default none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        trusted_proxies: Vec<String> = Vec::new(),
        /// Names, with patterns as in `trustedHosts`, under which this monitor is reached through a proxy or a DNS
        /// entry: requests that name another `Host` are refused. Loopback names and the addresses it listens on need no
        /// mention; nor do the machine's own names (`NAME`, `NAME.local`, those of its address in DNS), but only from
        /// other hosts, not over loopback. Default none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        allowed_hosts: Vec<String> = Vec::new(),
        /// Web origins whose pages may use the API. Default none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        cors_origins: Vec<String> = Vec::new(),
        /// How much one peer may ask. Default: that of an empty object.
        #[serde(skip_serializing_if = "Option::is_none")]
        rate_limit: Option<RateLimit> = None,
        /// Longest body of a request. Default 1 MiB.
        #[serde(skip_serializing_if = "is_default_body")]
        max_body_bytes: u64 = DEFAULT_MAX_BODY_BYTES => Bounds::AtLeast(1),
        /// With it, other hosts must speak TLS; this machine may. Default none.
        #[serde(skip_serializing_if = "Option::is_none")]
        tls: Option<Tls> = None,
        /// Bearer tokens, by which peers may do what their scope permits. Default none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<Token> = Vec::new(),
    }
}

const DEFAULT_MAX_BODY_BYTES: u64 = 1 << 20;

fn is_default_body(bytes: &u64) -> bool {
    *bytes == DEFAULT_MAX_BODY_BYTES
}

document! {
    /// `rateLimit` of the API: how much one peer address may ask.
    #[derive(Debug)]
    pub struct RateLimit {
        /// Sustained rate. Default 100, more than 0.
        requests_per_second: f64 = 100.0 => Bounds::Positive,
        /// Requests above the rate that are still answered at once. Default 200, at least 1.
        burst: u32 = 200 => Bounds::AtLeast(1),
    }
}

impl Document for RemoteAccess {
    fn problems(&self) -> Vec<Problem> {
        self.validate()
    }
}

impl Document for PartnerDiscovery {}

impl RemoteAccess {
    /// What may be shown of it to everybody who may read: no tokens, and nothing that this version does not know.
    /// Where a default is not a value of its own, it is filled in.
    pub fn shown(&self, ports: DefaultPorts) -> Self {
        Self {
            tokens: Vec::new(),
            remote_port: self.remote_port.or(Some(ports.api)),
            rate_limit: self.rate_limit.clone().or_else(|| Some(RateLimit::default())),
            extra: Default::default(),
            ..self.clone()
        }
    }

    /// What cannot be obeyed, all of it; empty when the settings are good.
    pub fn validate(&self) -> Vec<Problem> {
        let rate = self.rate_limit.iter().flat_map(|limit| nested("rateLimit", limit.validate()));
        let bind = self.bind_address.as_deref().map(BindAddress::parse);
        let bind = bind.and_then(Result::err).map(|why| Problem::new("bindAddress", why));
        let tls = self.tls.iter().flat_map(|tls| nested("tls", tls.validate()));
        self.broken_rules()
            .chain(rate)
            .chain(bind)
            .chain(tls)
            .chain(host_problems("trustedHosts", &self.trusted_hosts))
            .chain(host_problems("trustedProxies", &self.trusted_proxies))
            .chain(host_problems("allowedHosts", &self.allowed_hosts))
            .chain(origin_problems(&self.cors_origins))
            .chain(pattern_problems("executableWhitelist", &self.executable_whitelist))
            .chain(pattern_problems("executableBlacklist", &self.executable_blacklist))
            .chain(token_problems(&self.tokens))
            .collect()
    }

    /// How much one peer may ask: the configured limit, or the default one.
    pub fn rate_limit(&self) -> RateLimit {
        self.rate_limit.clone().unwrap_or_default()
    }
}

fn host_problems<'a>(field: &'a str, patterns: &'a [String]) -> impl Iterator<Item = Problem> + 'a {
    patterns.iter().enumerate().filter_map(move |(n, pattern)| {
        let why = pattern.parse::<HostPattern>().err()?;
        Some(Problem::at(JsonPath::root().key(field).index(n), why.to_string()))
    })
}

impl RateLimit {
    /// What cannot be obeyed, all of it; empty when the limit is good.
    pub fn validate(&self) -> Vec<Problem> {
        self.broken_rules().collect()
    }
}

document! {
    /// `tls` of the API. Without files the monitor makes a certificate that vouches for itself, which a client
    /// knows by its fingerprint.
    #[derive(Debug, Eq)]
    pub struct Tls {
        /// Default true.
        enabled: bool = true,
        /// The server's certificate and those that vouch for it: PEM, absolute or in the monitor's directory.
        #[serde(skip_serializing_if = "Option::is_none")]
        certificate_file: Option<String> = None,
        /// Its private key, likewise.
        #[serde(skip_serializing_if = "Option::is_none")]
        key_file: Option<String> = None,
    }
}

impl Tls {
    /// What cannot be obeyed, all of it; empty when the settings are good.
    pub fn validate(&self) -> Vec<Problem> {
        let files = [("certificateFile", &self.certificate_file), ("keyFile", &self.key_file)];
        let nul = files.iter().filter_map(|(field, file)| {
            file.as_ref().and_then(|file| no_nul(file, || JsonPath::root().key(*field)))
        });
        let alone = match files.map(|(field, file)| file.is_none().then_some(field)) {
            [Some(missing), None] | [None, Some(missing)] => Some(Problem::new(
                missing,
                "certificate and key belong together: expected a file name, found none",
            )),
            _ => None,
        };
        nul.chain(alone).collect()
    }
}

impl PartnerDiscovery {
    /// The partner of the instance `own`; `None` for one other than `default` and `watcher` whose registry names
    /// none, and for one that is named as its own.
    pub fn partner_of(&self, own: &InstanceId) -> Option<InstanceId> {
        let usual = match own.as_str() {
            "default" => InstanceId::new("watcher").ok(),
            "watcher" => Some(InstanceId::default()),
            _ => None,
        };
        self.partner_instance_id.clone().or(usual).filter(|partner| partner != own)
    }
}

/// The ports that an instance uses unless its registry names others (SPEC 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultPorts {
    /// Of the API: 5679; watcher 5680.
    pub api: u16,
    /// Of the aliveness server: 5681; watcher 5682.
    pub aliveness: u16,
}

impl DefaultPorts {
    /// The default ports of `instance`. Only the watcher's differ; any other instance beside the
    /// `default` one must be given its own.
    pub fn of(instance: &InstanceId) -> Self {
        match instance.as_str() {
            "watcher" => Self { api: 5680, aliveness: 5682 },
            _ => Self { api: 5679, aliveness: 5681 },
        }
    }
}
