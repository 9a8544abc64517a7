//! Which process of a run goes on, when a program tells that by a pid file, its status url, or a message.
//! What it tells is believed when the process is one of the run's tree.

use super::executor::Executor;
use super::inbox::{Inbox, Message};
use super::tree::Tree;
use process_monitor_core::access::admission::for_strangers;
use process_monitor_core::engine::NoMain;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{AlivenessCheck, ProcessEntry};
use process_monitor_host::files;
use process_monitor_host::process::Process;
use process_monitor_host::process::tree::Reaper;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A pid file is a number; what is longer is none.
const LONGEST_PID_FILE: u64 = 256;

/// A look for a run's main process; its end is told as [`Message::MainFound`].
struct Search {
    id: ProcessId,
    run: RunId,
    tree: Tree,
    reaper: Arc<Reaper>,
    inbox: Inbox,
}

impl Executor {
    /// Finds out which process of `run` goes on.
    pub(super) fn find_main(&mut self, id: ProcessId, run: RunId, entry: &ProcessEntry, hint: Option<u32>) {
        let tree = self.live.get(&run).map(|live| &live.tree).or_else(|| self.remains.get(&run)).cloned();
        let Some(tree) = tree else {
            return self.inbox.send(Message::MainFound(id, run, Err(NoMain::Gone)));
        };
        let search = Search { id, run, tree, reaper: Arc::clone(&self.reaper), inbox: self.inbox.clone() };
        let pool = self.killers.clone();
        match (hint, entry.check()) {
            (Some(pid), _) => pool.run(move || search.vouch_for(pid, "MAINPID")),
            (None, Some(AlivenessCheck { pid_file: Some(file), .. })) => {
                let folder = entry.working_directory.as_deref().unwrap_or_default();
                let path = Path::new(folder).join(file);
                pool.run(move || search.read(&path));
            }
            (None, Some(AlivenessCheck { status_url: Some(url), verify_tls, timeout_ms, .. })) => {
                let prober = match self.checker.prober() {
                    Ok(prober) => prober,
                    Err(why) => return search.end(Err(NoMain::Unknown(why))),
                };
                let (asked, url, shown) = (url.clone(), url.clone(), entry.untrusted_peer.is_none());
                prober.ask_pid(url, *verify_tls, Duration::from_millis(*timeout_ms), move |answer| {
                    match answer {
                        Ok(pid) => pool.run(move || search.vouch_for(pid, &asked)),
                        Err(error) => pool.run(move || {
                            let why = format!("{asked}: {error}");
                            search.not_told(if shown { why } else { for_strangers(why) });
                        }),
                    }
                });
            }
            (None, _) => search.end(Err(NoMain::Unknown("nothing tells".to_owned()))),
        }
    }
}

impl Search {
    fn read(self, path: &Path) {
        let told = files::read_bounded(path, LONGEST_PID_FILE).map_err(|error| error.to_string());
        let pid = told.and_then(|text| {
            let text = String::from_utf8_lossy(&text).trim().to_owned();
            text.parse().map_err(|_| format!("{} holds {text:?}, which is no pid", path.display()))
        });
        match pid {
            Ok(pid) => self.vouch_for(pid, &path.display().to_string()),
            Err(why) => self.not_told(why),
        }
    }

    fn vouch_for(self, pid: u32, by: &str) {
        let result = match self.tree.vouch(&self.reaper, pid) {
            Ok(Some(process)) => Ok(process),
            Ok(None) => {
                return self.not_told(format!("{by} tells pid {pid}, which is no live process of its tree"));
            }
            Err(error) => Err(NoMain::Unknown(format!("cannot look at pid {pid}: {error}"))),
        };
        self.end(result);
    }

    fn not_told(self, why: String) {
        let gone = !self.tree.is_left(&self.reaper);
        self.end(Err(if gone { NoMain::Gone } else { NoMain::Unknown(why) }));
    }

    fn end(self, result: Result<Process, NoMain>) {
        self.inbox.send(Message::MainFound(self.id, self.run, result));
    }
}
