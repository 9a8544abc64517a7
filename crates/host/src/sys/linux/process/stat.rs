//! `/proc/PID/stat`: what the kernel says about one process, in one read (proc_pid_stat(5)).

use crate::process::identity::Identity;
use std::fs::{self, File};
use std::io::{self, Read};

/// `PF_EXITING` of linux/sched.h: on its way out.
const EXITING: u64 = 0x4;

/// More than the longest line: 52 fields of at most 20 characters and a name.
pub const LONGEST: usize = 2048;

/// The fields that the monitor needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Field 1.
    pub pid: u32,
    /// Field 3: `R`, `S`, `D`, `T`, `t`, `Z`, `X` or `I`.
    pub state: u8,
    /// Field 4.
    pub ppid: u32,
    /// Field 5.
    pub pgrp: u32,
    /// Field 6.
    pub session: u32,
    /// Field 9: the kernel's `PF_*` bits.
    pub flags: u64,
    /// Field 14: time in user mode, in clock ticks.
    pub utime: u64,
    /// Field 15: time in kernel mode, in clock ticks.
    pub stime: u64,
    /// Field 20: threads that have not been reaped, a dead leader included.
    pub threads: u64,
    /// Field 22, in clock ticks after boot.
    pub start_time: u64,
    /// Field 24: resident pages.
    pub rss: u64,
    /// Field 52, in the form of waitpid(2); 0 while it lives, and for those who may not look.
    pub exit_code: i32,
}

impl Stat {
    /// Pid and start time.
    pub fn identity(&self) -> Identity {
        Identity { pid: self.pid, start_time: self.start_time }
    }

    /// Whether the process has ended: a zombie waits for its parent, nothing of it runs. A leader
    /// whose thread has ended while others go on shows `Z` as well, but belongs to a live process.
    pub fn is_dead(&self) -> bool {
        self.is_zombie() && self.threads <= 1
    }

    /// Whether it is in the middle of its end: its memory, and with it the environment, may be gone already, but its children
    /// have not been given to another parent.
    pub fn is_exiting(&self) -> bool {
        self.flags & EXITING != 0 && !self.is_zombie()
    }

    fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// Reads the line of `pid`; `None` when there is no such process, not even as a zombie.
pub fn read(pid: u32) -> io::Result<Option<Stat>> {
    let mut buffer = [0; LONGEST];
    let length = match read_line(pid, &mut buffer) {
        Ok(length) => length,
        Err(gone) if is_gone(&gone) => return Ok(None),
        Err(error) => return Err(error),
    };
    let line = buffer.get(..length).unwrap_or_default();
    let foreign =
        || io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{pid}/stat has an unknown form"));
    parse(line).map(Some).ok_or_else(foreign)
}

/// The number of every process there is.
pub fn all_pids() -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(pids)
}

/// Reads the line of `pid` as it is.
pub fn read_line(pid: u32, buffer: &mut [u8]) -> io::Result<usize> {
    // Of a process itself an emulator of programs (qemu-user) makes up the line, with another start time than all others see.
    // That of its first thread it leaves alone, which differs in what nobody needs of itself: the times are that thread's.
    let path = match pid == std::process::id() {
        true => format!("/proc/{pid}/task/{pid}/stat"),
        false => format!("/proc/{pid}/stat"),
    };
    File::open(path)?.read(buffer)
}

/// Whether an error of a file below `/proc/PID` means that the process is gone.
pub fn is_gone(error: &io::Error) -> bool {
    // ESRCH: it went away between open and read.
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

/// Takes a line apart. The name in field 2 is whatever the program wants, `) R 1 (` and newlines
/// included, so the fields are counted from the last parenthesis.
pub fn parse(line: &[u8]) -> Option<Stat> {
    let open = line.iter().position(|&byte| byte == b'(')?;
    let close = line.iter().rposition(|&byte| byte == b')')?;
    let pid = std::str::from_utf8(line.get(..open)?).ok()?.trim().parse().ok()?;
    let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
    let mut fields = Fields(rest.split_ascii_whitespace(), 3);
    Some(Stat {
        pid,
        state: *fields.nth(3)?.as_bytes().first()?,
        ppid: fields.number(4)?,
        pgrp: fields.number(5)?,
        session: fields.number(6)?,
        flags: fields.number(9)?,
        utime: fields.number(14)?,
        stime: fields.number(15)?,
        threads: fields.number(20)?,
        start_time: fields.number(22)?,
        rss: fields.number(24)?,
        exit_code: fields.nth(52)?.parse().ok()?,
    })
}

/// The fields after the name, and the number of the next one as proc_pid_stat(5) counts.
struct Fields<'a>(std::str::SplitAsciiWhitespace<'a>, usize);

impl<'a> Fields<'a> {
    fn nth(&mut self, number: usize) -> Option<&'a str> {
        let skip = number.checked_sub(self.1)?;
        self.1 = number + 1;
        self.0.nth(skip)
    }

    /// A number; the kernel's -1 ("none", of a process that is being torn down) is 0 here.
    fn number<T: TryFrom<i128> + Default>(&mut self, number: usize) -> Option<T> {
        let value: i128 = self.nth(number)?.parse().ok()?;
        if value < 0 { Some(T::default()) } else { T::try_from(value).ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str) -> String {
        let numbers: Vec<String> = (4..=52).map(|n| n.to_string()).collect();
        format!("77 ({name}) S {}\n", numbers.join(" "))
    }

    #[test]
    fn a_hostile_name_moves_no_field() {
        for name in ["sh", "", ") R 1 (", "a b", "x\ny", ")))", "(", "\u{e4}"] {
            let stat = parse(line(name).as_bytes()).unwrap();
            assert_eq!(
                (stat.pid, stat.state, stat.ppid, stat.pgrp, stat.session),
                (77, b'S', 4, 5, 6),
                "{name}"
            );
            assert_eq!((stat.utime, stat.stime, stat.threads, stat.start_time), (14, 15, 20, 22), "{name}");
            assert_eq!((stat.rss, stat.exit_code), (24, 52), "{name}");
        }
        let raw =
            [b"77 (\xff\xfe) S ".as_slice(), line("").split_once(") S ").unwrap().1.as_bytes()].concat();
        assert_eq!(parse(&raw).map(|stat| stat.ppid), Some(4), "a name that is no UTF-8");
    }

    #[test]
    fn what_is_no_such_line_is_none() {
        let whole = line("sh");
        for bad in ["", "77", "77 (sh", "77 (sh)", "x (sh) S 1 2", &whole[..whole.len() - 4]] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_process_being_torn_down_has_no_group() {
        let torn = line("sh").replacen(" 5 6 ", " -1 -1 ", 1);
        assert_eq!(parse(torn.as_bytes()).map(|stat| (stat.pgrp, stat.session)), Some((0, 0)));
    }

    #[test]
    fn a_dead_leader_of_live_threads_is_not_dead() {
        let mut stat = parse(line("sh").as_bytes()).unwrap();
        stat.state = b'Z';
        stat.threads = 2;
        assert!(!stat.is_dead());
        stat.threads = 1;
        assert!(stat.is_dead());
    }
}
