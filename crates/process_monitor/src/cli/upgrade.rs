//! `upgrade`: a new program in the place of the one that the monitor runs, and a restart by it. What cannot work is refused
//! while the old one is in place, and put back when it turns out later.

use super::console;
use super::context::Context;
use super::failure::Failure;
use clap::Args;
use process_monitor_client::Error;
use process_monitor_client::api::{ErrorCode, MonitorStatus};
use process_monitor_host::files::FileError;
use process_monitor_host::handover::{REHEARSED_WITHIN, rehearse};
use process_monitor_host::program::{self, Candidate, Swapped};
use serde_json::json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Arguments of `upgrade`.
#[derive(Debug, Args)]
pub struct UpgradeArgs {
    /// The new program [default: this one]
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

/// What became of the program.
struct Upgraded {
    version: String,
    target: PathBuf,
    /// `None`: it was in place already.
    swapped: Option<Swapped>,
}

pub async fn run(context: &Context, args: UpgradeArgs) -> Result<(), Failure> {
    // Of another machine only its API is in reach, not its files.
    let words = words(context)?;
    let old = context.client.monitor_status().await?;
    let target = target(&old)?;
    let from = match args.from {
        Some(from) => from,
        None => program::own().map_err(|error| {
            Failure::failed(format!("cannot tell where this program's own file is: {error}"))
        })?,
    };
    let putting = tokio::task::spawn_blocking(move || put_in_place(&from, &target, &words));
    let upgraded = putting.await.map_err(|panicked| Failure::failed(panicked.to_string()))??;
    match context.client.restart_monitor().await {
        Ok(restarted) => report(context, &upgraded, &old, &restarted.now),
        Err(error) => Err(undo(context, upgraded, error)),
    }
}

fn target(status: &MonitorStatus) -> Result<PathBuf, Failure> {
    status.executable.as_ref().map(PathBuf::from).ok_or_else(|| {
        Failure::failed(
            "the monitor that runs does not tell where its program is: it is of an earlier version",
        )
        .advise("replace its file by hand, and start it again")
    })
}

/// With what a monitor of this context is started, as far as that matters here: at the restart the old monitor has the new
/// program rehearse with all that it was started with itself.
fn words(context: &Context) -> Result<Vec<OsString>, Failure> {
    let layout = context.layout()?;
    let instance = layout.instance().as_str();
    let words = [
        "--directory".into(),
        layout.directory().into(),
        "--instance".into(),
        instance.into(),
        "daemon".into(),
    ];
    Ok(words.into())
}

fn put_in_place(from: &Path, target: &Path, words: &[OsString]) -> Result<Upgraded, Failure> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("the upgrade is refused: {error}"))
            .advise("nothing was changed; try another file with --from")
    };
    let not_replaced = |error: &dyn std::fmt::Display| {
        Failure::failed(error.to_string()).advise(format!(
            "nothing was changed; try it as a user who may write in the folder of {}",
            target.display()
        ))
    };
    let in_place = program::is_same(from, target);
    let candidate = match in_place {
        true => None,
        false => Some(Candidate::copy(from, target).map_err(|error| match &error {
            FileError::Os { path, .. } if path == from => refused(&error),
            _ => not_replaced(&error),
        })?),
    };
    let tried = candidate.as_ref().map_or(target, Candidate::path);
    let version = rehearse(tried, words, REHEARSED_WITHIN).map_err(|error| refused(&error))?;
    let swapped = candidate.map(Candidate::put_in_place).transpose().map_err(|error| not_replaced(&error))?;
    Ok(Upgraded { version, target: target.to_owned(), swapped })
}

fn report(
    context: &Context,
    upgraded: &Upgraded,
    old: &MonitorStatus,
    new: &MonitorStatus,
) -> Result<(), Failure> {
    let goes_on = new.version.as_deref().unwrap_or(&upgraded.version);
    if goes_on != upgraded.version {
        return Err(Failure::failed(format!(
            "{} is in place, but could not be executed in the end: the monitor goes on as version {goes_on}",
            upgraded.target.display()
        ))
        .advise(format!("see why with: {} doctor", context.invocation)));
    }
    let previous = upgraded.swapped.as_ref().map(|swapped| swapped.previous().display().to_string());
    if context.json {
        return console::print_json(&json!({
            "success": true, "pid": new.pid, "version": upgraded.version, "previousVersion": old.version,
            "executable": upgraded.target, "previous": previous,
        }));
    }
    let from = old.version.as_deref().unwrap_or("an earlier version");
    let kept = match previous {
        Some(previous) => format!(
            "The program that was there before is kept; to go back to it:\n  {} upgrade --from {previous}\n",
            context.invocation
        ),
        None => String::new(),
    };
    console::print(&format!(
        "The monitor (pid {}) was upgraded from {from} to {} ({}); its processes ran on.\n{kept}",
        new.pid,
        upgraded.version,
        upgraded.target.display(),
    ))
}

/// The old program is put back. The old monitor goes on if the new one did not pass its rehearsal; else nobody is there.
fn undo(context: &Context, upgraded: Upgraded, error: Error) -> Failure {
    let goes_on = matches!(error, Error::Refused { code: ErrorCode::RehearsalFailed, .. });
    let back = match upgraded.swapped.map(Swapped::undo) {
        Some(Err(failed)) => format!("the old program could not be put back: {failed}"),
        Some(Ok(())) => "the old program was put back".to_owned(),
        None => "nothing was replaced".to_owned(),
    };
    let next = match goes_on {
        true => "the monitor goes on".to_owned(),
        false => {
            format!("see whether the monitor runs with: {0} --status; start it with: {0}", context.invocation)
        }
    };
    Failure::failed(format!("the monitor was not restarted: {error}")).advise(format!("{back}; {next}"))
}
