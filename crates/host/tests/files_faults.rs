//! Faults of the system: a full disk, a read-only one, no descriptors left.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

use process_monitor_host::files::{Durability, FileError, read_bounded, write_atomic};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::CString;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Runs `test` with a tiny file system of its own at a folder that nobody else sees it at: the mount
/// lives in a mount namespace that ends with the thread. Only where this user may mount.
fn on_a_tiny_disk(test: impl FnOnce(&Path) + Send) {
    let folder = TempDir::new().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if mount_tiny_disk(folder.path()) {
                test(folder.path())
            }
        });
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing reached the real disk");
}

fn mount(source: &str, target: &Path, flags: libc::c_ulong, options: &str) -> bool {
    let target = CString::new(target.as_os_str().as_encoded_bytes()).unwrap();
    let (source, options) = (CString::new(source).unwrap(), CString::new(options).unwrap());
    // SAFETY: all four strings end with a NUL and outlive the call.
    let result = unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), source.as_ptr(), flags, options.as_ptr().cast())
    };
    result == 0
}

fn mount_tiny_disk(target: &Path) -> bool {
    // SAFETY: takes no pointer; it gives this thread a mount namespace (and folder of work) of its own.
    let apart = unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0;
    let mounted = apart
        && mount("none", Path::new("/"), libc::MS_REC | libc::MS_PRIVATE, "")
        && mount("tmpfs", target, 0, "size=64k");
    if !mounted {
        eprintln!("skipped: this user cannot mount");
    }
    mounted
}

#[test]
fn a_full_disk_changes_nothing_and_is_named() {
    on_a_tiny_disk(|disk| {
        let path = disk.join("a.json");
        write_atomic(&path, b"old", Durability::Synced).unwrap();
        for durability in [Durability::Synced, Durability::Unsynced] {
            let error = write_atomic(&path, &[b'x'; 200_000], durability).unwrap_err();
            assert!(matches!(error, FileError::NotWritten { .. }), "{error}");
            let words = error.to_string();
            assert!(words.contains("disk is full") && words.contains("nothing was changed"), "{words}");
            assert_eq!(fs::read(&path).unwrap(), b"old");
            assert_eq!(fs::read_dir(disk).unwrap().count(), 1, "the temporary file is gone");
        }
        write_atomic(&path, b"new", Durability::Synced).unwrap();
    });
}

#[test]
fn a_read_only_disk_is_named() {
    on_a_tiny_disk(|disk| {
        let path = disk.join("a.json");
        write_atomic(&path, b"old", Durability::Synced).unwrap();
        assert!(mount("tmpfs", disk, libc::MS_REMOUNT | libc::MS_RDONLY, ""));
        let words = write_atomic(&path, b"new", Durability::Synced).unwrap_err().to_string();
        assert!(words.contains("mounted read-only"), "{words}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
    });
}

#[test]
#[ignore = "a role, run by another test in a process of its own"]
fn role_without_descriptors() {
    let Some(folder) = std::env::var_os("ROLE_FOLDER") else { return };
    let path = Path::new(&folder).join("a.json");
    write_atomic(&path, b"old", Durability::Synced).unwrap();
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(20), maximum }).unwrap();
    let mut all = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        all.push(file);
    }
    for error in
        [write_atomic(&path, b"new", Durability::Synced).unwrap_err(), read_bounded(&path, 9).unwrap_err()]
    {
        assert!(error.to_string().contains("may have 20 files open"), "{error}");
    }
    all.truncate(all.len() - 2);
    assert_eq!(read_bounded(&path, 9).unwrap(), b"old");
    write_atomic(&path, b"new", Durability::Synced).unwrap();
}

#[test]
fn without_descriptors_the_limit_is_named_and_it_recovers() {
    let folder = TempDir::new().unwrap();
    let role = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "role_without_descriptors"])
        .env("ROLE_FOLDER", folder.path())
        .output()
        .unwrap();
    assert!(role.status.success(), "{}", String::from_utf8_lossy(&role.stdout));
    assert_eq!(fs::read(folder.path().join("a.json")).unwrap(), b"new");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(feature = "failpoints")]
mod killed_while_writing {
    use super::*;
    use process_monitor_core::id::InstanceId;
    use process_monitor_host::layout::Layout;
    use process_monitor_host::lock::RegistryLock;
    use std::os::unix::process::ExitStatusExt;
    use std::time::Duration;

    fn replace(layout: &Layout, content: &[u8]) {
        let _lock = RegistryLock::acquire(layout, "replace", Duration::from_secs(5)).unwrap();
        write_atomic(&layout.registry(), content, Durability::Synced).unwrap();
    }

    #[test]
    #[ignore = "a role, run by another test in a process of its own"]
    fn role_writer() {
        let Some(folder) = std::env::var_os("ROLE_FOLDER") else { return };
        let _scenario = fail::FailScenario::setup();
        replace(&Layout::new(folder, InstanceId::default()), b"new");
    }

    #[test]
    fn the_file_is_old_or_new_and_the_next_writer_cleans_up() {
        for (point, content, left) in [("write::before_rename", "old", 1), ("write::after_rename", "new", 0)]
        {
            let folder = TempDir::new().unwrap();
            let layout = Layout::new(folder.path(), InstanceId::default());
            replace(&layout, b"old");
            let role = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "killed_while_writing::role_writer"])
                .env("ROLE_FOLDER", folder.path())
                .env("FAILPOINTS", format!("{point}=1*return"))
                .output()
                .unwrap();
            assert_eq!(role.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&role.stdout));
            assert_eq!(fs::read_to_string(layout.registry()).unwrap(), content, "{point}");
            let entries = || fs::read_dir(folder.path()).unwrap().count();
            // The registry, its lock and the state folder.
            assert_eq!(entries(), 3 + left, "{point}");
            replace(&layout, b"newer");
            assert_eq!(entries(), 2, "{point}");
        }
    }
}
