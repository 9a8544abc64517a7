//! `start`, `stop`, `restart`, `enable`, `disable`, `remove`: one verb, applied to many processes.

use super::console;
use super::context::Context;
use super::failure::{Code, Failure, Report};
use super::list;
use super::progress;
use clap::Args;
use process_monitor_client::api::{Accepted, ErrorCode, Wait};
use process_monitor_client::{self as client, Client, Error, Source, Waiting};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Commands under way at the same time.
const AT_ONCE: usize = 32;

/// The word for every process.
const ALL: &str = "all";

/// Which processes.
#[derive(Debug, Args)]
pub struct Ids {
    /// The processes, or "all"
    #[arg(value_name = "ID", required = true)]
    ids: Vec<ProcessId>,
}

impl Ids {
    fn are_all(&self) -> bool {
        self.ids.iter().any(|id| id.as_str() == ALL)
    }

    /// The ids without repetition; `all` is every process there is.
    pub async fn resolve(&self, context: &Context) -> Result<Vec<ProcessId>, Failure> {
        if self.are_all() {
            let (_, processes) = context.client.list().await?;
            return Ok(processes.into_iter().map(|process| process.id).collect());
        }
        Ok(self.named())
    }

    fn named(&self) -> Vec<ProcessId> {
        let mut named: Vec<ProcessId> = Vec::new();
        for id in &self.ids {
            if !named.contains(id) {
                named.push(id.clone());
            }
        }
        named
    }
}

/// What to do with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Start it, and wait until it is up.
    Start,
    /// Stop it, and wait until it is down.
    Stop,
    /// Both.
    Restart,
    /// Allow starts.
    Enable,
    /// Stop it and refuse starts.
    Disable,
    /// Stop and forget it.
    Remove,
}

/// What became of it.
#[derive(Debug)]
enum Done {
    /// It is in this state now.
    Now(ProcessState),
    /// The configuration was changed here.
    Changed(Source),
}

/// Applies `verb` to each process; tells each outcome, in the order of the ids.
pub async fn run(context: &Context, verb: Verb, ids: &Ids) -> Result<(), Failure> {
    let running = match context.client.monitor_status().await {
        Ok(_) => true,
        Err(Error::NotRunning { .. }) if !verb.needs_monitor() => false,
        Err(error) => return Err(error.into()),
    };
    let named = (!ids.are_all()).then(|| ids.named());
    let applying = apply(context, verb, ids, running);
    let outcomes = match verb {
        Verb::Start | Verb::Restart => progress::watch(&context.client, named.as_deref(), applying).await,
        _ => applying.await,
    }?;
    tell(context, verb, &outcomes)?;
    let codes = outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().err()).map(Code::of);
    match worst(codes) {
        Some(code) => Err(Failure::Silent(code)),
        None => Ok(()),
    }
}

type Outcome = (ProcessId, Result<Done, Error>);

/// At once where the monitor can do that, else one by one.
async fn apply(context: &Context, verb: Verb, ids: &Ids, running: bool) -> Result<Vec<Outcome>, Failure> {
    let named = (!ids.are_all()).then(|| ids.named());
    let several = named.as_ref().is_none_or(|ids| ids.len() > 1);
    if let (true, Some((act, wait))) = (several, verb.at_once()) {
        match context.client.act_on_all(named, act, Waiting { wait, within: None }).await {
            // It is older than this program.
            Err(Error::Refused { code: ErrorCode::NotFound, .. }) => {}
            outcomes => return Ok(outcomes?.into_iter().map(reached).collect()),
        }
    }
    // Changes of a file exclude each other, so doing several at once would only make them wait.
    let at_once = if running { AT_ONCE } else { 1 };
    Ok(apply_each(&context.client, verb, ids.resolve(context).await?, at_once).await)
}

fn reached((id, outcome): (ProcessId, Result<Accepted, Error>)) -> Outcome {
    let state = outcome.and_then(|accepted| {
        let request = format!("the command for {id}");
        accepted.state.ok_or_else(|| Error::Protocol { request, why: "it names no state".to_owned() })
    });
    (id, state.map(Done::Now))
}

async fn apply_each(client: &Client, verb: Verb, ids: Vec<ProcessId>, at_once: usize) -> Vec<Outcome> {
    let permits = Arc::new(Semaphore::new(at_once));
    let mut tasks = JoinSet::new();
    for (index, id) in ids.iter().cloned().enumerate() {
        let (client, permits) = (client.clone(), Arc::clone(&permits));
        tasks.spawn(async move {
            // Never closed, so there is always a permit to come.
            let _permit = permits.acquire().await;
            (index, id.clone(), verb.apply(&client, &id).await)
        });
    }
    let mut outcomes = tasks.join_all().await;
    outcomes.sort_by_key(|(index, ..)| *index);
    outcomes.into_iter().map(|(_, id, outcome)| (id, outcome)).collect()
}

