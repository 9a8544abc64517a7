//! `service status`

use super::install::found;
use super::unit::Origin;
use super::{Service, WhichArgs};
use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use process_monitor_host::service_manager::read_unit;
use serde_json::json;

pub async fn run(context: &Context, which: &WhichArgs) -> Result<(), Failure> {
    let service = Service::of(context, which)?;
    let unit = match found(&service)? {
        None => "not installed",
        Some(Origin::Foreign) => "written by somebody else",
        Some(Origin::Edited) => "installed, and edited since",
        Some(Origin::Ours) if is_current(&service)? => "installed",
        Some(Origin::Ours) => "installed, but with other options than these; `service install` replaces it",
    };
    let enabled = service.manager.is_enabled(&service.name).unwrap_or_else(|error| error.to_string());
    let active = service.manager.is_active(&service.name).unwrap_or_else(|error| error.to_string());
    let pid = context.client.monitor_status().await.ok().map(|status| status.pid);
    if context.json {
        return console::print_json(&json!({
            "unit": service.name, "path": service.path, "state": unit, "enabled": enabled, "active": active,
            "monitorPid": pid,
        }));
    }
    let monitor = pid.map_or_else(|| "not running".to_owned(), |pid| format!("running with pid {pid}"));
    console::print(&format!(
        "{}\n  File:     {}\n  Unit:     {unit}\n  Enabled:  {enabled}\n  Active:   {active}\n  Monitor:  {monitor}\n",
        service.name,
        service.path.display(),
    ))
}

fn is_current(service: &Service) -> Result<bool, Failure> {
    let text = read_unit(&service.path).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(text.is_some_and(|text| text == service.text()))
}
