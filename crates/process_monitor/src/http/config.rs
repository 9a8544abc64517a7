//! `/config/…`: the monitor's settings, each part at a path of its own. In effect at once, and on disk when the
//! answer comes.

use super::body::{JsonBody, PatchBody};
use super::error::ApiError;
use super::openapi::MONITOR;
use super::transport::Transport;
use crate::daemon::Handle;
use axum::extract::State;
use axum::{Extension, Json};
use process_monitor_client::api::{Changed, Patterns, StandaloneMode, TrustedHosts};
use process_monitor_core::listening::aftermath;
use process_monitor_core::model::{
    DefaultPorts, EntryPatch, JsonPath, PartnerDiscovery, Problem, RemoteAccess, Step,
};
use process_monitor_core::reading::{Document, patched};
use process_monitor_core::registry::{Registry, ShownRemoteAccess};
use serde::Serialize;
use serde_json::{Map, Value, json};

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
    if change.contains_key("tokens") {
        let why = "tokens are made and revoked at /config/tokens";
        return Err(ApiError::invalid(vec![Problem::new("tokens", why).into()]));
    }
    change_remote(&handle, transport, change, |path| path, shown).await
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
    change_remote(&handle, transport, field("trustedHosts", trusted_hosts), |path| path, trusted).await
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
    change_remote(&handle, transport, field("executableWhitelist", patterns), as_patterns, permitted).await
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
    change_remote(&handle, transport, field("executableBlacklist", patterns), as_patterns, forbidden).await
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
    JsonBody(StandaloneMode { enabled }): JsonBody<StandaloneMode>,
) -> Answer<StandaloneMode> {
    let change = move |registry: &mut Registry| {
        registry.standalone_mode = enabled;
        Ok(())
    };
    handle.configure(Box::new(change)).await?;
    Ok(changed(standalone(&handle.settings()), None))
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
    PatchBody(EntryPatch(change)): PatchBody,
) -> Answer<PartnerDiscovery> {
    handle.configure(Box::new(move |registry| patch(&mut registry.partner_discovery, &change))).await?;
    Ok(changed(partner(&handle.settings()), None))
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

fn changed<T>(now: T, message: Option<String>) -> Json<Changed<T>> {
    Json(Changed { success: true, message, now })
}

/// A change of one field.
fn field(name: &str, value: Vec<String>) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), json!(value))])
}

/// The field that is `patterns` here has another name in the registry.
fn as_patterns(path: JsonPath) -> JsonPath {
    path.steps().iter().fold(JsonPath::root(), |path, step| match step {
        Step::Key(_) => path.key("patterns"),
        Step::Index(index) => path.index(*index),
    })
}

/// Changes `remoteAccess`. `place` says where a value that is wrong is in the body.
async fn change_remote<T>(
    handle: &Handle,
    transport: Transport,
    change: Map<String, Value>,
    place: fn(JsonPath) -> JsonPath,
    view: fn(&Registry) -> T,
) -> Answer<T> {
    let before = handle.settings();
    let change = move |registry: &mut Registry| {
        patch(&mut registry.remote_access, &change).map_err(|problems| {
            problems.into_iter().map(|problem| Problem::at(place(problem.path), problem.message)).collect()
        })
    };
    handle.configure(Box::new(change)).await?;
    let now = handle.settings();
    let message = match transport {
        Transport::Control => None,
        Transport::Tcp { peer, tls, .. } => aftermath(peer.ip(), tls, &shown(&before), &shown(&now)),
    };
    Ok(changed(view(&now), message))
}

/// All of the change, or nothing.
fn patch<T: Document + Serialize>(current: &mut T, change: &Map<String, Value>) -> Result<(), Vec<Problem>> {
    *current = patched(current, change)?;
    Ok(())
}