impl Verb {
    fn needs_monitor(self) -> bool {
        matches!(self, Self::Start | Self::Stop | Self::Restart)
    }

    /// What the monitor can do for many at once, and what is waited for.
    fn at_once(self) -> Option<(client::Verb, Wait)> {
        match self {
            Self::Start => Some((client::Verb::Start, Wait::Ready)),
            Self::Stop => Some((client::Verb::Stop, Wait::Accepted)),
            Self::Restart => Some((client::Verb::Restart, Wait::Ready)),
            Self::Enable | Self::Disable | Self::Remove => None,
        }
    }

    async fn apply(self, client: &Client, id: &ProcessId) -> Result<Done, Error> {
        match self {
            Self::Start => client.start(id, Wait::Ready).await.map(Done::Now),
            Self::Stop => client.stop(id).await.map(Done::Now),
            Self::Restart => client.restart(id, Wait::Ready).await.map(Done::Now),
            Self::Enable => client.enable(id).await.map(Done::Changed),
            Self::Disable => client.disable(id).await.map(Done::Changed),
            Self::Remove => client.remove(id).await.map(Done::Changed),
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "stopped",
            Self::Restart => "restarted",
            Self::Enable => "enabled",
            Self::Disable => "disabled",
            Self::Remove => "removed",
        }
    }
}

fn tell(context: &Context, verb: Verb, outcomes: &[Outcome]) -> Result<(), Failure> {
    if context.json {
        let program = &context.invocation;
        let results: Vec<_> =
            outcomes.iter().map(|(id, outcome)| json_of(id, verb, outcome, program)).collect();
        return console::print_json(&json!({ "results": results }));
    }
    if outcomes.is_empty() {
        console::note("there are no processes");
    }
    for (id, outcome) in outcomes {
        match outcome {
            Ok(done) => console::print(&line(id, verb, done))?,
            Err(error) => console::complain(&Report::of(error, &context.invocation), false),
        }
    }
    Ok(())
}

fn line(id: &ProcessId, verb: Verb, done: &Done) -> String {
    match done {
        Done::Now(state) if state.name() == verb.done() => format!("{id}: {state}\n"),
        Done::Now(state) => format!("{id}: {}, it is {state}\n", verb.done()),
        Done::Changed(Source::Monitor) => format!("{id}: {}\n", verb.done()),
        Done::Changed(Source::File) => {
            format!("{id}: {} in the registry (the monitor is not running)\n", verb.done())
        }
    }
}

fn json_of(id: &ProcessId, verb: Verb, outcome: &Result<Done, Error>, program: &str) -> Value {
    match outcome {
        Ok(Done::Now(state)) => json!({ "id": id, "success": true, "done": verb.done(), "state": state }),
        Ok(Done::Changed(source)) => {
            json!({ "id": id, "success": true, "done": verb.done(), "source": list::name(*source) })
        }
        Err(error) => {
            let Report { message, code, advice, .. } = Report::of(error, program);
            json!({ "id": id, "success": false, "error": message, "code": code, "advice": advice })
        }
    }
}

/// The exit code for several failures: theirs when they agree, else "failed".
fn worst(mut codes: impl Iterator<Item = Code>) -> Option<Code> {
    let first = codes.next()?;
    Some(if codes.all(|code| code == first) { first } else { Code::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_of_several_failures() {
        let (missing, failed) = (Code::NoSuchProcess, Code::Failed);
        assert_eq!(worst([].into_iter()), None);
        assert_eq!(worst([missing, missing].into_iter()), Some(missing));
        assert_eq!(worst([missing, failed].into_iter()), Some(failed));
    }

    #[test]
    fn a_line_says_what_was_done_and_what_is() {
        let id = ProcessId::new("web").unwrap();
        assert_eq!(
            line(&id, Verb::Start, &Done::Now(ProcessState::Running)),
            "web: started, it is running\n"
        );
        assert_eq!(line(&id, Verb::Stop, &Done::Now(ProcessState::Stopped)), "web: stopped\n");
        assert_eq!(line(&id, Verb::Remove, &Done::Changed(Source::Monitor)), "web: removed\n");
    }
}
