//! A file that somebody edited, merged with what the monitor holds.

use super::process;
use super::strategy::{entry_of, registry};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{ProcessEntry, ProcessState, StopConfig};
use process_monitor_core::registry::{Edit, Registry, merge};
use process_monitor_core::time::Wall;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn web() -> ProcessEntry {
    ProcessEntry { state: ProcessState::Running, pid: Some(7), ..ProcessEntry::new(process("web"), "web") }
}

fn of(entries: impl IntoIterator<Item = ProcessEntry>) -> Registry {
    let processes = entries.into_iter().map(|entry| (entry.id.clone(), Arc::new(entry))).collect();
    Registry { processes, ..Registry::default() }
}

/// The edits when somebody changes `before` to `after` in the file, told in short.
fn edits(before: ProcessEntry, after: ProcessEntry) -> Vec<String> {
    let base = of([before]);
    merge(&base, &base, &of([after])).edits.iter().map(told).collect()
}

fn told(edit: &Edit) -> String {
    match edit {
        Edit::Settings => "settings".to_owned(),
        Edit::Removed(id) => format!("removed {id}"),
        Edit::Added(entry) => format!("added {}", entry.id),
        Edit::Changed(entry) => format!("changed {}", entry.id),
        Edit::Enable(id) => format!("enable {id}"),
        Edit::Disable(id) => format!("disable {id}"),
        Edit::Start(id) => format!("start {id}"),
        Edit::Stop(id) => format!("stop {id}"),
    }
}

/// He read it while it started, and saved it, with a change of something else, when it ran.
#[test]
fn what_an_editor_read_before_the_last_start_or_end_is_no_request() {
    use ProcessState::{Crashed, Running, Starting, Stopped};
    let at = |started, stopped| ProcessEntry {
        last_started_at: Some(Wall::from_unix_millis(started)),
        last_stopped_at: Some(Wall::from_unix_millis(stopped)),
        ..web()
    };
    for (read, now) in [(Starting, Running), (Stopped, Running), (Starting, Crashed), (Stopped, Starting)] {
        let written = ProcessEntry { state: now, ..at(10, 20) };
        for (started, stopped) in [(5, 20), (10, 15)] {
            let older = ProcessEntry { state: read, ..at(started, stopped) };
            assert_eq!(edits(written.clone(), older), [""; 0], "{read} when it was {now}");
        }
        let anew = ProcessEntry { state: read, ..web() };
        assert_eq!(edits(written.clone(), anew).len(), 1, "{read}: a request of who knows no times");
        assert_eq!(edits(written, ProcessEntry { state: read, ..at(10, 20) }).len(), 1, "{read}: a request");
    }
}

#[test]
fn an_edit_of_state_or_enabled_is_a_request() {
    use ProcessState::*;
    let table: [(ProcessState, bool, ProcessState, bool, &[&str]); 14] = [
        (Running, true, Running, true, &[]),
        (Stopped, true, Starting, true, &["start web"]),
        (Running, true, Starting, true, &["start web"]),
        (Running, true, Stopped, true, &["stop web"]),
        (Running, true, Stopping, true, &["stop web"]),
        (Running, true, Disabled, true, &["disable web"]),
        (Running, true, Running, false, &["disable web"]),
        (Running, true, Disabled, false, &["disable web"]),
        (Running, true, Starting, false, &["disable web"]),
        (Disabled, false, Disabled, true, &["enable web"]),
        (Disabled, false, Stopped, true, &["enable web"]),
        (Disabled, false, Starting, true, &["enable web", "start web"]),
        (Disabled, false, Starting, false, &[]),
        (Running, true, Crashed, true, &[]),
    ];
    for (state, enabled, new_state, new_enabled, expected) in table {
        let before = ProcessEntry { state, enabled, ..web() };
        let after = ProcessEntry { state: new_state, enabled: new_enabled, ..web() };
        let case = format!("{state} {enabled} → {new_state} {new_enabled}");
        assert_eq!(edits(before.clone(), after.clone()), expected, "{case}");
        let base = of([before]);
        let merged = merge(&base, &base, &of([after])).merged;
        let switched_off = !new_enabled || (new_state == Disabled && enabled);
        assert_eq!(merged.processes["web"].enabled, !switched_off, "{case}");
        assert_eq!(merged.processes["web"].state, state, "{case}: the state is ours");
    }
}

