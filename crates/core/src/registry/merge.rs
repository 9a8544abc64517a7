//! A registry that somebody edited, merged with the one in memory (SPEC 3.3).
//!
//! Three registries: `base` is what we last read or wrote, `ours` is what we hold, `theirs` is the file
//! as it is now. What they did is the difference from `base` to `theirs`.
//!
//! * **Configuration**: what either side changed is kept, field by field; where both changed the same
//!   field, the file wins ([`ThreeWay`]). Where the two changes cannot be obeyed together (one gave a check a
//!   `url`, the other a `tcp`), the file's whole entry, or its settings, win; but not over fields that we do not know, of
//!   which none can be wrong.
//! * **Entries**: an entry they added or removed is added or removed. One that we removed stays
//!   removed, one that we added stays.
//! * **Runtime state** is ours alone: nobody else knows what runs. Only a `state` that they changed
//!   means something: it is a request, see [`Edit`]. Unless its times of start and end are older than what we wrote:
//!   then an editor saved what it had read before that.

use super::Registry;
use crate::id::ProcessId;
use crate::model::{ProcessEntry, ProcessState, ThreeWay};
use crate::time::Wall;
use std::sync::Arc;

/// What somebody did to the file, as requests that the engine carries out. Of one entry they come in
/// the order of the variants.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Settings of the monitor itself changed; the merged registry has them.
    Settings,
    /// The entry was removed: stop its process and forget it.
    Removed(ProcessId),
    /// The entry is new. It has not run: its runtime fields are reset.
    Added(Arc<ProcessEntry>),
    /// The entry's configuration changed, and this is the merged entry. `enabled` is not counted as
    /// configuration here: a change of it comes as [`Edit::Enable`] or [`Edit::Disable`].
    Changed(Arc<ProcessEntry>),
    /// `enabled` became true.
    Enable(ProcessId),
    /// `enabled` became false, or `state` was set to `disabled`.
    Disable(ProcessId),
    /// `state` was set to `starting`.
    Start(ProcessId),
    /// `state` was set to `stopped` or `stopping`.
    Stop(ProcessId),
}

/// The outcome of [`merge`].
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// What memory and file should hold from now on. An entry that is as in `ours` is the same `Arc`.
    pub merged: Registry,
    /// What has to be done so that the world follows.
    pub edits: Vec<Edit>,
}

/// Merges what `theirs` changed since `base` into `ours`, in one pass over the entries.
pub fn merge(base: &Registry, ours: &Registry, theirs: &Registry) -> Merge {
    let mut edits = Vec::new();
    let mut merged = merge_settings(base, ours, theirs, &mut edits);
    let removed = ours
        .processes
        .keys()
        .filter(|id| base.processes.contains_key(*id) && !theirs.processes.contains_key(*id));
    edits.extend(removed.cloned().map(Edit::Removed));
    merged.processes.reserve(theirs.processes.len());
    for (id, their_entry) in &theirs.processes {
        let entry = match (base.processes.get(id), ours.processes.get(id)) {
            (Some(base), Some(ours)) => merge_entry(base, ours, their_entry, &mut edits),
            (Some(_), None) => continue,
            (None, Some(ours)) => both_added(ours, their_entry, &mut edits),
            (None, None) => add_entry(their_entry, &mut edits),
        };
        merged.processes.insert(id.clone(), entry);
    }
    let added_by_us = ours
        .processes
        .iter()
        .filter(|(id, _)| !base.processes.contains_key(*id) && !theirs.processes.contains_key(*id));
    merged.processes.extend(added_by_us.map(|(id, entry)| (id.clone(), Arc::clone(entry))));
    Merge { merged, edits }
}

fn merge_settings(base: &Registry, ours: &Registry, theirs: &Registry, edits: &mut Vec<Edit>) -> Registry {
    let before = ours.settings();
    let merged = Registry::three_way(&base.settings(), &before, &theirs.settings());
    let merged = if merged.validate().is_empty() {
        merged
    } else {
        Registry { extra: merged.extra, ..theirs.settings() }
    };
    if merged != before {
        edits.push(Edit::Settings);
    }
    let last_modified = ThreeWay::three_way(&base.last_modified, &ours.last_modified, &theirs.last_modified);
    Registry { last_modified, ..merged }
}

