//! What a client may change while no monitor runs: the rules, on the registry document.
//!
//! The monitor has the same rules for a running process, where a change also has effects.

use crate::Error;
use crate::api::Problem;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{EntryPatch, ProcessEntry, ProcessState, Token};
use process_monitor_core::nearest::nearest;
use process_monitor_core::registry::Registry;
use process_monitor_core::time::Wall;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A change of the configuration.
pub(crate) enum Change {
    /// A new process.
    Register(Box<ProcessEntry>),
    /// It is forgotten; its logs stay.
    Remove(ProcessId),
    /// It may be started again; it is not started.
    Enable(ProcessId),
    /// It may not be started.
    Disable(ProcessId),
    /// Whether it starts with the monitor.
    Autostart(ProcessId, bool),
    /// Parts of a configuration.
    Update(ProcessId, EntryPatch),
    /// Settings of the monitor.
    Configure(Map<String, Value>),
    /// One more token.
    AddToken(Token),
    /// The token with this id counts no more.
    RevokeToken(String),
}

impl Change {
    /// What the lock file says its holder does.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Remove(_) => "deregister",
            Self::Enable(_) => "enable",
            Self::Disable(_) => "disable",
            Self::Autostart(..) => "setAutostart",
            Self::Update(..) => "update",
            Self::Configure(_) => "configure",
            Self::AddToken(_) => "createToken",
            Self::RevokeToken(_) => "revokeToken",
        }
    }

    /// Applies the change to `registry`, or leaves it as it is and says why not.
    pub(crate) fn apply(self, registry: &mut Registry, now: Wall) -> Result<(), Error> {
        match self {
            Self::Register(entry) => register(registry, *entry, now),
            Self::Remove(id) => {
                // The order of the others is the user's.
                registry.processes.shift_remove(&id).map(|_| ()).ok_or_else(|| missing(registry, &id))
            }
            Self::Enable(id) => edit(registry, &id, |entry| {
                entry.enabled = true;
                if entry.state == ProcessState::Disabled {
                    entry.state = ProcessState::Stopped;
                }
            }),
            Self::Disable(id) => edit(registry, &id, |entry| {
                entry.enabled = false;
                entry.state = ProcessState::Disabled;
            }),
            Self::Autostart(id, autostart) => edit(registry, &id, |entry| entry.autostart = autostart),
            Self::Update(id, patch) => {
                let entry = registry.processes.get_mut(&id);
                let Some(entry) = entry else { return Err(missing(registry, &id)) };
                *entry = Arc::new(patch.apply(entry).map_err(invalid)?);
                Ok(())
            }
            Self::Configure(change) => {
                registry.adopt_settings(registry.reconfigured(&change).map_err(invalid)?);
                Ok(())
            }
            Self::AddToken(token) => {
                registry.remote_access.tokens.push(token);
                Ok(())
            }
            Self::RevokeToken(id) => revoke(&mut registry.remote_access.tokens, id),
        }
    }
}

fn revoke(tokens: &mut Vec<Token>, id: String) -> Result<(), Error> {
    let before = tokens.len();
    tokens.retain(|token| token.id != id);
    if tokens.len() < before { Ok(()) } else { Err(Error::TokenNotFound { id }) }
}

pub(crate) fn invalid(problems: Vec<process_monitor_core::model::Problem>) -> Error {
    Error::Invalid { problems: problems.into_iter().map(Problem::from).collect() }
}

fn register(registry: &mut Registry, entry: ProcessEntry, now: Wall) -> Result<(), Error> {
    let problems = entry.validate();
    if !problems.is_empty() {
        return Err(invalid(problems));
    }
    if registry.processes.contains_key(&entry.id) {
        return Err(Error::AlreadyExists { id: entry.id });
    }
    let mut new = entry.without_runtime();
    new.state = if new.enabled { ProcessState::Stopped } else { ProcessState::Disabled };
    new.registered_at = Some(now);
    registry.processes.insert(new.id.clone(), Arc::new(new));
    Ok(())
}

fn edit(
    registry: &mut Registry,
    id: &ProcessId,
    change: impl FnOnce(&mut ProcessEntry),
) -> Result<(), Error> {
    match registry.processes.get_mut(id) {
        Some(entry) => {
            change(Arc::make_mut(entry));
            Ok(())
        }
        None => Err(missing(registry, id)),
    }
}

