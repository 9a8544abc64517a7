//! What the monitor's own log complains about.

use super::finding::Finding;
use crate::log::monitor_logs;
use process_monitor_host::layout::Layout;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const CHECK: &str = "monitor's log";

/// How much of the log's end is looked at.
const TAIL_BYTES: u64 = 256 << 10;

/// How many complaints are shown.
const SHOWN: usize = 3;

/// The last errors in the newest log of the monitor.
pub fn recent_trouble(layout: &Layout) -> Finding {
    let newest = match monitor_logs(layout).map(|mut logs| logs.pop()) {
        Ok(Some(path)) => path,
        Ok(None) => return Finding::ok(CHECK, "there is none yet"),
        Err(error) => {
            let found = format!("cannot look into {}: {error}", layout.logs().display());
            return Finding::warn(CHECK, found, "run this as the user who runs the monitor");
        }
    };
    let shown = newest.display();
    match tail(&newest) {
        Err(error) => Finding::warn(CHECK, format!("cannot read {shown}: {error}"), "see who owns that file"),
        Ok(text) => match complaints(&text).as_slice() {
            [] => Finding::ok(CHECK, format!("no errors in {shown}")),
            errors => Finding::warn(CHECK, errors.join("\n"), format!("see what led to it in {shown}")),
        },
    }
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// In either form of the log.
fn is_error(line: &str) -> bool {
    line.contains("[ERROR]") || line.contains(r#""level":"ERROR""#)
}

/// The last errors, oldest first.
fn complaints(text: &str) -> Vec<&str> {
    let mut found: Vec<_> = text.lines().rev().filter(|line| is_error(line)).take(SHOWN).collect();
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_last_errors_of_the_newest_log() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path(), Default::default());
        assert_eq!(recent_trouble(&layout), Finding::ok(CHECK, "there is none yet"));

        fs::create_dir_all(layout.logs()).unwrap();
        let write = |name: &str, text: &str| fs::write(layout.logs().join(name), text).unwrap();
        write("20260101_000000_default.log", "[t] [ERROR] old\n");
        write("20260102_000000_default.log", "[t] [INFO] fine\n");
        write("20260103_000000_other.log", "[t] [ERROR] of another\n");
        assert!(recent_trouble(&layout).found.starts_with("no errors in "));

        write(
            "20260102_000001_default.log",
            "[t] [ERROR] 1\n[t] [ERROR] 2\n[t] [ERROR] 3\n[t] [WARN] x\n[t] [ERROR] 4\n",
        );
        assert_eq!(recent_trouble(&layout).found, "[t] [ERROR] 2\n[t] [ERROR] 3\n[t] [ERROR] 4");
    }
}
