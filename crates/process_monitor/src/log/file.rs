//! The files of the log: `{YYYYMMDD_HHMMSS}_{instance}.log`, one per start of the monitor.

use process_monitor_core::id::InstanceId;
use process_monitor_core::time::Wall;
use process_monitor_host::clock;
use process_monitor_host::files::{self, FileError};
use process_monitor_host::layout::Layout;
use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// How many files are kept, the present one included.
const KEPT: usize = 10;

/// Creates the file of this start, mode 0600, and removes the oldest ones.
pub fn create(layout: &Layout) -> Result<File, FileError> {
    create_at(layout, clock::wall())
}

fn create_at(layout: &Layout, now: Wall) -> Result<File, FileError> {
    files::create_folders(&layout.logs())?;
    let logs = Log::all(layout).map_err(|reason| cannot("list the logs in", layout.logs(), reason))?;
    let time = now.compact();
    // Not the first that is free: what was removed as the oldest would come back as the newest.
    let taken = logs.iter().filter(|log| log.time == time).map(|log| log.number).max();
    let number = taken.map_or(0, |number| number.saturating_add(1));
    let file = create_from(layout, &time, number)?;
    remove_oldest(&logs);
    Ok(file)
}

fn create_from(layout: &Layout, time: &str, mut number: u32) -> Result<File, FileError> {
    loop {
        let suffix = if number == 0 { String::new() } else { format!("_{number}") };
        let path = layout.logs().join(format!("{time}_{}{suffix}.log", layout.instance()));
        match files::create_appending(&path) {
            Ok(file) => return Ok(file),
            Err(reason) if reason.kind() == ErrorKind::AlreadyExists => number = number.saturating_add(1),
            Err(reason) => return Err(cannot("create the log", path, reason)),
        }
    }
}

fn cannot(operation: &'static str, path: PathBuf, reason: io::Error) -> FileError {
    FileError::Os { operation, path, reason }
}

/// Makes room for the new one. What can't be removed is no reason to run without a log.
fn remove_oldest(before: &[Log]) {
    let too_many = (before.len() + 1).saturating_sub(KEPT);
    for old in before.iter().take(too_many) {
        if let Err(reason) = fs::remove_file(&old.path) {
            tracing::warn!(log = %old.path.display(), %reason, "cannot remove an old log");
        }
    }
}

/// The log files of `layout`'s monitor, oldest first; none when there is no log folder. The folders of
/// processes and other files beside them are not listed.
///
/// # Errors
/// When the folder cannot be listed.
pub fn monitor_logs(layout: &Layout) -> io::Result<Vec<PathBuf>> {
    Ok(Log::all(layout)?.into_iter().map(|log| log.path).collect())
}

/// A log file, by its name. The order is that of their making.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Log {
    time: String,
    /// Within the same second.
    number: u32,
    path: PathBuf,
}

impl Log {
    fn all(layout: &Layout) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(layout.logs()) {
            Ok(entries) => entries,
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(reason) => return Err(reason),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let Some(log) = Self::at(entry.path(), layout.instance()).filter(|_| is_file(&entry)) {
                found.push(log);
            }
        }
        found.sort();
        Ok(found)
    }

    fn at(path: PathBuf, instance: &InstanceId) -> Option<Self> {
        let (time, rest) = path.file_name()?.to_str()?.split_at_checked("YYYYMMDD_HHMMSS".len())?;
        let is_digit =
            |(place, byte): (usize, u8)| if place == 8 { byte == b'_' } else { byte.is_ascii_digit() };
        if !time.bytes().enumerate().all(is_digit) {
            return None;
        }
        let number = rest.strip_prefix('_')?.strip_prefix(instance.as_str())?.strip_suffix(".log")?;
        let number = match number.strip_prefix('_') {
            Some(number) => number.parse().ok()?,
            None if number.is_empty() => 0,
            None => return None,
        };
        Some(Self { time: time.to_owned(), number, path })
    }
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_host::files::readable_by_others;

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
            assert!(!readable_by_others(&log).unwrap(), "{}", log.display());
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
        // Twelve within a second: "_10" and "_11" sort before "_2" as text.
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
