//! `--exit-with ID`: the monitor ends when that process has, with its exit code. For containers, whose end is the end of
//! one program.

use super::Handle;
use process_monitor_client::api::{EventKind, ProcessEvent};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use std::sync::{Arc, OnceLock};
use tokio::task::JoinHandle;

/// What a shell makes of a signal: this, and its number.
const SIGNALED: i32 = 128;

/// Watches one process until this is dropped.
pub struct ExitWith {
    code: Arc<OnceLock<u8>>,
    watching: JoinHandle<()>,
}

impl ExitWith {
    /// Has the monitor stop when `id` comes to rest: when it has ended and its restart policy does not start it again, or
    /// when it was stopped, disabled or removed.
    pub fn watch(id: ProcessId, handle: Handle) -> Self {
        let code = Arc::new(OnceLock::new());
        let ended = Arc::clone(&code);
        // From the first event on: it may have ended while one image of the monitor followed another.
        let mut listener = handle.events().listen_from_the_first();
        let watching = async move {
            while let Some(event) = listener.next().await {
                if rests(&event, &id) && !handle.is_stopping() {
                    let exit = handle.last_exit(&id).map_or(0, exit_code);
                    tracing::info!(process = %id, "it has ended, and with it this monitor, with exit code {exit}");
                    // Nobody else sets it.
                    let _ = ended.set(exit);
                    return handle.shut_down();
                }
            }
        };
        Self { code, watching: tokio::spawn(watching) }
    }

    /// With which code the monitor ends; `None` when it ends for another reason.
    pub fn code(&self) -> Option<u8> {
        self.code.get().copied()
    }
}

impl Drop for ExitWith {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

fn rests(event: &ProcessEvent, id: &ProcessId) -> bool {
    use ProcessState::{Disabled, Failed, Stopped};
    let at_rest = matches!(event.to, Some(Stopped | Failed | Disabled));
    event.process.as_ref() == Some(id) && (at_rest || event.kind == EventKind::Removed)
}

fn exit_code(exit: Exit) -> u8 {
    match exit {
        Exit::Code(code) => u8::try_from(code).unwrap_or(1),
        Exit::Signal(signal) => u8::try_from(SIGNALED + signal).unwrap_or(1),
        Exit::Unknown => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_a_shell() {
        let codes = [Exit::Code(0), Exit::Code(42), Exit::Signal(9), Exit::Unknown, Exit::Code(-1)];
        assert_eq!(codes.map(exit_code), [0, 42, 137, 1, 1]);
    }
}
