//! `/config/…`: the monitor's settings, each part at a path of its own. In effect at once, and on disk when the
//! answer comes.

use super::body::{JsonBody, PatchBody};
use super::error::ApiError;
use super::openapi::MONITOR;
use super::settings;
use super::transport::Transport;
use crate::daemon::{ConfigureError, Handle};
use axum::extract::State;
use axum::{Extension, Json};
use process_monitor_client::api::{Changed, Patterns, StandaloneMode, TrustedHosts};
use process_monitor_core::model::{
    DefaultPorts, EntryPatch, JsonPath, PartnerDiscovery, Problem, RemoteAccess, Step,
};
use process_monitor_core::registry::{Registry, ShownRemoteAccess};
use serde_json::{Map, Value};

type Answer<T> = Result<Json<Changed<T>>, ApiError>;

/// Who may do what over TCP, and where the API listens
#[utoipa::path(
    get, path = "/config/remote-access", tag = MONITOR, operation_id = "getRemoteAccess",
    responses((status = 200, body = ShownRemoteAccess))
)]
pub async fn remote_access(State(handle): State<Handle>) -> Json<RemoteAccess> {
    Json(shown(&handle.settings()))
}

/// Change who may do what over TCP, and where the API listens
///
/// What is not named stays; `null` brings a default back.
#[utoipa::path(
    put, path = "/config/remote-access", tag = MONITOR, operation_id = "setRemoteAccess",
    request_body(content = ShownRemoteAccess, example = json!({"startRemoteAccess": true, "bindAddress": "192.168."})),
    responses((status = 200, body = Changed<ShownRemoteAccess>))
)]
pub async fn set_remote_access(
    State(handle): State<Handle>,
    Extension(transport): Extension<Transport>,
    PatchBody(EntryPatch(change)): PatchBody,
) -> Answer<RemoteAccess> {
    REMOTE_ACCESS.change(&handle, transport, change.into(), shown).await
}

/// Peers that may do everything
#[utoipa::path(
    get, path = "/config/trusted-hosts", tag = MONITOR, operation_id = "getTrustedHosts",
    responses((status = 200, body = TrustedHosts))
)]
pub async fn trusted_hosts(State(handle): State<Handle>) -> Json<TrustedHosts> {
    Json(trusted(&handle.settings()))
}

/// Change which peers may do everything
#[utoipa::path(
    put, path = "/config/trusted-hosts", tag = MONITOR, operation_id = "setTrustedHosts",
    request_body(content = TrustedHosts, example = json!({"trustedHosts": ["localhost", "127.0.0.1", "::1", "192.168.1.*"]})),
    responses((status = 200, body = Changed<TrustedHosts>))
)]
pub async fn set_trusted_hosts(
    State(handle): State<Handle>,
    Extension(transport): Extension<Transport>,
    JsonBody(TrustedHosts { trusted_hosts }): JsonBody<TrustedHosts>,
) -> Answer<TrustedHosts> {
    TRUSTED_HOSTS.change(&handle, transport, trusted_hosts.into(), trusted).await
}

/// Executables that other peers may register
#[utoipa::path(
    get, path = "/config/executable-whitelist", tag = MONITOR, operation_id = "getExecutableWhitelist",
    responses((status = 200, body = Patterns))
)]
pub async fn whitelist(State(handle): State<Handle>) -> Json<Patterns> {
    Json(permitted(&handle.settings()))
}

/// Change which executables other peers may register
#[utoipa::path(
    put, path = "/config/executable-whitelist", tag = MONITOR, operation_id = "setExecutableWhitelist",
    request_body(content = Patterns, example = json!({"patterns": ["/usr/bin/*"]})),
    responses((status = 200, body = Changed<Patterns>))
)]
pub async fn set_whitelist(
    State(handle): State<Handle>,
    Extension(transport): Extension<Transport>,
    JsonBody(Patterns { patterns }): JsonBody<Patterns>,
) -> Answer<Patterns> {
    WHITELIST.change(&handle, transport, patterns.into(), permitted).await
}

/// Executables that other peers may not register
#[utoipa::path(
    get, path = "/config/executable-blacklist", tag = MONITOR, operation_id = "getExecutableBlacklist",
    responses((status = 200, body = Patterns))
)]
pub async fn blacklist(State(handle): State<Handle>) -> Json<Patterns> {
    Json(forbidden(&handle.settings()))
}

/// Change which executables other peers may not register
#[utoipa::path(
    put, path = "/config/executable-blacklist", tag = MONITOR, operation_id = "setExecutableBlacklist",
    request_body(content = Patterns, example = json!({"patterns": ["**/{sh,bash}"]})),
    responses((status = 200, body = Changed<Patterns>))
)]
pub async fn set_blacklist(
    State(handle): State<Handle>,
    Extension(transport): Extension<Transport>,
    JsonBody(Patterns { patterns }): JsonBody<Patterns>,
) -> Answer<Patterns> {
    BLACKLIST.change(&handle, transport, patterns.into(), forbidden).await
}