/// That `id` is not in `registry`, and what may have been meant.
pub(crate) fn missing(registry: &Registry, id: &ProcessId) -> Error {
    let nearest = nearest(id.as_str(), registry.processes.keys()).cloned();
    Error::ProcessNotFound { id: id.clone(), nearest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::id::InstanceId;
    use serde_json::json;

    fn id(text: &str) -> ProcessId {
        ProcessId::new(text).unwrap()
    }

    fn registry(ids: &[&str]) -> Registry {
        let mut registry = Registry::new(InstanceId::default());
        for name in ids {
            let entry = Box::new(ProcessEntry::new(id(name), "/bin/true"));
            Change::Register(entry).apply(&mut registry, Wall::default()).unwrap();
        }
        registry
    }

    #[test]
    fn a_registered_process_has_never_run() {
        let mut entry = ProcessEntry::new(id("web"), "/bin/true");
        (entry.pid, entry.state, entry.restart_attempts) = (Some(7), ProcessState::Running, 3);
        let mut registry = registry(&[]);
        let now = Wall::from_unix_millis(1);
        Change::Register(Box::new(entry)).apply(&mut registry, now).unwrap();
        let entry = &registry.processes["web"];
        assert_eq!((entry.pid, entry.state, entry.restart_attempts), (None, ProcessState::Stopped, 0));
        assert_eq!(entry.registered_at, Some(now));
    }

    #[test]
    fn an_id_is_taken_once() {
        let mut registry = registry(&["web"]);
        let again = Change::Register(Box::new(ProcessEntry::new(id("web"), "/bin/false")));
        assert!(matches!(again.apply(&mut registry, Wall::default()), Err(Error::AlreadyExists { .. })));
        assert_eq!(registry.processes["web"].command, "/bin/true");
    }

    #[test]
    fn a_wrong_registration_names_every_problem() {
        let mut entry = ProcessEntry::new(id("web"), "");
        entry.working_directory = Some(String::new());
        let error = Change::Register(Box::new(entry)).apply(&mut registry(&[]), Wall::default()).unwrap_err();
        assert!(matches!(&error, Error::Invalid { problems } if problems.len() == 2), "{error}");
    }

    #[test]
    fn disable_and_enable() {
        let mut registry = registry(&["web"]);
        Change::Disable(id("web")).apply(&mut registry, Wall::default()).unwrap();
        let entry = &registry.processes["web"];
        assert_eq!((entry.enabled, entry.state), (false, ProcessState::Disabled));
        Change::Enable(id("web")).apply(&mut registry, Wall::default()).unwrap();
        let entry = &registry.processes["web"];
        assert_eq!((entry.enabled, entry.state), (true, ProcessState::Stopped));
    }

    #[test]
    fn removing_keeps_the_order_of_the_others() {
        let mut registry = registry(&["a", "b", "c"]);
        Change::Remove(id("a")).apply(&mut registry, Wall::default()).unwrap();
        assert!(registry.processes.keys().map(ProcessId::as_str).eq(["b", "c"]));
    }

    #[test]
    fn a_mistyped_id_is_corrected() {
        let mut registry = registry(&["web", "database"]);
        let error = Change::Autostart(id("databse"), true).apply(&mut registry, Wall::default()).unwrap_err();
        assert_eq!(error.to_string(), "there is no process databse");
        assert_eq!(error.advice("pm"), "did you mean database?");
    }

    #[test]
    fn parts_are_changed_by_the_rule_of_the_monitor() {
        let mut registry = registry(&["web"]);
        let mut update = |patch: Value| {
            let Value::Object(patch) = patch else { panic!("no object") };
            Change::Update(id("web"), EntryPatch(patch)).apply(&mut registry, Wall::default())?;
            Ok::<_, Error>(registry.processes["web"].clone())
        };
        assert_eq!(update(json!({ "args": ["x"] })).unwrap().args, ["x"]);
        let error = update(json!({ "command": "", "pid": 7 })).unwrap_err();
        assert!(matches!(&error, Error::Invalid { problems } if problems.len() == 2), "{error}");
        assert_eq!(update(json!({})).unwrap().command, "/bin/true");
    }
}
