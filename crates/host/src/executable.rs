//! Which file a command really is.

use crate::sys::executable as sys;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use crate::sys::executable::{PATH_STYLE, PATH_WITHOUT_PATH};

/// Why a command leads to no program.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each field is what its message says
pub enum ResolveError {
    /// There is no command.
    #[error("the command is empty; give the path or the name of a program")]
    Empty,
    /// A command without a separator is in no folder of PATH.
    #[error("{command}: not found in PATH ({searched}); give its full path")]
    NotInPath { command: String, searched: String },
    /// A path leads nowhere.
    #[error("cannot find out which file {} is: {source}", .path.display())]
    Unresolved { path: PathBuf, source: io::Error },
    /// It leads to something that cannot be run.
    #[error("{} is no program: it is not a regular file", .path.display())]
    NotAFile { path: PathBuf },
}

/// The file that starting `command` in `working_directory` executes, with every link and `..` resolved: with a
/// separator it is a path, without it is looked up in the folders of `path_variable`.
///
/// # Errors
/// [`ResolveError`] says why there is none.
pub fn resolve(
    command: &str,
    working_directory: Option<&Path>,
    path_variable: Option<&OsStr>,
) -> Result<PathBuf, ResolveError> {
    if command.is_empty() {
        return Err(ResolveError::Empty);
    }
    // Joining an absolute path replaces what it is joined to.
    let from = working_directory.unwrap_or(Path::new("."));
    if command.contains(std::path::is_separator) {
        let path = from.join(command);
        return program(&sys::executable(path.clone()).unwrap_or(path));
    }
    let searched = path_variable.unwrap_or(OsStr::new(PATH_WITHOUT_PATH));
    let found = std::env::split_paths(searched).map(|folder| from.join(folder).join(command));
    found.filter_map(sys::executable).find_map(|path| program(&path).ok()).ok_or_else(|| {
        let searched = searched.to_string_lossy().into_owned();
        ResolveError::NotInPath { command: command.to_owned(), searched }
    })
}

/// Where `path` really leads, as text; `None` when that is nowhere, or cannot be written as text.
pub fn really(path: &str) -> Option<String> {
    sys::canonical(Path::new(path)).ok()?.into_os_string().into_string().ok()
}

fn program(path: &Path) -> Result<PathBuf, ResolveError> {
    let unresolved = |source| ResolveError::Unresolved { path: path.to_owned(), source };
    let resolved = sys::canonical(path).map_err(unresolved)?;
    match fs::metadata(&resolved).map_err(unresolved)?.is_file() {
        true => Ok(resolved),
        false => Err(ResolveError::NotAFile { path: resolved }),
    }
}

#[cfg(test)]
#[cfg(unix)] // with links and modes; how Windows finds a program is tested where it does
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn tree() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for (name, mode) in [("real/tool", 0o755), ("real/data", 0o644), ("other/tool", 0o755)] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink("real", root.join("link")).unwrap();
        symlink("../real/tool", root.join("other/alias")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        (folder, root)
    }

    #[test]
    fn which_file_a_command_is() {
        let (_folder, root) = tree();
        let path =
            std::env::join_paths([root.join("nowhere"), root.join("link"), root.join("other")]).unwrap();
        let tool = root.join("real/tool");
        let absolute = root.join("other/../link/tool").display().to_string();
        let table: &[(&str, Option<&str>, Option<&str>)] = &[
            // Command, working directory, the file.
            (&absolute, None, Some("real/tool")),
            ("./tool", Some("real"), Some("real/tool")),
            ("./tool", Some("link"), Some("real/tool")),
            ("../other/alias", Some("link"), Some("real/tool")),
            ("./alias", Some("other"), Some("real/tool")),
            ("tool", Some("other"), Some("real/tool")),
            ("alias", None, Some("real/tool")),
            ("data", None, None),
            ("./data", Some("real"), Some("real/data")),
            ("missing", None, None),
            ("./missing", Some("real"), None),
            ("./real", Some(""), None),
            ("./loop", Some(""), None),
            ("", None, None),
        ];
        for (command, directory, expected) in table {
            let directory = directory.map(|directory| root.join(directory));
            let found = resolve(command, directory.as_deref(), Some(&path));
            let expected = expected.map(|file| root.join(file));
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{command}: {found:?}");
        }
        assert_eq!(really(&absolute).as_deref(), tool.to_str());
    }

    #[test]
    fn a_refusal_says_what_was_looked_for() {
        let (_folder, root) = tree();
        let say =
            |command: &str| resolve(command, Some(&root), Some(OsStr::new("/x:/y"))).unwrap_err().to_string();
        assert_eq!(say("tool"), "tool: not found in PATH (/x:/y); give its full path");
        assert!(say("./missing").contains("missing") && say("./missing").contains("No such file"));
        assert!(say("./real").contains("not a regular file"));
    }

    #[test]
    fn a_relative_folder_of_path_counts_from_the_working_directory() {
        let (_folder, root) = tree();
        let found = resolve("tool", Some(&root), Some(OsStr::new("other"))).unwrap();
        assert_eq!(found, root.join("other/tool"));
    }
}