#[test]
fn a_change_of_configuration_comes_before_what_is_asked() {
    let after = ProcessEntry { command: "web2".to_owned(), state: ProcessState::Starting, ..web() };
    assert_eq!(edits(web(), after.clone()), ["changed web", "start web"]);
    let after = ProcessEntry { enabled: false, ..after };
    assert_eq!(edits(web(), after), ["changed web", "disable web"]);
}

#[test]
fn an_added_entry_has_not_run() {
    let added = ProcessEntry { state: ProcessState::Starting, ..web() };
    let outcome = merge(&of([]), &of([]), &of([added]));
    assert_eq!(outcome.edits.iter().map(told).collect::<Vec<_>>(), ["added web", "start web"]);
    assert_eq!(*outcome.merged.processes["web"], ProcessEntry::new(process("web"), "web"));
    let disabled = ProcessEntry { state: ProcessState::Disabled, ..web() };
    let outcome = merge(&of([]), &of([]), &of([disabled]));
    assert_eq!(outcome.edits.iter().map(told).collect::<Vec<_>>(), ["added web"]);
    assert!(!outcome.merged.processes["web"].enabled);
}

#[test]
fn what_we_added_or_removed_stays_so() {
    let other = ProcessEntry::new(process("other"), "other");
    let outcome = merge(&of([]), &of([web()]), &of([other.clone()]));
    assert_eq!(outcome.edits.iter().map(told).collect::<Vec<_>>(), ["added other"]);
    assert_eq!(outcome.merged, of([other.clone(), web()]));
    let edited = ProcessEntry { name: "edited".to_owned(), ..web() };
    let outcome = merge(&of([web(), other.clone()]), &of([other.clone()]), &of([edited, other.clone()]));
    assert_eq!((outcome.merged, outcome.edits), (of([other]), vec![]));
}

#[test]
fn what_they_removed_is_removed() {
    let outcome = merge(&of([web()]), &of([web()]), &of([]));
    assert_eq!((outcome.merged, outcome.edits), (of([]), vec![Edit::Removed(process("web"))]));
}

#[test]
fn both_changes_are_kept_and_the_file_wins_where_they_meet() {
    let base = of([web()]);
    let mut ours = web();
    (ours.name, ours.command, ours.autostart) = ("ours".to_owned(), "ours".to_owned(), false);
    ours.stop = Some(StopConfig { timeout_ms: 1, ..StopConfig::default() });
    let mut theirs = web();
    (theirs.name, theirs.args) = ("theirs".to_owned(), vec!["theirs".to_owned()]);
    theirs.extra.insert("x".to_owned(), json!({"kept": true}));
    let outcome = merge(&base, &of([ours.clone()]), &of([theirs.clone()]));
    let mut expected = ours;
    (expected.name, expected.args, expected.extra) = (theirs.name, theirs.args, theirs.extra);
    assert_eq!(outcome.merged, of([expected.clone()]));
    assert_eq!(outcome.edits, [Edit::Changed(Arc::new(expected))]);
}

#[test]
fn when_both_added_an_entry_the_files_is_taken_whole() {
    let ours = ProcessEntry { args: vec!["ours".to_owned()], ..web() };
    let theirs =
        ProcessEntry { command: "theirs".to_owned(), state: ProcessState::Stopped, pid: None, ..web() };
    let outcome = merge(&of([]), &of([ours.clone()]), &of([theirs]));
    let expected = ProcessEntry { command: "theirs".to_owned(), ..web() };
    assert_eq!(outcome.merged, of([expected.clone()]));
    assert_eq!(outcome.edits, [Edit::Changed(Arc::new(expected))]);
}

#[test]
fn a_changed_setting_is_told_and_merged() {
    let theirs = Registry { monitor_interval_ms: 77, ..Registry::default() };
    let ours = Registry { standalone_mode: true, ..Registry::default() };
    let outcome = merge(&Registry::default(), &ours, &theirs);
    assert_eq!(outcome.edits, [Edit::Settings]);
    assert_eq!((outcome.merged.monitor_interval_ms, outcome.merged.standalone_mode), (77, true));
}

#[test]
fn the_order_is_the_files_then_ours() {
    let named = |id: &str| ProcessEntry::new(process(id), "x");
    let outcome = merge(
        &of(["a", "b"].map(named)),
        &of(["a", "b", "ours"].map(named)),
        &of(["new", "b", "a"].map(named)),
    );
    let order: Vec<_> = outcome.merged.processes.keys().map(ProcessId::as_str).collect();
    assert_eq!(order, ["new", "b", "a", "ours"]);
}

