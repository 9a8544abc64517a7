//! Which file a command means.
//!
//! It is always found here and given to the system whole, which therefore looks nowhere itself (by default it looks in the current
//! folder first, "CreateProcessW").
//!
//! Batch files are refused: the system would hand them to `cmd.exe`, which takes their arguments apart by other rules, so that an
//! argument can run anything (CVE-2024-24576). What is no program by its content is refused as well, since the system decides by
//! more forms of a name than one ("x.bat.", "x.bat ").

use crate::process::spawn::SpawnError;
use crate::sys::executable::{PATH_WITHOUT_PATH, executable};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What `cmd.exe` runs.
const BATCH: [&str; 2] = ["bat", "cmd"];

/// How programs begin ("PE Format": the stub for MS-DOS).
const SIGNATURE: [u8; 2] = *b"MZ";

/// Where a command is looked for.
pub struct Search<'a> {
    /// The folder from which relative paths count.
    pub directory: Option<&'a Path>,
    /// The program's own `PATH`.
    pub path: Option<&'a OsStr>,
}

/// The program that `command` means: a path if it has a separator or a drive, else looked up in the `PATH`.
pub fn find(command: &OsStr, search: &Search<'_>) -> Result<PathBuf, SpawnError> {
    if is_path(command) {
        let path = from(search.directory, Path::new(command));
        return executable(path.clone()).ok_or_else(|| missing(path));
    }
    let searched = search.path.unwrap_or(OsStr::new(PATH_WITHOUT_PATH));
    let in_folders: Vec<PathBuf> = std::env::split_paths(searched)
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(|folder| from(search.directory, &folder).join(command))
        .collect();
    if let Some(found) = in_folders.iter().cloned().find_map(executable) {
        return Ok(found);
    }
    let batch = in_folders.iter().flat_map(|path| BATCH.map(|ending| with_ending(path, ending)));
    match batch.into_iter().find(|path| path.is_file()) {
        Some(path) => Err(SpawnError::BatchFile { path }),
        None => Err(not_in_path(command, searched, search)),
    }
}

/// That `path` is a program, or why not.
pub fn ensure_program(path: &Path) -> Result<(), SpawnError> {
    let is_batch = |path: &Path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .trim_end_matches(['.', ' '])
            .to_ascii_lowercase();
        BATCH.iter().any(|ending| name.rsplit_once('.').is_some_and(|(_, its)| its == *ending))
    };
    if is_batch(path) || path.canonicalize().is_ok_and(|really| is_batch(&really)) {
        return Err(SpawnError::BatchFile { path: path.to_owned() });
    }
    if path.is_dir() {
        return Err(SpawnError::IsDirectory { path: path.to_owned() });
    }
    match begins_as_program(path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(SpawnError::ForeignFormat { path: path.to_owned() }),
        // The start itself tells why it cannot be opened.
        Err(_) => Ok(()),
    }
}

fn begins_as_program(path: &Path) -> io::Result<bool> {
    let mut begin = Vec::new();
    File::open(path)?.take(SIGNATURE.len() as u64).read_to_end(&mut begin)?;
    Ok(begin == SIGNATURE)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn is_path(command: &OsStr) -> bool {
    let text = command.to_string_lossy();
    text.contains(['/', '\\', ':'])
}

/// Joining a whole path replaces what it is joined to.
fn from(directory: Option<&Path>, path: &Path) -> PathBuf {
    let joined = directory.map_or_else(|| path.to_owned(), |directory| directory.join(path));
    // The system takes a relative path for one from the monitor's own folder, as is meant here.
    std::path::absolute(&joined).unwrap_or(joined)
}

fn missing(path: PathBuf) -> SpawnError {
    match path.ancestors().skip(1).any(Path::is_file) {
        _ if path.is_dir() => SpawnError::IsDirectory { path },
        true => SpawnError::NotAFolderOnTheWay { path },
        false => SpawnError::NotFound { path },
    }
}

fn not_in_path(command: &OsStr, searched: &OsStr, search: &Search<'_>) -> SpawnError {
    let here = executable(from(search.directory, Path::new(command)));
    let command = command.to_string_lossy().into_owned();
    let hint = match search.directory.is_some() && here.is_some() {
        true => format!("; for the one in the working directory write .\\{command}"),
        false => String::new(),
    };
    SpawnError::NotInPath { command, searched: searched.to_string_lossy().into_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("tool.exe", "MZ"),
            ("other.com", "MZ"),
            ("script.bat", "MZ"),
            ("plain", "MZ"),
            ("a.b", "MZ"),
            ("text.exe", "text"),
            ("short.exe", "M"),
        ] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/tool.exe"), "MZ").unwrap();
        folder
    }

    #[test]
    fn which_file_a_command_is() {
        let folder = folder();
        let path = std::env::join_paths([folder.path().join("sub"), folder.path().to_owned()]).unwrap();
        let search = Search { directory: Some(folder.path()), path: Some(&path) };
        let table = [
            ("tool", Some("sub/tool.exe")),
            ("TOOL.EXE", Some("sub/tool.exe")),
            (".\\tool", Some("tool.exe")),
            ("./tool.exe", Some("tool.exe")),
            ("other", Some("other.com")),
            (".\\plain", Some("plain")),
            (".\\a.b", Some("a.b")),
            ("gone", None),
            (".\\gone", None),
            ("sub\\..\\tool", Some("tool.exe")),
        ];
        for (command, expected) in table {
            let found = find(command.as_ref(), &search);
            let file = |path: &Path| path.canonicalize().unwrap().to_string_lossy().to_lowercase();
            let expected = expected.map(|name| file(&folder.path().join(name)));
            assert_eq!(found.as_ref().ok().map(|path| file(path)), expected, "{command}: {found:?}");
        }
    }

    #[test]
    fn what_is_no_program() {
        let folder = folder();
        let refused =
            |name: &str| ensure_program(&folder.path().join(name)).map_err(|error| error.to_string());
        assert_eq!(refused("tool.exe"), Ok(()));
        for name in ["script.bat", "script.BAT", "script.bat.", "script.bat ", "x.cmd . ."] {
            assert!(refused(name).unwrap_err().contains("batch file"), "{name}");
        }
        for name in ["text.exe", "short.exe"] {
            assert!(refused(name).unwrap_err().contains("not a program for Windows"), "{name}");
        }
        assert!(refused("sub").unwrap_err().contains("is a directory"));
        let search = Search { directory: None, path: Some(folder.path().as_os_str()) };
        assert!(matches!(find("script".as_ref(), &search), Err(SpawnError::BatchFile { .. })));
    }
}
