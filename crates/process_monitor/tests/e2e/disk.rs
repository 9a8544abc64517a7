//! A small disk for one test, which can be filled up and made read-only.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory, mounted until it is dropped.
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts a disk at `path`, which is a folder. `None` where this user may not mount.
    pub fn mount(path: &Path, kibibytes: u32) -> Option<Self> {
        let size = format!("size={kibibytes}k,mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { path: path.to_owned() });
        }
        eprintln!("SKIPPED: this user may not mount a file system");
        None
    }

    /// Nothing can be written from here on.
    pub fn make_read_only(&self) {
        let path = self.path.as_os_str();
        let output = Command::new("mount").args(["-o", "remount,ro"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Writes until not one more byte fits. [`Disk::free`] makes room again.
    pub fn fill(&self) {
        let mut ballast = File::options().append(true).create(true).open(self.ballast()).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            let block = vec![0; size];
            let full = loop {
                if let Err(error) = ballast.write_all(&block) {
                    break error;
                }
            };
            assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        }
    }

    /// Undoes [`Disk::fill`].
    pub fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that is just dying may still have a file open.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}