/// Whether the monitor has no partner
#[utoipa::path(
    get, path = "/config/standalone-mode", tag = MONITOR, operation_id = "getStandaloneMode",
    responses((status = 200, body = StandaloneMode))
)]
pub async fn standalone_mode(State(handle): State<Handle>) -> Json<StandaloneMode> {
    Json(standalone(&handle.settings()))
}

/// Change whether the monitor has a partner
#[utoipa::path(
    put, path = "/config/standalone-mode", tag = MONITOR, operation_id = "setStandaloneMode",
    request_body(content = StandaloneMode, example = json!({"enabled": true})),
    responses((status = 200, body = Changed<StandaloneMode>))
)]
pub async fn set_standalone_mode(
    State(handle): State<Handle>,
    Extension(transport): Extension<Transport>,
    JsonBody(StandaloneMode { enabled }): JsonBody<StandaloneMode>,
) -> Answer<StandaloneMode> {
    STANDALONE_MODE.change(&handle, transport, enabled.into(), standalone).await
}

/// Where the partner is, and what is done about it
#[utoipa::path(
    get, path = "/config/partner-discovery", tag = MONITOR, operation_id = "getPartnerDiscovery",
    responses((status = 200, body = PartnerDiscovery))
)]
pub async fn partner_discovery(State(handle): State<Handle>) -> Json<PartnerDiscovery> {
    Json(partner(&handle.settings()))
}

/// Change where the partner is, and what is done about it
///
/// What is not named stays; `null` brings a default back.
#[utoipa::path(
    put, path = "/config/partner-discovery", tag = MONITOR, operation_id = "setPartnerDiscovery",
    request_body(content = PartnerDiscovery, example = json!({"startPartnerIfMissing": true})),
    responses((status = 200, body = Changed<PartnerDiscovery>))
)]
pub async fn set_partner_discovery(
    State(handle): State<Handle>,
    Extension(transport): Extension<Transport>,
    PatchBody(EntryPatch(change)): PatchBody,
) -> Answer<PartnerDiscovery> {
    PARTNER_DISCOVERY.change(&handle, transport, change.into(), partner).await
}

fn shown(registry: &Registry) -> RemoteAccess {
    registry.remote_access.shown(DefaultPorts::of(&registry.instance_id))
}

fn trusted(registry: &Registry) -> TrustedHosts {
    TrustedHosts { trusted_hosts: registry.remote_access.trusted_hosts.clone() }
}

fn permitted(registry: &Registry) -> Patterns {
    Patterns { patterns: registry.remote_access.executable_whitelist.clone() }
}

fn forbidden(registry: &Registry) -> Patterns {
    Patterns { patterns: registry.remote_access.executable_blacklist.clone() }
}

fn standalone(registry: &Registry) -> StandaloneMode {
    StandaloneMode { enabled: registry.standalone_mode }
}

fn partner(registry: &Registry) -> PartnerDiscovery {
    PartnerDiscovery { extra: Map::new(), ..registry.partner_discovery.clone() }
}

/// Where a part of the settings is: in the registry, and in a body.
struct Part {
    place: &'static [&'static str],
    field: Option<&'static str>,
}

const REMOTE_ACCESS: Part = Part { place: &["remoteAccess"], field: None };
const TRUSTED_HOSTS: Part = Part { place: &["remoteAccess", "trustedHosts"], field: Some("trustedHosts") };
const WHITELIST: Part = Part { place: &["remoteAccess", "executableWhitelist"], field: Some("patterns") };
const BLACKLIST: Part = Part { place: &["remoteAccess", "executableBlacklist"], field: Some("patterns") };
const STANDALONE_MODE: Part = Part { place: &["standaloneMode"], field: Some("enabled") };
const PARTNER_DISCOVERY: Part = Part { place: &["partnerDiscovery"], field: None };

impl Part {
    /// Changes this part to `value`, and answers with what `view` shows of it then.
    async fn change<T>(
        &self,
        handle: &Handle,
        transport: Transport,
        value: Value,
        view: fn(&Registry) -> T,
    ) -> Answer<T> {
        let message =
            settings::apply(handle, transport, self.within(value)).await.map_err(|error| match error {
                ConfigureError::Invalid(problems) => {
                    ConfigureError::Invalid(problems.into_iter().map(|problem| self.seen(problem)).collect())
                }
                other => other,
            })?;
        Ok(Json(Changed { success: true, message, now: view(&handle.settings()) }))
    }

    /// The change of all settings that changes this part.
    fn within(&self, value: Value) -> Map<String, Value> {
        let wrap = |value: Value, key: &&str| Value::Object(Map::from_iter([((*key).to_owned(), value)]));
        match self.place.iter().rev().fold(value, wrap) {
            Value::Object(change) => change,
            _ => Map::new(),
        }
    }

    /// A problem of the registry, as it is seen from the body.
    fn seen(&self, problem: Problem) -> Problem {
        let root = self.field.map_or_else(JsonPath::root, |field| JsonPath::root().key(field));
        let path = problem.path.steps().iter().skip(self.place.len()).fold(root, |path, step| match step {
            Step::Key(key) => path.key(key),
            Step::Index(index) => path.index(*index),
        });
        Problem::at(path, problem.message)
    }
}
