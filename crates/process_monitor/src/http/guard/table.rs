//! Which operation each route is. A route or method that has no line here is answered with 404 or 405, whoever asks:
//! so none can be added without saying who may use it.

use axum::http::Method;
use process_monitor_core::access::Operation::{self, *};

type Line = (&'static str, &'static [(Method, Operation)]);

/// Every route of the API.
pub const TABLE: &[Line] = &[
    ("/processes", &[(Method::GET, Read), (Method::POST, Register)]),
    ("/processes/{id}", &[(Method::GET, Read), (Method::PATCH, Configure), (Method::DELETE, Deregister)]),
    ("/processes/{id}/start", &[(Method::POST, Start)]),
    ("/processes/{id}/stop", &[(Method::POST, Stop)]),
    ("/processes/{id}/restart", &[(Method::POST, Restart)]),
    ("/processes/{id}/enable", &[(Method::POST, Enable)]),
    ("/processes/{id}/disable", &[(Method::POST, Disable)]),
    ("/processes/{id}/autostart", &[(Method::PUT, Autostart)]),
    ("/processes/{id}/signal", &[(Method::POST, Signal)]),
    ("/processes/{id}/logs", &[(Method::GET, ReadLogs)]),
    // Of which processes, stands in the body: the handler asks for each.
    ("/batch/start", &[(Method::POST, Start)]),
    ("/batch/stop", &[(Method::POST, Stop)]),
    ("/batch/restart", &[(Method::POST, Restart)]),
    ("/events", &[(Method::GET, Read)]),
    ("/monitor/status", &[(Method::GET, Read)]),
    ("/monitor/stop", &[(Method::POST, MonitorStop)]),
    ("/monitor/restart", &[(Method::POST, MonitorRestart)]),
    ("/config", &[(Method::GET, Read), (Method::PATCH, Settings)]),
    ("/config/remote-access", &[(Method::GET, Read), (Method::PUT, Settings)]),
    ("/config/trusted-hosts", &[(Method::GET, Read), (Method::PUT, Settings)]),
    ("/config/executable-whitelist", &[(Method::GET, Read), (Method::PUT, Settings)]),
    ("/config/executable-blacklist", &[(Method::GET, Read), (Method::PUT, Settings)]),
    ("/config/standalone-mode", &[(Method::GET, Read), (Method::PUT, Settings)]),
    ("/config/partner-discovery", &[(Method::GET, Read), (Method::PUT, Settings)]),
    ("/config/tokens", &[(Method::GET, Tokens), (Method::POST, Tokens)]),
    ("/config/tokens/{id}", &[(Method::DELETE, Tokens)]),
    ("/openapi.json", &[(Method::GET, Read)]),
];

/// The operation that `method` is on the route `path`. HEAD is GET.
///
/// # Errors
/// The methods that there are on this route, for `Allow`.
pub fn operation(path: &str, method: &Method) -> Result<Operation, String> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let methods = TABLE.iter().find(|(route, _)| *route == path).map_or(&[][..], |(_, methods)| methods);
    let found = methods.iter().find(|(known, _)| known == method).map(|(_, operation)| *operation);
    found.ok_or_else(|| allowed(methods))
}

fn allowed(methods: &[(Method, Operation)]) -> String {
    let names = methods.iter().flat_map(|(method, _)| match *method {
        Method::GET => vec!["GET", "HEAD"],
        ref method => vec![method.as_str()],
    });
    names.collect::<Vec<_>>().join(",")
}

/// Whether `{id}` of the route is a process.
pub fn is_about_process(path: &str) -> bool {
    path.starts_with("/processes/{id}")
}