fn add_entry(theirs: &Arc<ProcessEntry>, edits: &mut Vec<Edit>) -> Arc<ProcessEntry> {
    let wanted = theirs.state;
    let mut entry = ProcessEntry::clone(theirs).without_runtime();
    entry.enabled &= wanted != ProcessState::Disabled;
    let entry = Arc::new(entry);
    edits.push(Edit::Added(Arc::clone(&entry)));
    if wanted == ProcessState::Starting && entry.enabled {
        edits.push(Edit::Start(entry.id.clone()));
    }
    entry
}

/// To merge field by field from nothing would mix two programs, so theirs is taken whole.
fn both_added(ours: &Arc<ProcessEntry>, theirs: &ProcessEntry, edits: &mut Vec<Edit>) -> Arc<ProcessEntry> {
    let theirs = Arc::new(theirs.clone().with_runtime_of(ours));
    merge_entry(ours, ours, &theirs, edits)
}

fn merge_entry(
    base: &Arc<ProcessEntry>,
    ours: &Arc<ProcessEntry>,
    theirs: &Arc<ProcessEntry>,
    edits: &mut Vec<Edit>,
) -> Arc<ProcessEntry> {
    if Arc::ptr_eq(base, theirs) || base == theirs {
        return Arc::clone(ours);
    }
    let request = Request::of(base, theirs);
    let together = ProcessEntry::three_way(base, ours, theirs);
    let together = if together.validate().is_empty() {
        together
    } else {
        ProcessEntry { extra: together.extra, ..ProcessEntry::clone(theirs) }
    };
    let mut merged = together.with_runtime_of(ours);
    merged.enabled &= request != Some(Request::Disable);
    let merged = if merged == **ours { Arc::clone(ours) } else { Arc::new(merged) };
    if !same_but_enabled(ours, &merged) {
        edits.push(Edit::Changed(Arc::clone(&merged)));
    }
    match (ours.enabled, merged.enabled) {
        (false, true) => edits.push(Edit::Enable(merged.id.clone())),
        (true, false) => edits.push(Edit::Disable(merged.id.clone())),
        _ => {}
    }
    edits.extend(request.and_then(|request| request.edit(&merged)));
    merged
}

fn same_but_enabled(one: &ProcessEntry, other: &ProcessEntry) -> bool {
    let other = ProcessEntry { enabled: one.enabled, ..other.clone() };
    *one == other
}

/// Whether somebody wrote back an entry that he had read before the process was last started or ended: its state is
/// what was, and no request. An entry without times is one that somebody wrote anew.
fn is_older(theirs: &ProcessEntry, base: &ProcessEntry) -> bool {
    let older = |theirs: Option<Wall>, base: Option<Wall>| theirs.is_some() && theirs < base;
    older(theirs.last_started_at, base.last_started_at) || older(theirs.last_stopped_at, base.last_stopped_at)
}

/// What they ask for by a `state` that they changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Request {
    Start,
    Stop,
    Disable,
}

impl Request {
    /// `None` where the state did not change, or to one that only the monitor can know.
    fn of(base: &ProcessEntry, theirs: &ProcessEntry) -> Option<Self> {
        match (base.state, theirs.state) {
            (before, now) if before == now => None,
            _ if is_older(theirs, base) => None,
            (_, ProcessState::Starting) => Some(Self::Start),
            // How the earlier implementation enables.
            (ProcessState::Disabled, ProcessState::Stopped) => None,
            (_, ProcessState::Stopped | ProcessState::Stopping) => Some(Self::Stop),
            // `enabled`, set to true in the same edit, is the plainer word.
            (_, ProcessState::Disabled) if theirs.enabled && !base.enabled => None,
            (_, ProcessState::Disabled) => Some(Self::Disable),
            _ => None,
        }
    }

    /// What is left to ask of an entry after it was enabled or disabled.
    fn edit(self, entry: &ProcessEntry) -> Option<Edit> {
        match self {
            Self::Start if entry.enabled => Some(Edit::Start(entry.id.clone())),
            Self::Stop if entry.enabled => Some(Edit::Stop(entry.id.clone())),
            _ => None,
        }
    }
}
