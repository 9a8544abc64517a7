//! Files: replaced whole or not at all, read within bounds, private folders.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

#[path = "../emulated/mod.rs"]
mod emulated;
#[cfg(unix)]
mod unix;

use process_monitor_host::files::{
    Durability, FileError, FileId, FileKind, Stamp, create_folders, private_dir, read_bounded,
    remove_leftovers, replace_if, write_atomic,
};
use std::cell::Cell;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Whether the rest of a test takes what Wine does not do.
fn open_files_stay() -> bool {
    emulated::left_out("a file that somebody has open is not replaced")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn reading_is_bounded() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, [b'x'; 100]).unwrap();
    assert_eq!(read_bounded(&path, 100).unwrap().len(), 100);
    let error = read_bounded(&path, 99).unwrap_err();
    assert!(matches!(error, FileError::TooLarge { bytes: 100, most: 99, .. }), "{error}");
    assert!(read_bounded(&folder.path().join("missing"), 1).unwrap_err().is_not_found());
}

#[test]
fn what_is_no_file_or_no_folder_is_named() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "").unwrap();
    private_dir(&at("folder/below")).unwrap();
    private_dir(&at("folder/below")).unwrap();
    let write = write_atomic(&at("folder"), b"two", Durability::Synced).unwrap_err();
    let read = read_bounded(&at("folder"), 100).unwrap_err();
    for error in [write, read] {
        assert!(matches!(error, FileError::WrongKind { found: FileKind::Folder, .. }), "{error}");
    }
    assert!(matches!(private_dir(&at("file")), Err(FileError::WrongKind { .. })));
    assert!(matches!(create_folders(&at("file")), Err(FileError::WrongKind { .. })));
    assert!(create_folders(&at("file/below")).is_err());
    assert_eq!(names(folder.path()), ["file", "folder"]);
}

#[test]
fn a_reader_sees_the_old_or_the_new() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a");
    let content = |n: u8| vec![n; 100_000];
    write_atomic(&path, &content(0), Durability::Unsynced).unwrap();
    if open_files_stay() {
        return;
    }
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..200 {
                write_atomic(&path, &content(n), Durability::Unsynced).unwrap();
            }
        });
        while !writer.is_finished() {
            let seen = read_bounded(&path, 1 << 20).unwrap();
            assert_eq!(seen.len(), 100_000);
            assert!(seen.iter().all(|byte| *byte == seen[0]), "torn");
        }
    });
}

/// An editor without a lock: writes beside the file and renames.
fn edit(path: &Path, content: &str) {
    let beside = path.with_extension("edit");
    fs::write(&beside, content).unwrap();
    fs::rename(beside, path).unwrap();
}

#[test]
fn an_edit_between_the_look_and_the_rename_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    // How many edits come, each after a look: none, one after the first look, another while ours is there.
    for (edits, expected) in [(0, "ours"), (1, "edit 1"), (2, "edit 2")] {
        // At the second look Windows holds the file.
        if edits > 1 && open_files_stay() {
            return;
        }
        fs::write(&path, "old").unwrap();
        let old = FileId::at(&path).unwrap();
        let looks = Cell::new(0);
        let known = |seen: Option<&Stamp>| {
            looks.set(looks.get() + 1);
            if looks.get() <= edits {
                edit(&path, &format!("edit {}", looks.get()));
            }
            seen.is_some_and(|seen| seen.id == old)
        };
        let written = replace_if(&path, b"ours", Durability::Synced, known).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(written.is_some(), edits == 0);
        assert_eq!(names(folder.path()), ["a.json"]);
    }
}

#[test]
fn a_file_that_appears_or_is_edited_in_place_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    let appears = |seen: Option<&Stamp>| {
        if seen.is_none() {
            fs::write(&path, "edit").unwrap();
        }
        seen.is_none()
    };
    assert!(replace_if(&path, b"ours", Durability::Unsynced, appears).unwrap().is_none());
    assert_eq!(fs::read_to_string(&path).unwrap(), "edit");
    let size = fs::metadata(&path).unwrap().len();
    let grows = |seen: Option<&Stamp>| {
        let known = seen.is_some_and(|seen| seen.bytes == size);
        if known {
            fs::write(&path, "edit in place").unwrap();
        }
        known
    };
    assert!(replace_if(&path, b"ours", Durability::Unsynced, grows).unwrap().is_none());
    assert_eq!(fs::read_to_string(&path).unwrap(), "edit in place");
    assert_eq!(names(folder.path()), ["a.json"]);
}

#[test]
fn a_missing_folder_is_an_error_that_names_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("missing/a.json");
    let error = write_atomic(&path, b"x", Durability::Synced).unwrap_err();
    assert!(error.is_not_found());
    assert!(
        error.to_string().contains("missing/a.json") && error.to_string().contains("nothing was changed"),
        "{error}"
    );
}

#[test]
fn only_what_the_dead_left_is_removed() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("a.json");
    // This test binary without a test to run.
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let mut child = child.args(["--exact", "none"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    child.wait().unwrap();
    let dead = format!(".a.json.{}-0.tmp", child.id());
    let living = format!(".a.json.{}-0.tmp", std::process::id());
    let others = ["a.json", ".b.json.1-0.tmp", ".a.json.tmp", ".a.json.x-0.tmp", ".a.json.1.tmp"];
    for name in others.iter().copied().chain([dead.as_str(), living.as_str()]) {
        fs::write(folder.path().join(name), "").unwrap();
    }
    assert_eq!(remove_leftovers(&target).unwrap(), 1);
    let left = names(folder.path());
    assert!(!left.contains(&dead) && left.contains(&living), "{left:?}");
    assert_eq!(left.len(), others.len() + 1);
}
