//! Exits that the logger saw while no monitor was there.

use super::error::failed;
use crate::files::{Durability, FileError, create_folders, remove_if_there, write_atomic};
use crate::layout::Layout;
use process_monitor_core::exit::Exit;
use process_monitor_core::id::RunId;
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use std::fs;

/// How a run ended, as a file in [`Layout::exits`] and as a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitNote {
    /// Which run.
    pub run: RunId,
    /// How, as far as the system told.
    #[serde(with = "exit_form")]
    pub exit: Exit,
    /// When the logger learned of it.
    pub at: Wall,
}

impl ExitNote {
    /// Writes the note in one step: it is there whole or not at all. Not flushed to the disk: after
    /// a power failure no run is alive anyway.
    pub fn write(&self, layout: &Layout) -> Result<(), FileError> {
        create_folders(&layout.exits())?;
        let path = layout.exit_note(&self.run);
        let text = serde_json::to_vec(self).map_err(failed("write", &path))?;
        write_atomic(&path, &text, Durability::Unsynced)
    }

    /// The note of `run`, when there is one. What can't be read as a note counts as none.
    pub fn read(layout: &Layout, run: &RunId) -> Option<Self> {
        let text = fs::read(layout.exit_note(run)).ok()?;
        serde_json::from_slice(&text).ok().filter(|note: &Self| note.run == *run)
    }

    /// Removes the note of `run`, once the exit is recorded elsewhere.
    pub fn remove(layout: &Layout, run: &RunId) -> Result<(), FileError> {
        let path = layout.exit_note(run);
        remove_if_there(&path).map(drop).map_err(failed("remove the exit note", &path))
    }
}

/// `{"code": 3}`, `{"signal": 9}` or `{}`.
mod exit_form {
    use process_monitor_core::exit::Exit;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Form {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
    }

    pub(super) fn serialize<S: Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match *exit {
            Exit::Code(code) => Form { code: Some(code), signal: None },
            Exit::Signal(number) => Form { code: None, signal: Some(number) },
            Exit::Unknown => Form { code: None, signal: None },
        };
        form.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Exit, D::Error> {
        let form = Form::deserialize(deserializer)?;
        Ok(match (form.code, form.signal) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(number)) => Exit::Signal(number),
            (None, None) => Exit::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_until_it_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path(), Default::default());
        let run = RunId::new("web-1").unwrap();
        for exit in [Exit::Code(3), Exit::Signal(9), Exit::Unknown] {
            let note = ExitNote { run: run.clone(), exit, at: Wall::from_unix_millis(5) };
            note.write(&layout).unwrap();
            assert_eq!(ExitNote::read(&layout, &run), Some(note));
        }
        assert_eq!(fs::read_dir(layout.exits()).unwrap().count(), 1, "no temporary file is left");
        ExitNote::remove(&layout, &run).unwrap();
        ExitNote::remove(&layout, &run).unwrap();
        assert_eq!(ExitNote::read(&layout, &run), None);
    }
}
