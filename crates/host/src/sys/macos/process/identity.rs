//! Pid, start time and boot from the kernel.

use super::stat;
use crate::process::identity::Identity;
use crate::sys::sysctl;
use process_monitor_core::time::Wall;
use std::io;

/// See [`Identity::of`].
pub fn of(pid: u32) -> io::Result<Option<Identity>> {
    Ok(stat::read(pid)?.filter(|stat| !stat.is_dead()).map(|stat| stat.identity()))
}

/// See [`Identity::started_at_wall`]: as the clock stood then.
pub fn started_at_wall(identity: Identity) -> io::Result<Wall> {
    Ok(Wall::from_unix_millis(i64::try_from(identity.start_time / 1000).unwrap_or(i64::MAX)))
}

/// See [`crate::process::identity::BootId::current`]. Not `kern.boottime`: that moves when the clock is set, and every
/// program would be taken for one of an earlier boot.
pub fn boot_id() -> io::Result<String> {
    sysctl::text(c"kern.bootsessionuuid")
}

/// What a child wrote of itself into its run record: `pid (start time)`. `None` for a torn line.
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
        let identity = Identity { pid: 4711, start_time: 1_764_081_234_567_890 };
        let line = b"4711 (1764081234567890)\n";
        assert_eq!(from_record_line(line), Some(identity));
        for end in 0..line.len() {
            assert_eq!(from_record_line(&line[..end]), None, "{end}");
        }
    }
}
