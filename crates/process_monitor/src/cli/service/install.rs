//! `service install`, `service uninstall`. What somebody else wrote, or has changed, is left alone.

use super::unit::Origin;
use super::{InstallArgs, RemoveArgs, Service};
use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use process_monitor_host::service_manager::read_unit;
use serde_json::json;

pub fn install(context: &Context, args: &InstallArgs) -> Result<(), Failure> {
    let service = Service::of(context, &args.which)?;
    let text = service.unit.text();
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
    service.systemd.write_unit(&service.path, &text).map_err(|error| {
        Failure::failed(error.to_string())
            .advise("install it for your user alone with --user, or become root")
    })?;
    let reloaded = service.systemd.reload();
    if context.json {
        return console::print_json(&json!({
            "success": true, "unit": service.name, "path": service.path, "reloaded": reloaded.is_ok(),
        }));
    }
    console::print(&told(context, &service, reloaded.map_err(|error| error.to_string()), found.is_some()))
}

fn told(context: &Context, service: &Service, reloaded: Result<(), String>, replaced: bool) -> String {
    let reload = match reloaded {
        Ok(()) => "systemd has read it. ".to_owned(),
        Err(why) => format!("systemd has not read it yet: {why}\n  {}\n", service.systemctl("daemon-reload")),
    };
    let linger = match service.systemd.of_user {
        true => "\nTo have it run also while you are not logged in:\n  loginctl enable-linger\n",
        false => "",
    };
    format!(
        "{} {} ({}).\n{reload}A monitor that runs already must be stopped first. What to do next:\n  {} --stop\n  {}\n  {}\n{linger}",
        if replaced { "Replaced" } else { "Wrote" },
        service.path.display(),
        match service.unit.uid {
            Some(uid) if !service.systemd.of_user =>
                format!("it runs as user id {uid}, to whom the directory belongs"),
            _ => "it runs as whoever runs systemd here".to_owned(),
        },
        context.invocation,
        service.systemctl(&format!("enable --now {}", service.name)),
        service.systemctl(&format!("status {}", service.name)),
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
    let disabled = service.systemd.disable(&service.name);
    std::fs::remove_file(&service.path)
        .map_err(|error| failed(format!("cannot remove {}: {error}", service.path.display())))?;
    let reloaded = disabled.and_then(|()| service.systemd.reload());
    if context.json {
        return console::print_json(&json!({ "success": true, "unit": service.name, "path": service.path }));
    }
    let note = reloaded.err().map_or_else(String::new, |why| format!("systemd was not told: {why}\n"));
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
