//! `update ID … [-- COMMAND…]`

use super::context::Context;
use super::failure::{Failure, Report};
use super::options::ProcessOptions;
use super::patch::Patch;
use super::{console, list, progress, register};
use clap::builder::Resettable;
use clap::{Arg, Args};
use process_monitor_client::api::{Accepted, Wait};
use process_monitor_client::{Error, Source};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use serde_json::{Map, Value, json};

/// Arguments of `update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// The process
    #[arg(value_name = "ID")]
    id: ProcessId,
    /// If that takes a restart, restart it now; the monitor must be running
    #[arg(long)]
    now: bool,
    /// Bring the default of a field back, like environment.DEBUG or alivenessCheck (may be repeated)
    #[arg(long, value_name = "FIELD")]
    unset: Vec<String>,
    #[command(flatten)]
    options: ProcessOptions,
    /// Another program and its arguments, which are passed as they are; no shell is involved
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

/// An option of `add` as it is here: what it would need beside it may be registered already, and what is not given
/// stays as it is.
pub fn relaxed(arg: Arg) -> Arg {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let arg = match help.split_once(" [default: ") {
        Some((help, _)) => arg.help(help.to_owned()),
        None => arg,
    };
    // How long means something else for each way to be ready.
    if arg.get_id() == "ready_timeout" { arg } else { arg.requires(Resettable::Reset) }
}

pub async fn run(context: &Context, args: UpdateArgs) -> Result<(), Failure> {
    let patch = args.patch(context)?;
    if args.now {
        // Before anything is changed: half a success would be hard to repeat.
        context.client.monitor_status().await?;
    }
    let id = &args.id;
    let (source, accepted) = context.client.update(id, patch).await?;
    let restarted = match args.now && accepted.restart_needed == Some(true) {
        true => Some(restart(context, id).await?),
        false => None,
    };
    if context.json {
        return console::print_json(&answer(id, source, &accepted, restarted));
    }
    console::print(&line(id, source, &accepted, restarted, &context.invocation))
}

impl UpdateArgs {
    fn patch(&self, context: &Context) -> Result<Map<String, Value>, Failure> {
        let mut patch = self.options.changes(register::here(context)?.as_deref())?;
        if let Some((program, arguments)) = self.command.split_first() {
            patch.set(&["command"], program.as_str());
            patch.set(&["args"], arguments);
        }
        self.unset.iter().for_each(|field| unset(&mut patch, field));
        if patch.is_empty() {
            return Err(Failure::usage("nothing is to be changed")
                .advise(format!("name what is to be different; see: {} update --help", context.invocation)));
        }
        Ok(patch.into_map())
    }
}

/// Names of variables may hold dots.
fn unset(patch: &mut Patch, field: &str) {
    match field.strip_prefix("environment.") {
        Some(name) => patch.set(&["environment", name], Value::Null),
        None => patch.set(&field.split('.').collect::<Vec<_>>(), Value::Null),
    }
}

async fn restart(context: &Context, id: &ProcessId) -> Result<ProcessState, Failure> {
    let restarting = context.client.restart(id, Wait::Ready);
    let outcome = progress::watch(&context.client, Some(std::slice::from_ref(id)), restarting).await;
    outcome.map_err(|error| not_restarted(context, id, &error))
}

/// That it was changed nevertheless.
fn not_restarted(context: &Context, id: &ProcessId, error: &Error) -> Failure {
    let invocation = &context.invocation;
    let advice = format!(
        "the change is registered\n\
         {}\n\
         change it again with: {invocation} update {id}",
        error.advice(invocation)
    );
    Failure::Told(Report { advice: Some(advice), ..Report::of(error, invocation) })
}

fn answer(id: &ProcessId, source: Source, accepted: &Accepted, restarted: Option<ProcessState>) -> Value {
    json!({
        "success": true,
        "id": id,
        "source": list::name(source),
        "restartNeeded": accepted.restart_needed == Some(true) && restarted.is_none(),
        "restartFields": accepted.restart_fields,
        "state": restarted.or(accepted.state),
    })
}

fn line(
    id: &ProcessId,
    source: Source,
    accepted: &Accepted,
    restarted: Option<ProcessState>,
    invocation: &str,
) -> String {
    match (restarted, source) {
        (Some(state), _) => format!("{id}: changed and restarted, it is {state}\n"),
        (None, Source::File) => format!("{id}: changed in the registry (the monitor is not running)\n"),
        (None, Source::Monitor) if accepted.restart_needed == Some(true) => format!(
            "{id}: changed\n  it runs on as before; have it take up {} with: {invocation} restart {id}\n",
            accepted.restart_fields.join(", ")
        ),
        (None, Source::Monitor) => format!("{id}: changed, which takes no restart\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_unset_by_its_path() {
        let mut patch = Patch::default();
        for field in ["environment.A.B", "alivenessCheck.startupCheck", "logs"] {
            unset(&mut patch, field);
        }
        let expected = json!({ "environment": { "A.B": null }, "alivenessCheck": { "startupCheck": null }, "logs": null });
        assert_eq!(Value::Object(patch.into_map()), expected);
    }

    #[test]
    fn it_is_told_whether_a_restart_is_needed_and_how() {
        let id = ProcessId::new("web").unwrap();
        let say = |source, accepted: &Accepted, restarted| line(&id, source, accepted, restarted, "pm");
        let needed = Accepted {
            restart_needed: Some(true),
            restart_fields: vec!["args".to_owned(), "logs".to_owned()],
            ..Accepted::new()
        };
        assert_eq!(
            say(Source::Monitor, &needed, None),
            "web: changed\n  it runs on as before; have it take up args, logs with: pm restart web\n"
        );
        let running = Some(ProcessState::Running);
        assert_eq!(say(Source::Monitor, &needed, running), "web: changed and restarted, it is running\n");
        assert_eq!(say(Source::Monitor, &Accepted::new(), None), "web: changed, which takes no restart\n");
        assert!(say(Source::File, &Accepted::new(), None).contains("not running"));
        assert_eq!(answer(&id, Source::Monitor, &needed, running)["restartNeeded"], false);
        assert_eq!(answer(&id, Source::Monitor, &needed, None)["restartNeeded"], true);
    }
}
