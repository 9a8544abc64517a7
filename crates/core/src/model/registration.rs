//! What clients send about a process: a registration, and a change of one.

use super::problem::Problem;
use super::schema::{partial, with_inner, without};
use super::{AlivenessCheck, ExecCheck, ProcessEntry};
use crate::reading::{Document, Readable, Report, patched};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// The fields of an entry that the monitor writes, and nobody else.
pub const RUNTIME_FIELDS: [&str; 9] = [
    "lastStartedAt",
    "lastStoppedAt",
    "pid",
    "state",
    "restartAttempts",
    "consecutiveFailures",
    "lastExit",
    "pastRuns",
    "removing",
];

/// A new entry as a client sends it: as in the registry's file, except that a health check which does not say
/// whether it is enabled is. Runtime fields are taken and dropped, because clients of the earlier
/// implementation send whole entries back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Registration {
    /// What it comes to.
    pub entry: ProcessEntry,
    /// Whether it says `isRemote` itself; otherwise that depends on the way it came.
    #[serde(skip)]
    pub says_remote: bool,
}

impl Readable for Registration {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        let says_remote = value.get("isRemote").is_some_and(|remote| !remote.is_null());
        let mut entry = ProcessEntry::read(value, report)?.without_runtime();
        (entry.registered_at, entry.untrusted_peer) = (None, None);
        if let Some(check) = &mut entry.aliveness_check {
            check.enabled.get_or_insert(true);
        }
        Some(Self { entry, says_remote })
    }
}

impl PartialSchema for Registration {
    fn schema() -> RefOr<Schema> {
        let about = "A process to be registered. `alivenessCheck.enabled` is true when the check does not say. Fields that \
            the monitor writes, like `pid`, may be sent and are ignored.";
        without(&written_by_monitor(), about, ProcessEntry::schema())
    }
}

impl ToSchema for Registration {
    fn schemas(found: &mut Vec<(String, RefOr<Schema>)>) {
        ProcessEntry::schemas(found);
    }
}

/// The fields that no client gives.
fn written_by_monitor() -> Vec<&'static str> {
    ["registeredAt", "untrustedPeer"].into_iter().chain(RUNTIME_FIELDS).collect()
}

impl Document for Registration {
    fn problems(&self) -> Vec<Problem> {
        self.entry.validate()
    }
}

impl Document for ProcessEntry {
    fn problems(&self) -> Vec<Problem> {
        self.validate()
    }
}

/// A change of an entry (RFC 7396, JSON merge patch). Shown nowhere: it may hold values of an environment.
#[derive(Clone, PartialEq)]
pub struct EntryPatch(pub Map<String, Value>);

impl EntryPatch {
    /// `entry` changed.
    ///
    /// # Errors
    /// Everything that is wrong with the change and with what would come of it.
    pub fn apply(&self, entry: &ProcessEntry) -> Result<ProcessEntry, Vec<Problem>> {
        let kept = ["id"].into_iter().chain(written_by_monitor());
        let kept: Vec<_> = kept.filter(|field| self.0.contains_key(*field)).map(not_changed).collect();
        let result = patched(entry, &self.0);
        let mut changed = match (kept.is_empty(), result) {
            (true, result) => result?,
            (false, result) => return Err(with(kept, result.err().unwrap_or_default())),
        };
        if let (None, Some(check)) = (&entry.aliveness_check, &mut changed.aliveness_check) {
            check.enabled.get_or_insert(true);
        }
        if !changed.is_remote {
            // Nobody but a trusted peer can say so, and vouches for it with that.
            changed.untrusted_peer = None;
        }
        let problems = changed.validate();
        if problems.is_empty() { Ok(changed) } else { Err(problems) }
    }
}

impl PartialSchema for EntryPatch {
    fn schema() -> RefOr<Schema> {
        let about = "A change of a process (RFC 7396, JSON merge patch): the fields that are to be different, `null` for \
            those that are to have their default again.";
        let fields: Vec<_> = ["id"].into_iter().chain(written_by_monitor()).collect();
        let entry = partial(without(&fields, about, ProcessEntry::schema()));
        // A change of an object may leave out even what the object requires.
        let check = with_inner("exec", partial(ExecCheck::schema()), AlivenessCheck::schema());
        with_inner("alivenessCheck", check, entry)
    }
}

impl ToSchema for EntryPatch {
    fn schemas(found: &mut Vec<(String, RefOr<Schema>)>) {
        ProcessEntry::schemas(found);
    }
}

impl std::fmt::Debug for EntryPatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

fn not_changed(field: &str) -> Problem {
    let why = match field {
        "id" => "an id stays what it is; register another process instead",
        _ => "the monitor alone writes this field; leave it out",
    };
    Problem::new(field, why)
}

/// Both, but what is wrong inside a field that may not be there at all.
fn with(mut kept: Vec<Problem>, others: Vec<Problem>) -> Vec<Problem> {
    let others: Vec<_> = others
        .into_iter()
        .filter(|problem| !kept.iter().any(|field| problem.path.is_within(&field.path)))
        .collect();
    kept.extend(others);
    kept
}

impl ProcessEntry {
    /// The fields in which `other` differs from this and which a program takes up only when it is started.
    pub fn takes_a_restart(&self, other: &Self) -> Vec<&'static str> {
        // A program is told by its environment where to say what, and how often.
        let told = |entry: &Self| entry.check().map(|check| (check.listens(), check.watchdog_ms));
        [
            ("command", self.command != other.command),
            ("args", self.args != other.args),
            ("workingDirectory", self.working_directory != other.working_directory),
            ("environment", self.environment != other.environment),
            ("alivenessCheck", told(self).unwrap_or_default() != told(other).unwrap_or_default()),
            ("logs", self.logs() != other.logs()),
            ("output", self.output != other.output),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }
}
