//! Health checks, carried out: what the engine asks for becomes a probe, its answer a message.

use super::inbox::{Inbox, Message};
use super::permits::Permits;
use process_monitor_core::access::admission::for_strangers;
use process_monitor_core::engine::Event;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{AlivenessCheck, ExecCheck, ProcessEntry};
use process_monitor_host::probe::{ExecTarget, ProbeRequest, Prober, Target, Vetting};
use process_monitor_host::process::tree::Reaper;
use std::sync::Arc;
use std::time::Duration;

/// Carries checks out. Its thread is started by the first one.
pub struct Checker {
    inbox: Inbox,
    reaper: Arc<Reaper>,
    permits: Permits,
    prober: Option<Arc<Prober>>,
}

impl Checker {
    /// Answers go to `inbox`; orphans of programs that check fall to `reaper`; `permits` says
    /// which programs may check.
    pub fn new(inbox: Inbox, reaper: Arc<Reaper>, permits: Permits) -> Self {
        Self { inbox, reaper, permits, prober: None }
    }

    /// Begins a check; [`Event::Checked`] follows.
    pub fn check(&mut self, id: ProcessId, run: RunId, number: u64, entry: &Arc<ProcessEntry>) {
        let inbox = self.inbox.clone();
        let target = self.target(&run, number, entry);
        let shown = entry.untrusted_peer.is_none();
        let answer = move |result: Result<(), String>| {
            let result = result.map_err(|why| if shown { why } else { for_strangers(why) });
            inbox.send(Message::Event(Box::new(Event::Checked { id, run, number, result })));
        };
        let (target, timeout) = match target {
            Ok(found) => found,
            Err(why) => return answer(Err(why)),
        };
        match self.prober() {
            Ok(prober) => prober.probe(ProbeRequest { target, timeout }, move |result| {
                answer(result.map_err(|error| error.to_string()));
            }),
            Err(why) => answer(Err(why)),
        }
    }

    /// What carries out requests to other programs.
    ///
    /// # Errors
    /// In words, when its thread cannot be started.
    pub fn prober(&mut self) -> Result<Arc<Prober>, String> {
        if let Some(prober) = &self.prober {
            return Ok(Arc::clone(prober));
        }
        let started = Prober::start(Arc::clone(&self.reaper))
            .map_err(|error| format!("cannot start the thread of the checks: {error}"));
        let prober = Arc::new(started?);
        self.prober = Some(Arc::clone(&prober));
        Ok(prober)
    }
}

impl Checker {
    fn target(
        &self,
        run: &RunId,
        number: u64,
        entry: &Arc<ProcessEntry>,
    ) -> Result<(Target, Duration), String> {
        let check = entry.check().ok_or("the check was switched off")?;
        let timeout = Duration::from_millis(check.timeout_ms);
        let target = match check {
            AlivenessCheck { url: Some(url), success_codes, verify_tls, .. } => Target::Http {
                url: url.clone(),
                success_codes: success_codes.clone(),
                verify_tls: *verify_tls,
            },
            AlivenessCheck { tcp: Some(address), .. } => Target::Tcp { address: address.clone() },
            AlivenessCheck { exec: Some(exec), .. } => {
                let vetting = self.permits.vetting(entry, &exec.command);
                Target::Exec(exec_target(run, number, entry, exec, vetting))
            }
            _ => return Err("nothing to ask".to_owned()),
        };
        Ok((target, timeout))
    }
}

/// The program of a check runs as its process does: same folder, same environment.
fn exec_target(
    run: &RunId,
    number: u64,
    entry: &ProcessEntry,
    exec: &ExecCheck,
    vetting: Option<Vetting>,
) -> ExecTarget {
    ExecTarget {
        vetting,
        process: entry.id.clone(),
        // Its tree is told from that of the run by an id of its own.
        run: RunId::new(&format!("{run}-c{number}")).unwrap_or_else(|_| run.clone()),
        command: exec.command.clone(),
        args: exec.args.clone(),
        working_directory: entry.working_directory.clone().map(Into::into),
        environment: entry.environment.iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect(),
    }
}
