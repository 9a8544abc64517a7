//! Pid, start time and boot id from `/proc`.

use super::stat;
use crate::clock;
use crate::process::identity::Identity;
use process_monitor_core::time::Wall;
use std::io;

/// See [`Identity::of`].
pub fn of(pid: u32) -> io::Result<Option<Identity>> {
    Ok(stat::read(pid)?.filter(|stat| !stat.is_dead()).map(|stat| stat.identity()))
}

/// See [`Identity::started_at_wall`]. The clock of start times is that of `CLOCK_BOOTTIME`
/// (Linux ≥ 2.6.39); `btime` of `/proc/stat` would be right to the second only.
pub fn started_at_wall(identity: Identity) -> io::Result<Wall> {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let up_millis = up.tv_sec.saturating_mul(1000).saturating_add(up.tv_nsec / 1_000_000);
    let start_millis = u128::from(identity.start_time) * 1000 / u128::from(per_second);
    let age = up_millis.saturating_sub(i64::try_from(start_millis).unwrap_or(i64::MAX));
    Ok(Wall::from_unix_millis(clock::wall().unix_millis().saturating_sub(age)))
}

/// See [`crate::process::identity::BootId::current`].
pub fn boot_id() -> io::Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// What a child wrote of itself into its run record: the line of its `stat`, whole.
/// `None` for a torn line.
pub fn from_record_line(line: &[u8]) -> Option<Identity> {
    let whole = line.strip_suffix(b"\n")?;
    stat::parse(whole).map(|stat| stat.identity())
}
