//! `service install`, `service uninstall`. What somebody else wrote, or has changed, is left alone.

use super::unit::Origin;
use super::{InstallArgs, RemoveArgs, Service};
use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use process_monitor_host::service_manager::{read_unit, remove_unit, write_unit};
use serde_json::json;

pub fn install(context: &Context, args: &InstallArgs) -> Result<(), Failure> {
    let service = Service::of(context, &args.which)?;
    let text = service.text();
    if args.print {
        return console::print(&text);
    }
    let found = found(&service)?;
    if let Some(Origin::Edited | Origin::Foreign) = found
        && !args.force
    {
        return Err(not_ours(
            &service,
            found,
            "install --force replaces it; install --print shows what would be written",
        ));
    }
    write_unit(&service.path, &text).map_err(|error| {
        Failure::failed(error.to_string())
            .advise("install it for your user alone with --user, or become root")
    })?;
    let reloaded = service.manager.reload();
    if context.json {
        return console::print_json(&json!({
            "success": true, "unit": service.name, "path": service.path, "reloaded": reloaded.is_ok(),
        }));
    }
    console::print(&told(context, &service, reloaded.map_err(|error| error.to_string()), found.is_some()))
}

fn told(context: &Context, service: &Service, reloaded: Result<(), String>, replaced: bool) -> String {
    let manager = service.manager.kind.name();
    let reload = match (reloaded, service.manager.reload_command()) {
        (Ok(()), Some(_)) => format!("{manager} has read it. "),
        (Err(why), Some(command)) => format!("{manager} has not read it yet: {why}\n  {command}\n"),
        (_, None) => String::new(),
    };
    let without_login = service.manager.without_login().map(|how| format!("\n{how}")).unwrap_or_default();
    format!(
        "{} {} ({}).\n{reload}A monitor that runs already must be stopped first. What to do next:\n  {} --stop\n  {}\n  {}\n{without_login}",
        if replaced { "Replaced" } else { "Wrote" },
        service.path.display(),
        match &service.unit.user {
            Some(user) if !service.manager.of_user =>
                format!("it runs as user id {}, to whom the directory belongs", user.uid),
            _ => format!("it runs as whoever runs {manager} here"),
        },
        context.invocation,
        service.manager.start_command(&service.name, &service.path),
        service.manager.status_command(&service.name),
    )
}

pub fn uninstall(context: &Context, args: &RemoveArgs) -> Result<(), Failure> {
    let service = Service::of(context, &args.which)?;
    let Some(origin) = found(&service)? else {
        return Err(Failure::failed(format!("there is no unit {}", service.path.display()))
            .advise("see what there is with: process_monitor service status, with --system or --user"));
    };
    if origin != Origin::Ours && !args.force {
        return Err(not_ours(&service, Some(origin), "uninstall --force removes it"));
    }
    let failed =
        |error: String| Failure::failed(error).advise("become the user who installed it, and try again");
    let disabled = service.manager.disable(&service.name);
    remove_unit(&service.path)
        .map_err(|error| failed(format!("cannot remove {}: {error}", service.path.display())))?;
    let reloaded = disabled.and_then(|()| service.manager.reload());
    if context.json {
        return console::print_json(&json!({ "success": true, "unit": service.name, "path": service.path }));
    }
    let note = reloaded
        .err()
        .map_or_else(String::new, |why| format!("{} was not told: {why}\n", service.manager.kind.name()));
    console::print(&format!(
        "Removed {}.\n{note}A monitor that runs goes on; to stop it and all that it manages:\n  {} --stop\n",
        service.path.display(),
        context.invocation
    ))
}

/// What is there; `None`: nothing.
pub fn found(service: &Service) -> Result<Option<Origin>, Failure> {
    let text = read_unit(&service.path).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(text.as_deref().map(Origin::of))
}

fn not_ours(service: &Service, found: Option<Origin>, advice: &str) -> Failure {
    let why = match found {
        Some(Origin::Edited) => "it was edited since it was installed",
        _ => "somebody else wrote it",
    };
    Failure::failed(format!("{} is left as it is: {why}", service.path.display())).advise(advice)
}
