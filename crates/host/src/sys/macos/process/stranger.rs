//! What everybody is told about any process: sysctl(3), `KERN_PROC_PID`. proc_pidinfo() refuses those of other users with EPERM,
//! unless we are root (`proc_security_policy()` in the kernel's proc_info.c), and whoever looks at all processes meets some.

use super::stat::{Stat, session_of};
use crate::sys::sysctl;
use std::io;

/// `KERN_PROC` and `KERN_PROC_PID` of sys/sysctl.h.
const ANY_BY_PID: [libc::c_int; 2] = [14, 1];

/// The size of `struct kinfo_proc` of sys/sysctl.h in a 64-bit program, and where in it are: the start time (seconds, and
/// microseconds), `p_flag`, `p_stat`, `p_pid`, `p_xstat`, `cr_uid`, `e_ppid` and `e_pgid`.
const SIZE: usize = 648;
const SECONDS: usize = 0;
const MICROS: usize = 8;
const FLAGS: usize = 32;
const STATE: usize = 36;
const PID: usize = 40;
const EXIT_STATUS: usize = 280;
const USER: usize = 420;
const PARENT: usize = 560;
const GROUP: usize = 564;

/// `P_WEXIT` of sys/proc.h.
const IN_EXIT: u32 = 0x2000;

/// Looks at process `pid`, whoever's it is; `None` when there is none.
pub fn read(pid: libc::c_int) -> io::Result<Option<Stat>> {
    let [kind, by] = ANY_BY_PID;
    let mut told = [0; SIZE];
    match sysctl::fill(&mut [libc::CTL_KERN, kind, by, pid], &mut told)? {
        0 => Ok(None),
        SIZE => match stat_in(&told).filter(|stat| i64::from(stat.pid) == i64::from(pid)) {
            Some(stat) if stat.zombie => Ok(Some(stat)),
            Some(stat) => Ok(Some(Stat { session: session_of(pid), ..stat })),
            None => Err(unknown_form()),
        },
        _ => Err(unknown_form()),
    }
}

fn unknown_form() -> io::Error {
    io::Error::other(
        "this version of macOS tells of processes in another form; a newer process monitor is needed",
    )
}

/// All but its session.
fn stat_in(told: &[u8; SIZE]) -> Option<Stat> {
    let number = |at: usize| told.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
    let seconds = u64::from_ne_bytes(told.get(SECONDS..SECONDS + 8)?.try_into().ok()?);
    let exit_status = u16::from_ne_bytes(told.get(EXIT_STATUS..EXIT_STATUS + 2)?.try_into().ok()?);
    Some(Stat {
        pid: number(PID)?,
        ppid: number(PARENT)?,
        pgrp: number(GROUP)?,
        session: 0,
        start_time: seconds.saturating_mul(1_000_000).saturating_add(u64::from(number(MICROS)?)),
        uid: number(USER)?,
        exit_status: exit_status.into(),
        zombie: u32::from(*told.get(STATE)?) == libc::SZOMB,
        exiting: number(FLAGS)? & IN_EXIT != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::stat;
    use super::*;

    #[test]
    fn both_ways_tell_the_same() {
        let me = std::process::id();
        assert_eq!(read(me.cast_signed()).unwrap(), stat::read(me).unwrap());
        assert_eq!(read(libc::c_int::MAX).unwrap(), None);
    }

    #[test]
    fn processes_of_others_are_seen() {
        assert!(stat::read(1).unwrap().is_some(), "launchd");
    }
}
