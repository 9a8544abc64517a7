//! What a program says of itself: by sd_notify(3), or by what it prints.

/// Longest text of `STATUS=` that is kept, in characters.
const LONGEST_STATUS: usize = 1_000;

/// One thing that a program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `READY=1`
    Ready,
    /// The line that was waited for was printed.
    Line,
    /// `WATCHDOG=1`
    Alive,
    /// `WATCHDOG=trigger`
    Distress,
    /// `STOPPING=1`
    Stopping,
    /// `STATUS=…`
    Status(String),
    /// `MAINPID=…`
    MainPid(u32),
}

impl Notice {
    /// What a datagram of sd_notify(3) says: assignments, one per line. Those that mean nothing to us are
    /// left out, and so is what is no assignment.
    pub fn parse(datagram: &[u8]) -> Vec<Self> {
        let text = String::from_utf8_lossy(datagram);
        text.lines().filter_map(|line| Self::of(line.split_once('=')?)).collect()
    }

    fn of(assignment: (&str, &str)) -> Option<Self> {
        match assignment {
            ("READY", "1") => Some(Self::Ready),
            ("STOPPING", "1") => Some(Self::Stopping),
            ("WATCHDOG", "1") => Some(Self::Alive),
            ("WATCHDOG", "trigger") => Some(Self::Distress),
            ("STATUS", text) => Some(Self::Status(text.chars().take(LONGEST_STATUS).collect())),
            ("MAINPID", pid) => pid.parse().ok().filter(|pid| *pid > 0).map(Self::MainPid),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_datagrams_say() {
        use Notice::{Alive, Distress, MainPid, Ready, Status, Stopping};
        let status = |text: &str| Status(text.to_owned());
        let table: [(&[u8], Vec<Notice>); 12] = [
            (b"READY=1", vec![Ready]),
            (
                b"READY=1\nSTATUS=up, 3 workers\nMAINPID=42\n",
                vec![Ready, status("up, 3 workers"), MainPid(42)],
            ),
            (b"STOPPING=1", vec![Stopping]),
            (b"WATCHDOG=1\r\nWATCHDOG=trigger", vec![Alive, Distress]),
            (b"STATUS=", vec![status("")]),
            (b"STATUS=a=b", vec![status("a=b")]),
            (b"STATUS=\xff\xfe", vec![status("\u{fffd}\u{fffd}")]),
            (b"READY=0\nREADY=yes\nREADY\nready=1\n READY=1", vec![]),
            (b"MAINPID=0\nMAINPID=-1\nMAINPID=x\nMAINPID=4294967296", vec![]),
            (b"RELOADING=1\nMONOTONIC_USEC=5\nFDSTORE=1\nX_OWN=1", vec![]),
            (b"", vec![]),
            (b"\0\n\n=\n==", vec![]),
        ];
        for (datagram, expected) in table {
            assert_eq!(Notice::parse(datagram), expected, "{:?}", String::from_utf8_lossy(datagram));
        }
        let long = format!("STATUS={}", "ä".repeat(5_000));
        assert_eq!(Notice::parse(long.as_bytes()), [status(&"ä".repeat(LONGEST_STATUS))]);
    }
}
