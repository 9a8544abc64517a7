//! `logs ID…`

use super::console;
use super::context::Context;
use super::failure::Failure;
use super::lifecycle::Ids;
use super::render::{Form, Origin, OutputRenderer};
use clap::Args;
use process_monitor_core::id::ProcessId;
use process_monitor_host::files::FileError;
use process_monitor_host::output::read::{Follower, tail};
use process_monitor_host::output::{Stream, names};

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    #[command(flatten)]
    ids: Ids,
    /// Go on with what is printed from now on, also by later runs
    #[arg(short, long)]
    follow: bool,
    /// Begin with this many lines of each stream
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,
    /// Only what is printed to the standard output
    #[arg(long, visible_alias = "out", conflicts_with = "stderr")]
    stdout: bool,
    /// Only what is printed to the standard error
    #[arg(long, visible_alias = "err")]
    stderr: bool,
}

impl LogsArgs {
    fn wants(&self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => !self.stderr,
            Stream::Stderr => !self.stdout,
        }
    }
}

/// Reads the files; whether a monitor runs does not matter.
pub async fn run(context: &Context, args: &LogsArgs) -> Result<(), Failure> {
    let ids = args.ids.resolve(context).await?;
    for id in &ids {
        known(context, id).await?;
    }
    let form = match ids.as_slice() {
        _ if context.json => Form::Json,
        [] | [_] => Form::Raw,
        _ => Form::Prefixed,
    };
    let mut renderer = OutputRenderer::new(form, context.style, ids.clone());
    // Blocks this thread, on which nothing else is waiting.
    match args.follow {
        true => follow(context, args, &ids, &mut renderer),
        false => ids.iter().try_for_each(|id| show(context, args, id, &mut renderer)),
    }
}

/// A process that was removed is still known by its logs.
async fn known(context: &Context, id: &ProcessId) -> Result<(), Failure> {
    if context.layout()?.process_logs(id).is_dir() {
        return Ok(());
    }
    Ok(context.client.status(id).await.map(|_| ())?)
}

/// The end of the newest run that printed anything: one that has just begun often has not yet.
fn show(
    context: &Context,
    args: &LogsArgs,
    id: &ProcessId,
    renderer: &mut OutputRenderer,
) -> Result<(), Failure> {
    let runs = names::runs(context.layout()?, id).map_err(|error| unreadable(id, &error))?;
    for run in runs.into_iter().rev() {
        let mut empty = true;
        for stream in Stream::BOTH.into_iter().filter(|stream| args.wants(*stream)) {
            let bytes = tail(&run.path, stream, args.lines).map_err(|error| unreadable(id, &error))?;
            empty &= bytes.is_empty();
            let origin = Origin { process: id.clone(), run: run.name.clone(), stream };
            console::print_bytes(&renderer.render(origin, &bytes))?;
        }
        if !empty {
            return Ok(());
        }
    }
    console::note(&format!("{id} has not printed anything yet"));
    Ok(())
}

/// Ends when the user or the reader of our output has had enough.
fn follow(
    context: &Context,
    args: &LogsArgs,
    ids: &[ProcessId],
    renderer: &mut OutputRenderer,
) -> Result<(), Failure> {
    let failed = |error: FileError| {
        Failure::failed(format!("cannot follow the output: {error}"))
            .advise("show what is there without --follow")
    };
    let mut follower = Follower::new().map_err(failed)?;
    for id in ids {
        follower.follow(context.layout()?, id, args.lines).map_err(failed)?;
    }
    loop {
        let Some(chunk) = follower.next_chunk(None).map_err(failed)? else { continue };
        if args.wants(chunk.stream) {
            let origin = Origin { process: chunk.process, run: chunk.run, stream: chunk.stream };
            console::print_bytes(&renderer.render(origin, &chunk.bytes))?;
        }
    }
}

fn unreadable(id: &ProcessId, error: &FileError) -> Failure {
    Failure::failed(format!("cannot read what {id} printed: {error}"))
        .advise("run this as the user who runs the monitor")
}
