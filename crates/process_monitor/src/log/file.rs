//! The files of the log: `{YYYYMMDD_HHMMSS}_{instance}.log`, one per start of the monitor.

use process_monitor_core::time::Wall;
use process_monitor_host::clock;
use process_monitor_host::files::{self, FileError};
use process_monitor_host::layout::Layout;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How many files are kept, the present one included.
const KEPT: usize = 10;

/// Creates the file of this start, mode 0600, and removes the oldest ones.
pub fn create(layout: &Layout) -> Result<File, FileError> {
    create_at(layout, clock::wall())
}

fn create_at(layout: &Layout, now: Wall) -> Result<File, FileError> {
    let folder = layout.logs();
    files::create_folders(&folder)?;
    let file = create_first_free(&folder, &format!("{}_{}", now.compact(), layout.instance()))?;
    remove_oldest(layout);
    Ok(file)
}

fn create_first_free(folder: &Path, stem: &str) -> Result<File, FileError> {
    let mut number = 0_u32;
    loop {
        let name = if number == 0 { format!("{stem}.log") } else { format!("{stem}_{number}.log") };
        let path = folder.join(name);
        match OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok(file),
            Err(reason) if reason.kind() == ErrorKind::AlreadyExists => number = number.saturating_add(1),
            Err(reason) => return Err(FileError::Os { operation: "create the log", path, reason }),
        }
    }
}

/// A full folder is no reason to run without a log.
fn remove_oldest(layout: &Layout) {
    let logs = match monitor_logs(layout) {
        Ok(logs) => logs,
        Err(reason) => {
            tracing::warn!(folder = %layout.logs().display(), %reason, "cannot look for old logs");
            return;
        }
    };
    let too_many = logs.len().saturating_sub(KEPT);
    for old in logs.iter().take(too_many) {
        if let Err(reason) = fs::remove_file(old) {
            tracing::warn!(log = %old.display(), %reason, "cannot remove an old log");
        }
    }
}

/// The log files of `layout`'s monitor, oldest first; none when there is no log folder. The folders of
/// processes and other files beside them are not listed.
///
/// # Errors
/// When the folder cannot be listed.
pub fn monitor_logs(layout: &Layout) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(layout.logs()) {
        Ok(entries) => entries,
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(reason) => return Err(reason),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(age) = name.to_str().and_then(|name| age_of(name, layout.instance().as_str())) else {
            continue;
        };
        if entry.file_type()?.is_file() {
            found.push((age, entry.path()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The time in the name of a log file of `instance`, and its number within that second; `None` for any
/// other name.
fn age_of(name: &str, instance: &str) -> Option<(String, u32)> {
    let (time, rest) = name.split_at_checked("YYYYMMDD_HHMMSS".len())?;
    let is_time =
        time.bytes().enumerate().all(|(i, byte)| if i == 8 { byte == b'_' } else { byte.is_ascii_digit() });
    let number = rest.strip_prefix('_')?.strip_prefix(instance)?.strip_suffix(".log")?;
    let number = match number.strip_prefix('_') {
        Some(number) => number.parse().ok()?,
        None if number.is_empty() => 0,
        None => return None,
    };
    is_time.then(|| (time.to_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::id::InstanceId;
    use std::os::unix::fs::PermissionsExt;

    fn names(layout: &Layout) -> Vec<String> {
        let logs = monitor_logs(layout).unwrap();
        logs.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn starts_within_a_second_get_files_of_their_own() {
        let folder = tempfile::TempDir::new().unwrap();
        let layout = Layout::new(folder.path(), InstanceId::default());
        assert!(names(&layout).is_empty());
        let now = Wall::parse("2026-01-24T10:30:00Z").unwrap();
        for _ in 0..3 {
            create_at(&layout, now).unwrap();
        }
        let stem = "20260124_103000_default";
        assert_eq!(names(&layout), [format!("{stem}.log"), format!("{stem}_1.log"), format!("{stem}_2.log")]);
        for log in monitor_logs(&layout).unwrap() {
            assert_eq!(fs::metadata(log).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn the_newest_ten_are_kept_and_nothing_else_is_touched() {
        let folder = tempfile::TempDir::new().unwrap();
        let layout = Layout::new(folder.path(), InstanceId::default());
        fs::create_dir_all(layout.logs().join("20200101_000000_default.log")).unwrap();
        let others =
            ["notes.log", "20200101_000000_other.log", "20200101_000000_default.log.gz", "x_default.log"];
        for name in others {
            fs::write(layout.logs().join(name), "").unwrap();
        }
        let start = Wall::parse("2026-01-24T10:30:00Z").unwrap().unix_millis();
        // Twelve in the first second: the eleventh and twelfth sort behind the second as text.
        for n in 0..12 {
            create_at(&layout, Wall::from_unix_millis(start + n)).unwrap();
        }
        let kept: Vec<_> = (2..12).map(|n| format!("20260124_103000_default_{n}.log")).collect();
        assert_eq!(names(&layout), kept);
        for name in others.iter().chain(&["20200101_000000_default.log"]) {
            assert!(layout.logs().join(name).exists(), "{name}");
        }
    }
}
