//! What a person who looks for a fault wants to know: `/proc`.

mod ports;

pub use ports::listener_on;

use crate::survey::{Descriptors, Kernel};
use std::fs;
use std::io;

/// See [`crate::survey::missing`].
pub const NEEDED: &[&str] = &["/proc/self/stat", "/dev/null"];

/// The descriptors of process `pid`, which belongs to this user (`/proc/PID/fd`, `/proc/PID/limits`).
///
/// # Errors
/// When it does not run, or belongs to somebody else.
pub fn descriptors(pid: u32) -> io::Result<Descriptors> {
    let open = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits"))?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let limit = soft.and_then(|soft| soft.parse().ok());
    Ok(Descriptors { open: u64::try_from(open).unwrap_or(u64::MAX), limit })
}

/// The running kernel (uname(2)).
pub fn kernel() -> Kernel {
    let system = rustix::system::uname();
    let name = system.sysname().to_string_lossy().into_owned();
    let release = system.release().to_string_lossy().into_owned();
    let tells_exits_of_strangers = version(&release).is_some_and(|version| version >= (6, 15));
    Kernel { name, release, tells_exits_of_strangers }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_compared_by_number() {
        for (release, expected) in
            [("6.18.0-1-amd64", Some((6, 18))), ("6.9-rc1", Some((6, 9))), ("x", None), ("6", None)]
        {
            assert_eq!(version(release), expected, "{release}");
        }
    }
}
