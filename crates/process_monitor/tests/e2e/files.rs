//! What a user does to the monitor's files with other programs, and reads in them.

use crate::harness::{World, eventually};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

impl World {
    /// The registry's file as it is now.
    pub fn document(&self) -> Value {
        let text = fs::read_to_string(self.registry()).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// The entry of process `id` in the registry's file.
    pub fn entry(&self, id: &str) -> Value {
        self.document()["processes"][id].clone()
    }

    /// Replaces the registry's file as an editor does: without a lock, by a rename.
    pub fn save(&self, text: impl AsRef<[u8]>) {
        let new = self.path().join("saved-by-an-editor");
        fs::write(&new, text).unwrap();
        fs::rename(&new, self.registry()).unwrap();
    }

    /// Changes the registry's file as an editor does.
    pub fn edit(&self, change: impl FnOnce(&mut Value)) {
        let mut document = self.document();
        change(&mut document);
        self.save(serde_json::to_vec_pretty(&document).unwrap());
    }

    /// The lock of the registry's file.
    pub fn lock_file(&self) -> PathBuf {
        self.path().join("processes_default.lock")
    }

    /// The logs of the monitor, oldest first: one for each of its lives.
    pub fn monitor_logs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path().join("default_logs"));
        let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
        let mut logs: Vec<_> =
            paths.filter(|path| path.to_string_lossy().contains("_default") && path.is_file()).collect();
        // Of one second: `…_default.log`, `…_default_1.log`, …
        logs.sort();
        logs
    }

    /// The newest log of the monitor.
    pub fn monitor_log(&self) -> String {
        self.monitor_logs().pop().map(|path| fs::read_to_string(path).unwrap()).unwrap_or_default()
    }

    /// The newest log of the monitor, once it says `text`: lines are gathered for a moment before they are written.
    pub fn log_that_says(&self, text: &str) -> String {
        eventually(&format!("the log says {text:?}"), || self.monitor_log().contains(text));
        self.monitor_log()
    }

    /// What `doctor` found of `check`: its level, what it found, and its advice.
    pub fn doctor(&self, check: &str) -> (String, String, String) {
        let said = self.say(["doctor", "--json"]);
        let report: Value =
            serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        let finding = report["checks"].as_array().unwrap().iter().find(|finding| finding["check"] == check);
        let finding = finding.unwrap_or_else(|| panic!("no check {check} in {report}"));
        let text = |field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        (text("level"), text("found"), text("advice"))
    }
}

/// An entry that runs `sleep` for good.
pub fn sleeping(id: &str) -> Value {
    json!({ "id": id, "name": id, "command": "sleep", "args": ["100000"] })
}
