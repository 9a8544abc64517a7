//! Which file a command leads to, as `process::spawn` finds it.

use super::names::without_prefix;
use process_monitor_core::access::executable::PathStyle;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where programs are looked for when there is no PATH.
pub const PATH_WITHOUT_PATH: &str = r"C:\Windows\System32;C:\Windows";

/// How paths are written here.
pub const PATH_STYLE: PathStyle = PathStyle::Windows;

/// What is tried after a name.
const ENDINGS: [&str; 2] = [".exe", ".com"];

/// The file that `path` means: itself where its name has an ending, else what has it with one.
pub fn executable(path: PathBuf) -> Option<PathBuf> {
    let with = |ending: &str| {
        let mut name = OsString::from(&path);
        name.push(ending);
        PathBuf::from(name)
    };
    let named = path.extension().is_some().then(|| path.clone());
    named.into_iter().chain(ENDINGS.map(with)).chain([path.clone()]).find(|path| path.is_file())
}

/// Where `path` really leads, over all links, without a prefix that people and patterns do not write.
///
/// # Errors
/// When that is nowhere.
pub fn canonical(path: &Path) -> std::io::Result<PathBuf> {
    let real = path.canonicalize()?;
    Ok(without_prefix(&real).map_or(real, PathBuf::from))
}
