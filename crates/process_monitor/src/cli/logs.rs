//! `logs ID…`

use super::console;
use super::context::Context;
use super::failure::Failure;
use super::lifecycle::Ids;
use super::render::{Form, OutputRenderer};
use clap::Args;
use process_monitor_client::api::{DEFAULT_TAIL, LogFormat, LogQuery, RunChoice, Since};
use process_monitor_client::{Error, LogLine, LogStream, Source};
use process_monitor_core::id::ProcessId;
use process_monitor_host::output::Stream;
use std::collections::HashSet;
use tokio::sync::mpsc;

/// How many lines wait to be printed.
const AHEAD: usize = 64;

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    #[command(flatten)]
    ids: Ids,
    /// Go on with what is printed from now on, also by later runs
    #[arg(short, long)]
    follow: bool,
    /// Begin with this many of the last lines, or with all [default: 100, with --since all]
    #[arg(short = 'n', long, value_name = "N|all", value_parser = lines)]
    lines: Option<usize>,
    /// Only what was printed then or later: a time, or how long ago (5m)
    #[arg(long, value_name = "TIME|DURATION")]
    since: Option<Since>,
    /// Only this run: current, all, or its folder's name [default: the newest that printed, with --since all]
    #[arg(long)]
    run: Option<RunChoice>,
    /// Only what is printed to the standard output
    #[arg(long, visible_alias = "out", conflicts_with = "stderr")]
    stdout: bool,
    /// Only what is printed to the standard error
    #[arg(long, visible_alias = "err")]
    stderr: bool,
}

impl LogsArgs {
    fn query(&self) -> LogQuery {
        LogQuery {
            stream: match (self.stdout, self.stderr) {
                (true, _) => Some(Stream::Stdout),
                (_, true) => Some(Stream::Stderr),
                _ => None,
            },
            tail: self.lines,
            since: self.since,
            follow: self.follow,
            run: self.run.clone().unwrap_or_default(),
            format: LogFormat::default(),
            after: None,
        }
    }
}

fn lines(text: &str) -> Result<usize, String> {
    match text {
        "all" => Ok(usize::MAX),
        number => number
            .parse()
            .map_err(|_| format!("{text:?} is not a number of lines; write it like {DEFAULT_TAIL}, or all")),
    }
}

/// What was printed, and with `--follow` what is printed, whether a monitor runs or not.
pub async fn run(context: &Context, args: &LogsArgs) -> Result<(), Failure> {
    let ids = args.ids.resolve(context).await?;
    let form = match ids.as_slice() {
        _ if context.json => Form::Json,
        [] | [_] => Form::Raw,
        _ => Form::Prefixed,
    };
    let query = args.query();
    let discarding = discarding(context).await;
    let (mut streams, mut refused) = (Vec::with_capacity(ids.len()), None);
    for id in &ids {
        match context.client.logs(id, &query).await {
            // Others may have what can be shown.
            Err(error @ Error::OutputDiscarded { .. }) if ids.len() > 1 => {
                console::note(&error.to_string());
                refused = Some(error);
            }
            stream => {
                streams.push((id.clone(), stream?));
                if discarding.contains(id) {
                    note_discarded(context, id);
                }
            }
        }
    }
    if let Some(error) = refused.filter(|_| streams.is_empty()) {
        return Err(error.into());
    }
    let mut renderer = OutputRenderer::new(form, context.style, ids);
    match args.follow {
        true => follow(streams, &mut renderer).await,
        false => show(streams, args, &mut renderer).await,
    }
}

/// Whose output is to be discarded.
async fn discarding(context: &Context) -> HashSet<ProcessId> {
    // Without the list there is nothing to remark on; what is wrong, the logs tell.
    let (_, processes) = context.client.list().await.unwrap_or((Source::File, Vec::new()));
    let discarding = processes.into_iter().filter(|process| !process.output.is_captured());
    discarding.map(|process| process.id).collect()
}

/// What is shown of a process whose output is to be discarded is all there will be.
fn note_discarded(context: &Context, id: &ProcessId) {
    let advice = Error::OutputDiscarded { id: id.clone() }.advice(&context.invocation);
    console::note(&format!(
        "{id} is set to discard its output, this is of runs in which it was captured; {advice}"
    ));
}

/// One after the other.
async fn show(
    streams: Vec<(ProcessId, LogStream)>,
    args: &LogsArgs,
    renderer: &mut OutputRenderer,
) -> Result<(), Failure> {
    for (id, mut stream) in streams {
        let mut page = Page::default();
        let read = read(&id, &mut stream, renderer, &mut page).await;
        // What came before an error is shown.
        page.print()?;
        if !read? && args.lines != Some(0) {
            let yet = if args.since.is_some() { "since then" } else { "yet" };
            console::note(&format!("{id} has not printed anything {yet}"));
        }
    }
    Ok(())
}

/// Reads a stream to its end; whether there was anything.
async fn read(
    id: &ProcessId,
    stream: &mut LogStream,
    renderer: &mut OutputRenderer,
    page: &mut Page,
) -> Result<bool, Failure> {
    let mut any = false;
    while let Some(line) = next(stream).await? {
        any = true;
        page.add(renderer, id, &line)?;
    }
    Ok(any)
}

/// Lines that are printed together: a write for each would be most of the work.
#[derive(Default)]
struct Page(Vec<u8>);

impl Page {
    const FULL: usize = 64 << 10;

    fn add(&mut self, renderer: &mut OutputRenderer, id: &ProcessId, line: &LogLine) -> Result<(), Failure> {
        let bytes = renderer
            .render(id, line)
            .map_err(|error| Failure::failed(format!("cannot write a line as JSON: {error}")))?;
        self.0.extend(bytes);
        if self.0.len() >= Self::FULL { self.print() } else { Ok(()) }
    }

    fn print(&mut self) -> Result<(), Failure> {
        console::print_bytes(&std::mem::take(&mut self.0))
    }
}

/// As it comes, until the user or the reader of our output has had enough. Nobody is told of a monitor that goes and
/// comes back: nothing is missing.
async fn follow(streams: Vec<(ProcessId, LogStream)>, renderer: &mut OutputRenderer) -> Result<(), Failure> {
    let (sender, mut lines) = mpsc::channel(AHEAD);
    for (id, stream) in streams {
        tokio::spawn(pass_on(id, stream, sender.clone()));
    }
    drop(sender);
    let mut here = Vec::new();
    while lines.recv_many(&mut here, AHEAD).await > 0 {
        let mut page = Page::default();
        for (id, line) in here.drain(..) {
            match line {
                Ok(line) => page.add(renderer, &id, &line)?,
                Err(error) => {
                    page.print()?;
                    return Err(error.into());
                }
            }
        }
        page.print()?;
    }
    Ok(())
}

/// Passes lines on until nobody takes them, or an error has been passed on.
async fn pass_on(
    id: ProcessId,
    mut stream: LogStream,
    lines: mpsc::Sender<(ProcessId, Result<LogLine, Error>)>,
) {
    loop {
        let line = match next(&mut stream).await {
            Ok(Some(line)) => Ok(line),
            Ok(None) if stream.is_over() => return,
            Ok(None) => match stream.resume().await {
                Ok(()) => continue,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let failed = line.is_err();
        if lines.send((id.clone(), line)).await.is_err() || failed {
            return;
        }
    }
}

/// The next line, also when the monitor goes away in between.
async fn next(stream: &mut LogStream) -> Result<Option<LogLine>, Error> {
    loop {
        match stream.next().await {
            Err(Error::Interrupted { .. }) => stream.resume().await?,
            line => return line,
        }
    }
}