/// `base` with those fields of `other` that `choice` picks, member by member.
fn mixed<T: Serialize + DeserializeOwned>(base: &T, other: &T, choice: &[bool]) -> T {
    let (Value::Object(mut mixed), Value::Object(other)) =
        (serde_json::to_value(base).unwrap(), serde_json::to_value(other).unwrap())
    else {
        panic!("not an object");
    };
    let mut choice = choice.iter().copied().cycle();
    let keys: Vec<_> = mixed.keys().chain(other.keys()).filter(|key| *key != "id").cloned().collect();
    for key in keys.into_iter().filter(|_| choice.next().unwrap_or(false)) {
        match other.get(&key) {
            Some(value) => mixed.insert(key, value.clone()),
            None => mixed.remove(&key),
        };
    }
    serde_json::from_value(Value::Object(mixed)).unwrap()
}

fn edited(base: &Registry, other: &Registry, keep: &[bool], choice: &[bool]) -> Registry {
    let mut processes = other.processes.clone();
    processes.retain(|id, _| !base.processes.contains_key(id));
    let kept = base.processes.iter().zip(keep.iter().cycle()).filter(|(_, keep)| **keep);
    processes.extend(kept.map(|((id, entry), _)| {
        let other = other.processes.values().next().map_or(entry, |other| other);
        (id.clone(), Arc::new(mixed::<ProcessEntry>(entry, other, choice)))
    }));
    Registry { processes, ..mixed(&base.settings(), &other.settings(), choice) }
}

/// A base, and what two sides made of it.
fn histories() -> impl Strategy<Value = (Registry, Registry, Registry)> {
    let changes = || (registry(2), vec(prop::bool::weighted(0.8), 3), vec(prop::bool::weighted(0.3), 7));
    (registry(3), changes(), changes()).prop_map(|(base, ours, theirs)| {
        let ours = edited(&base, &ours.0, &ours.1, &ours.2);
        let theirs = edited(&base, &theirs.0, &theirs.1, &theirs.2);
        (base, ours, theirs)
    })
}

/// Whether no unknown field is lost: what both have, or what one side added, is in the merged object.
fn keeps_unknown(
    base: &Map<String, Value>,
    ours: &Map<String, Value>,
    theirs: &Map<String, Value>,
    merged: &Map<String, Value>,
) -> bool {
    let added = |key: &String| !base.contains_key(key);
    let ours = ours.keys().filter(|key| theirs.contains_key(*key) || added(key));
    let all = ours.chain(theirs.keys().filter(|key| added(key)));
    all.into_iter().all(|key| merged.contains_key(key))
}

