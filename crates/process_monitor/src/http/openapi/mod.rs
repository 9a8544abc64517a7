//! The API's description (OpenAPI 3.1), made from the handlers and from the types that they read and write.
//!
//! | file | what |
//! | --- | --- |
//! | `mod` | the frame around the operations, and serving it |
//! | `refusals` | how any operation may say no |
//! | `schemas` | what the schemas of values get, whatever describes them |
//! | `registry` | the schema of the registry's file |

mod refusals;
mod registry;
mod schemas;

pub use registry::registry_schema;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use process_monitor_client::api::{ErrorBody, LogRecord, ProcessEvent};
use serde_json::Value;
use std::sync::OnceLock;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// Tag of what is done with processes.
pub const PROCESSES: &str = "processes";
/// Tag of what happens.
pub const EVENTS: &str = "events";
/// Tag of what concerns the monitor itself.
pub const MONITOR: &str = "monitor";

#[derive(OpenApi)]
#[openapi(
    info(title = "Tom Process Monitor", description = include_str!("about.md")),
    servers(
        (url = "http://127.0.0.1:5679", description = "The instance `default`"),
        (url = "http://127.0.0.1:5680", description = "The instance `watcher`"),
    ),
    tags(
        (name = PROCESSES, description = "Registered programs: what is wanted of them, and how they are"),
        (name = EVENTS, description = "What happens, as it happens"),
        (name = MONITOR, description = "The monitor itself"),
    ),
    components(schemas(ErrorBody, LogRecord, ProcessEvent)),
    // Nothing at all, for a trusted peer, or a token.
    security((), ("token" = [])),
    modifiers(&Bearer),
)]
struct Frame;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some("Needed by who is not trusted otherwise".to_owned());
        openapi.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// The description without operations.
pub(super) fn frame() -> utoipa::openapi::OpenApi {
    Frame::openapi()
}

/// The description, complete.
pub(super) fn document() -> Value {
    // A description that JSON cannot write would be a mistake in an annotation: a test would see it.
    let mut document = serde_json::to_value(super::description()).unwrap_or_default();
    refusals::add(&mut document);
    schemas::close_bodies(&mut document);
    schemas::polish(&mut document);
    document
}

/// The text of `docs/openapi.json`, which is also what is served.
pub fn text() -> String {
    pretty(&document())
}

fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// This description
#[utoipa::path(
    get, path = "/openapi.json", tag = MONITOR, operation_id = "getDescription",
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub(super) async fn openapi() -> impl IntoResponse {
    // Made when it is first asked for: most monitors never are.
    static TEXT: OnceLock<String> = OnceLock::new();
    ([(CONTENT_TYPE, "application/json")], TEXT.get_or_init(text).as_str())
}
