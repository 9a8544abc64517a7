//! Bodies of requests.

use super::{told, told_one};
use process_monitor_client::api::{AutostartBody, BatchBody, SignalBody};
use process_monitor_core::id::{InstanceId, ProcessId};
use process_monitor_core::model::{EntryPatch, ProcessEntry, Registration};
use process_monitor_core::reading::{Document, MOST_PROBLEMS, Unreadable, patch, read};
use process_monitor_core::registry::Registry;
use std::sync::Arc;

/// Reads any bytes as every body there is: nothing panics, what is refused is refused for a reason, and what is taken
/// can be obeyed, saved, and read again.
pub fn request(body: &[u8]) -> String {
    let registration = read::<Registration>(body).map(|sent| registered(&sent.entry));
    let changed = patch(body).map(|change| changed(&EntryPatch(change)));
    let small = [
        verdict(read::<AutostartBody>(body)),
        verdict(read::<SignalBody>(body)),
        verdict(read::<BatchBody>(body)),
    ];
    [verdict(registration), verdict(changed)].into_iter().chain(small).collect::<Vec<_>>().join("|")
}

fn verdict<T>(result: Result<T, Unreadable>) -> String {
    match result {
        Ok(_) => "taken".to_owned(),
        Err(Unreadable::NotJson(syntax)) => {
            assert!(syntax.line >= 1 && syntax.column >= 1, "{syntax}");
            told_one("", &syntax.message)
        }
        Err(Unreadable::Invalid(problems)) => {
            assert!(problems.len() <= MOST_PROBLEMS, "{} problems", problems.len());
            told(&problems)
        }
    }
}

/// What was registered is what is saved and what is read again.
fn registered(entry: &ProcessEntry) {
    assert_eq!(entry.problems(), [], "it was taken, and cannot be obeyed");
    assert!(entry.extra.is_empty(), "it was taken with a field that nobody knows");
    let text = serde_json::to_vec(entry).expect("an entry is JSON");
    let Registration { entry: again, .. } = read(&text).expect("what was taken is taken again");
    assert!(again == *entry, "it is read as another: {entry:?}, {again:?}");
    saved(entry);
}

fn saved(entry: &ProcessEntry) {
    let instance = InstanceId::default();
    let mut registry = Registry::new(instance.clone());
    registry.processes.insert(entry.id.clone(), Arc::new(entry.clone()));
    let text = registry.to_json().expect("a registry is JSON");
    let read =
        Registry::parse(&text, &instance).unwrap_or_else(|error| panic!("it is not read again: {error}"));
    assert!(read == registry, "it is read as another: {entry:?}");
}

/// A change applied to an entry that has something in every field.
fn changed(change: &EntryPatch) -> Result<(), Unreadable> {
    let Ok(id) = ProcessId::new("web") else { return Ok(()) };
    let before = ProcessEntry { args: vec!["a".to_owned()], pid: Some(7), ..ProcessEntry::new(id, "sleep") };
    let after = change.apply(&before)?;
    assert_eq!(after.problems(), [], "it was taken, and cannot be obeyed");
    assert!(after.id == before.id && after.pid == before.pid, "what the monitor writes was changed");
    saved(&after);
    let again = change.apply(&after)?;
    assert!(again == after, "the same change twice is not the same: {after:?}, {again:?}");
    Ok(())
}
