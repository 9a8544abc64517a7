//! Figures for people: durations, sizes, exits.

use process_monitor_core::exit::{ExitReason, LastExit};
use std::time::Duration;

/// What stands where there is no value.
pub const NONE: &str = "-";

/// The two largest units: `45s`, `5m 12s`, `3h 4m`, `12d 7h`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m {}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// Three digits at most before the point: `512 B`, `1.5 KiB`, `12.0 MiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut name = "B";
    for unit in UNITS {
        // What would be shown as 1024.0 is 1.0 of the next unit.
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        name = unit;
    }
    format!("{value:.1} {name}")
}

/// `12.5%` of one core.
pub fn percent(percent: f64) -> String {
    format!("{percent:.1}%")
}

/// How a run ended, in a word or two: `0`, `1`, `SIGKILL`, `not started`, `unhealthy`.
pub fn exit(exit: &LastExit) -> String {
    match (exit.reason, exit.code, exit.signal.as_deref()) {
        (ExitReason::StartFailed, ..) => "not started".to_owned(),
        (ExitReason::Unhealthy, ..) => "unhealthy".to_owned(),
        (_, Some(code), _) => code.to_string(),
        (_, None, Some(signal)) => signal.to_owned(),
        (ExitReason::Stopped, None, None) => "stopped".to_owned(),
        (_, None, None) => "unknown".to_owned(),
    }
}

/// An id, a path or a message with nothing in it that a terminal would obey.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A command line as a shell would take it, so that it can be copied.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if word.chars().any(char::is_control) {
        // Bash, zsh and POSIX.1-2024 read `$'…'`.
        let escaped: String = word.chars().map(escaped).collect();
        return format!("$'{escaped}'");
    }
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn escaped(c: char) -> String {
    match c {
        '\n' => r"\n".to_owned(),
        '\t' => r"\t".to_owned(),
        '\'' | '\\' => format!("\\{c}"),
        c if c.is_ascii_control() => format!(r"\x{:02x}", u32::from(c)),
        c if c.is_control() => format!(r"\u{:04x}", u32::from(c)),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::exit::Exit;
    use process_monitor_core::time::Wall;

    #[test]
    fn durations() {
        let table = [
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (312, "5m 12s"),
            (3600, "1h 0m"),
            (86_399, "23h 59m"),
            (1_062_000, "12d 7h"),
        ];
        for (seconds, expected) in table {
            assert_eq!(duration(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn sizes() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (12 << 20, "12.0 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ];
        for (size, expected) in table {
            assert_eq!(bytes(size), expected, "{size}");
        }
    }

    #[test]
    fn exits() {
        let at = Wall::default();
        let table = [
            (LastExit::new(Exit::Code(3), at, ExitReason::Exited), "3"),
            (LastExit::new(Exit::Signal(9), at, ExitReason::Signaled), "SIGKILL"),
            (LastExit::new(Exit::Signal(9), at, ExitReason::Unhealthy), "unhealthy"),
            (LastExit::new(Exit::Unknown, at, ExitReason::StartFailed), "not started"),
            (LastExit::new(Exit::Unknown, at, ExitReason::Unknown), "unknown"),
            (LastExit::new(Exit::Unknown, at, ExitReason::Stopped), "stopped"),
        ];
        for (last, expected) in table {
            assert_eq!(exit(&last), expected);
        }
    }

    #[test]
    fn command_lines_can_be_copied() {
        assert_eq!(command_line(["sh", "-c", "echo it's", ""]), r"sh -c 'echo it'\''s' ''");
        assert_eq!(command_line(["a\u{1b}[2J\n'\\é"]), r"$'a\x1b[2J\n\'\\é'");
    }
}
