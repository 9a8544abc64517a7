//! Pid, creation time and boot.

use super::list;
use super::open;
use crate::fd::AsFd;
use crate::process::identity::Identity;
use process_monitor_core::time::Wall;
use std::io;

pub use super::boot::boot_id;

/// Between 1601, where the system's times begin, and 1970, in 100 ns.
const UNIX_EPOCH: i64 = 116_444_736_000_000_000;

/// See [`Identity::of`].
pub fn of(pid: u32) -> io::Result<Option<Identity>> {
    let process = match open::open(pid, 0) {
        Ok(process) => process,
        // Processes of the system are listed, but not opened, for everybody.
        Err(refused) if open::is_refused(&refused) => return list::identity(pid),
        Err(error) => return Err(error),
    };
    let Some(process) = process else { return Ok(None) };
    let identity = open::identity(process.as_fd())?;
    Ok((!open::has_ended(process.as_fd())?).then_some(identity))
}

/// See [`Identity::started_at_wall`]: as the clock stood then.
pub fn started_at_wall(identity: Identity) -> io::Result<Wall> {
    let since_1601 = i64::try_from(identity.start_time).unwrap_or(i64::MAX);
    Ok(Wall::from_unix_millis(since_1601.saturating_sub(UNIX_EPOCH).div_euclid(10_000)))
}

/// The line that the monitor writes of a program before it runs: `pid (start time)`.
pub fn record_line(identity: Identity) -> String {
    format!("{} ({})\n", identity.pid, identity.start_time)
}

/// Whom such a line names. `None` for a torn one.
pub fn from_record_line(line: &[u8]) -> Option<Identity> {
    let whole = std::str::from_utf8(line.strip_suffix(b")\n")?).ok()?;
    let (pid, start_time) = whole.split_once(" (")?;
    Some(Identity { pid: pid.parse().ok()?, start_time: start_time.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_lines_name_nobody() {
        let identity = Identity { pid: 4711, start_time: 133_764_081_234_567_890 };
        let line = record_line(identity).into_bytes();
        assert_eq!(from_record_line(&line), Some(identity));
        for end in 0..line.len() {
            assert_eq!(from_record_line(&line[..end]), None, "{end}");
        }
    }
}
