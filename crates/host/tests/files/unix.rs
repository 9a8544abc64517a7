//! Modes, owners, links and what else only Unix has.

use crate::names;
use process_monitor_host::files::{
    Durability, FileError, FileKind, create_folders, private_dir, read_bounded, write_atomic,
};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
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
fn files_that_claim_to_be_empty_are_read_within_bounds() {
    assert!(matches!(read_bounded(Path::new("/proc/self/status"), 10), Err(FileError::TooLarge { .. })));
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
