//! The monitor in the hands of another user than the one who runs the tests.

use crate::harness::{PROGRAM, Said, World, said};
use crate::programs::copy_program;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A user without a name, who has nothing but what a test gives.
pub struct User {
    id: u32,
    program: PathBuf,
    // The program is in here: the build's own folder may be closed to others.
    _folder: tempfile::TempDir,
}

impl User {
    /// A user whom no other test has; `None` unless this is root.
    pub fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // The limit of processes counts all of a user's, so test runs side by side must differ too.
        let id = 100_000 + std::process::id() % 100_000 * 16 + NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::Builder::new().prefix("pm-e2e-user-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if chown(folder.path(), Some(id), Some(id)).is_err() {
            eprintln!("SKIPPED: only root may become another user");
            return None;
        }
        let program = folder.path().join("process_monitor");
        // Built under a strict umask it is for its owner only.
        let for_all = fs::metadata(PROGRAM).unwrap().permissions().mode() & 0o005 == 0o005;
        if !for_all || fs::hard_link(PROGRAM, &program).is_err() {
            copy_program(Path::new(PROGRAM), &program);
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Some(Self { id, program, _folder: folder })
    }

    /// Makes the directory of `world` this user's.
    pub fn takes(&self, world: &World) {
        chown(world.path(), Some(self.id), Some(self.id)).unwrap();
    }

    /// A command line call in `world` by this user, under limits in the words of prlimit(1).
    pub fn command(&self, world: &World, limits: &[&str], args: &[&str]) -> Command {
        let mut command = Command::new("prlimit");
        command.args(limits).arg(&self.program).args(args);
        command
            .env("TOM_PM_DIRECTORY", world.path())
            .env("TOM_PM_API_PORT", "0")
            .env("TOM_PM_ALIVENESS_PORT", "0")
            .env_remove("FAILPOINTS")
            .current_dir("/");
        command.uid(self.id).gid(self.id);
        command
    }

    /// Runs the command line in `world` and returns what it said.
    pub fn say(&self, world: &World, args: &[&str]) -> Said {
        said(self.command(world, &[], args).output().unwrap())
    }
}