fn runtime_only(entry: &ProcessEntry) -> ProcessEntry {
    ProcessEntry::new(entry.id.clone(), "").with_runtime_of(entry)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_unedited_file_changes_nothing((base, ours, _) in histories()) {
        let outcome = merge(&base, &ours, &base);
        prop_assert_eq!(outcome.edits, []);
        prop_assert_eq!(outcome.merged, ours);
    }

    #[test]
    fn without_changes_of_ours_the_file_is_obeyed((base, _, theirs) in histories()) {
        let merged = merge(&base, &base, &theirs).merged;
        prop_assert_eq!(merged.settings(), theirs.settings());
        let keys = |registry: &Registry| registry.processes.keys().cloned().collect::<Vec<_>>();
        prop_assert_eq!(keys(&merged), keys(&theirs));
        for (id, entry) in &theirs.processes {
            let merged = &merged.processes[id];
            let obeyed = ProcessEntry { enabled: merged.enabled, ..ProcessEntry::clone(entry) };
            prop_assert!(merged.same_configuration(&obeyed));
            prop_assert!(merged.enabled == entry.enabled || entry.state == ProcessState::Disabled);
        }
    }

    #[test]
    fn merging_twice_is_merging_once((base, ours, theirs) in histories()) {
        let merged = merge(&base, &ours, &theirs).merged;
        let again = merge(&theirs, &merged, &theirs);
        prop_assert_eq!(again.edits, []);
        prop_assert_eq!(again.merged, merged);
    }

    #[test]
    fn no_unknown_field_is_lost((base, ours, theirs) in histories()) {
        let merged = merge(&base, &ours, &theirs).merged;
        prop_assert!(keeps_unknown(&base.extra, &ours.extra, &theirs.extra, &merged.extra));
        for (id, entry) in &merged.processes {
            if let (Some(base), Some(ours), Some(theirs)) =
                (base.processes.get(id), ours.processes.get(id), theirs.processes.get(id))
            {
                prop_assert!(keeps_unknown(&base.extra, &ours.extra, &theirs.extra, &entry.extra));
            }
        }
    }

    #[test]
    fn the_runtime_state_is_ours((base, ours, theirs) in histories()) {
        for (id, merged) in merge(&base, &ours, &theirs).merged.processes {
            let expected = ours.processes.get(&id).map_or_else(
                || ProcessEntry::new(id.clone(), ""),
                |ours| runtime_only(ours),
            );
            prop_assert_eq!(runtime_only(&merged), expected);
        }
    }

    #[test]
    fn every_difference_to_ours_is_told((base, ours, theirs) in histories()) {
        let outcome = merge(&base, &ours, &theirs);
        let told: Vec<_> = outcome.edits.iter().map(told).collect();
        let is_told = |edit: String| told.contains(&edit);
        prop_assert_eq!(is_told("settings".to_owned()), outcome.merged.settings() != ours.settings());
        for id in ours.processes.keys() {
            prop_assert_eq!(is_told(format!("removed {id}")), !outcome.merged.processes.contains_key(id));
        }
        for (id, entry) in &outcome.merged.processes {
            let Some(ours) = ours.processes.get(id) else {
                prop_assert_eq!(is_told(format!("added {id}")), true);
                continue;
            };
            let same = ProcessEntry { enabled: entry.enabled, ..ProcessEntry::clone(ours) } == **entry;
            prop_assert_eq!(is_told(format!("changed {id}")), !same);
            prop_assert_eq!(is_told(format!("enable {id}")), entry.enabled && !ours.enabled);
            prop_assert_eq!(is_told(format!("disable {id}")), !entry.enabled && ours.enabled);
            prop_assert_eq!(same && entry.enabled == ours.enabled, Arc::ptr_eq(entry, ours));
        }
    }

    #[test]
    fn same_configuration_looks_at_everything_but_the_runtime(
        one in entry_of(process("a")), other in entry_of(process("a")),
    ) {
        prop_assert!(one.same_configuration(&one.clone().with_runtime_of(&other)));
        let differs = serde_json::to_value(one.clone().without_runtime()).unwrap()
            != serde_json::to_value(other.clone().without_runtime()).unwrap();
        prop_assert_eq!(one.same_configuration(&other), !differs);
    }
}

#[test]
fn changes_that_cannot_be_obeyed_together_are_the_files() {
    let with_check = |check: Value| {
        let check = Some(serde_json::from_value(check).unwrap());
        of([ProcessEntry { aliveness_check: check, ..web() }])
    };
    let base = with_check(json!({"enabled": true}));
    let ours = with_check(json!({"enabled": true, "url": "http://localhost/"}));
    let theirs = with_check(json!({"enabled": true, "tcp": "localhost:1"}));
    let merged = merge(&base, &ours, &theirs).merged;
    assert_eq!(merged.validate(), []);
    assert_eq!(merged.processes, theirs.processes);
}

#[test]
fn a_field_that_nobody_knows_survives_changes_that_cannot_be_obeyed_together() {
    let with_check = |check: Value, extra: Value| {
        let check = Some(serde_json::from_value(check).unwrap());
        let extra = extra.as_object().unwrap().clone();
        of([ProcessEntry { aliveness_check: check, extra, ..web() }])
    };
    let base = with_check(json!({"enabled": true}), json!({"x-theirs": 1, "x-gone": 1}));
    let ours = with_check(
        json!({"enabled": true, "url": "http://localhost/"}),
        json!({"x-theirs": 1, "x-gone": 1, "x-ours": 1}),
    );
    let theirs = with_check(json!({"enabled": true, "tcp": "localhost:1"}), json!({"x-theirs": 2}));
    let merged = merge(&base, &ours, &theirs).merged;
    let entry = &merged.processes["web"];
    assert_eq!(Value::Object(entry.extra.clone()), json!({"x-theirs": 2, "x-ours": 1}));
    assert_eq!(entry.aliveness_check, theirs.processes["web"].aliveness_check);
}
