//! Files: replaced whole or not at all, read within bounds, private folders.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

use process_monitor_host::files::{
    Durability, FileError, FileId, FileKind, Stamp, create_folders, private_dir, read_bounded,
    remove_leftovers, replace_if, write_atomic,
};
use std::cell::Cell;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_new_file_is_private_and_a_replaced_one_keeps_its_mode() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    for durability in [Durability::Synced, Durability::Unsynced] {
        write_atomic(&path, b"one", durability).unwrap();
    }
    assert_eq!(mode(&path), 0o600);
    set_mode(&path, 0o644);
    let before = fs::metadata(&path).unwrap().ino();
    write_atomic(&path, b"two", Durability::Synced).unwrap();
    assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o644, b"two".to_vec()));
    assert_ne!(before, fs::metadata(&path).unwrap().ino(), "replaced, not overwritten");
    assert_eq!(names(folder.path()), ["a.json"]);
}

#[test]
fn root_leaves_the_file_to_its_owner() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    fs::write(&path, "one").unwrap();
    std::os::unix::fs::chown(&path, Some(4711), Some(4712)).unwrap();
    write_atomic(&path, b"two", Durability::Unsynced).unwrap();
    let written = fs::metadata(&path).unwrap();
    assert_eq!((written.uid(), written.gid()), (4711, 4712));
}

#[test]
fn only_a_regular_file_is_replaced() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("real"), "one").unwrap();
    symlink("real", at("link")).unwrap();
    symlink("nothing", at("dangling")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    fifo(&at("fifo"));
    let table = [
        ("link", FileKind::SymbolicLink, "a symbolic link"),
        ("dangling", FileKind::SymbolicLink, "a symbolic link"),
        ("folder", FileKind::Folder, "a folder"),
        ("fifo", FileKind::Fifo, "a FIFO"),
    ];
    let before = names(folder.path());
    for (name, kind, words) in table {
        let write = write_atomic(&at(name), b"two", Durability::Synced).unwrap_err();
        let read = read_bounded(&at(name), 100).unwrap_err();
        for error in [write, read] {
            assert!(matches!(error, FileError::WrongKind { found, .. } if found == kind), "{error}");
            assert!(error.to_string().contains(words) && error.to_string().contains(name), "{error}");
        }
    }
    assert_eq!(names(folder.path()), before);
    assert_eq!(fs::read(at("real")).unwrap(), b"one");
    assert!(matches!(
        read_bounded(Path::new("/dev/zero"), 1),
        Err(FileError::WrongKind { found: FileKind::Device, .. })
    ));
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
    // Files of /proc claim to be empty.
    assert!(matches!(read_bounded(Path::new("/proc/self/status"), 10), Err(FileError::TooLarge { .. })));
}

#[test]
fn a_reader_sees_the_old_or_the_new() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a");
    let content = |n: u8| vec![n; 100_000];
    write_atomic(&path, &content(0), Durability::Unsynced).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..200 {
                write_atomic(&path, &content(n), Durability::Unsynced).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
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
        fs::write(&path, "edit").unwrap();
        seen.is_none()
    };
    assert!(replace_if(&path, b"ours", Durability::Unsynced, appears).unwrap().is_none());
    assert_eq!(fs::read_to_string(&path).unwrap(), "edit");
    let size = fs::metadata(&path).unwrap().len();
    let grows = |seen: Option<&Stamp>| {
        let known = seen.is_some_and(|seen| seen.bytes == size);
        fs::write(&path, "edit in place").unwrap();
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
    let mut child = std::process::Command::new("true").spawn().unwrap();
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

#[test]
fn private_folders_are_created_closed_and_refused() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("a/b/state");
    private_dir(&state).unwrap();
    for path in [&state, &folder.path().join("a"), &folder.path().join("a/b")] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    set_mode(&state, 0o755);
    private_dir(&state).unwrap();
    assert_eq!(mode(&state), 0o700, "others could read");
    for open in [0o770, 0o702, 0o777] {
        set_mode(&state, open);
        let error = private_dir(&state).unwrap_err();
        assert!(
            matches!(&error, FileError::OpenToOthers { rights, .. } if *rights == format!("mode {open:04o}")),
            "{error}"
        );
        assert!(error.to_string().contains("chmod 700"), "{error}");
        assert_eq!(mode(&state), open, "left as it was");
    }
}

#[test]
fn a_folder_of_somebody_else_or_no_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(at("file"), "").unwrap();
    fs::create_dir(at("real")).unwrap();
    symlink("real", at("link")).unwrap();
    for name in ["file", "link"] {
        assert!(matches!(private_dir(&at(name)), Err(FileError::WrongKind { .. })), "{name}");
    }
    assert!(matches!(create_folders(&at("file")), Err(FileError::WrongKind { .. })));
    assert!(create_folders(&at("file/below")).is_err());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(at("real"), Some(4711), None).unwrap();
        let error = private_dir(&at("real")).unwrap_err();
        assert!(matches!(&error, FileError::ForeignOwner { owner, .. } if owner == "4711"), "{error}");
    }
}
