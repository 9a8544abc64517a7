//! The systemd unit (systemd.service(5)).

use super::{Scope, Unit, User};
use std::fmt::Write as _;

/// Begins the first line of a unit that we wrote; the rest of it tells whether it was edited since.
pub const MARK: &str =
    "# Written by `process_monitor service install`; to change something, use `systemctl edit`. ";

/// The name of the unit of `instance`.
pub fn name(instance: &str) -> String {
    match instance {
        "default" => "process_monitor.service".to_owned(),
        other => format!("process_monitor-{other}.service"),
    }
}

/// The file without its first line.
pub fn body(unit: &Unit) -> String {
    let Unit { scope, instance, user, .. } = unit;
    let start = command(unit, "--foreground", &unit.options);
    let reload = command(unit, "--restart", &[]);
    let user = match (scope, user) {
        (Scope::System, Some(User { uid, .. })) => format!("User={uid}\n"),
        _ => String::new(),
    };
    let (wanted_by, after) = match scope {
        Scope::System => ("multi-user.target", "After=network.target\n"),
        Scope::User => ("default.target", ""),
    };
    format!(
        "\
[Unit]
Description=Tom Process Monitor (instance {instance})
{after}
[Service]
Type=notify
NotifyAccess=main
ExecStart={start}
# A fresh monitor in the same process; what it manages runs on.
ExecReload={reload}
{user}\
# Supervision must answer, else the monitor is killed and started again.
WatchdogSec=30
# What it manages outlives it when it is killed, and is taken over by the next.
KillMode=process
Restart=on-failure
RestartForceExitStatus=75
RestartSec=1
# A wanted stop takes as long as the slowest program; the monitor asks for more where its programs may.
TimeoutStopSec=120
# A program that the kernel kills for want of memory is restarted by the monitor, and is no reason to stop that.
OOMPolicy=continue
TasksMax=infinity

[Install]
WantedBy={wanted_by}
"
    )
}

fn command(unit: &Unit, action: &str, options: &[String]) -> String {
    unit.words(action, options).map(quoted).collect::<Vec<_>>().join(" ")
}

/// One word of a command line, as systemd reads it: specifiers, variables, quotes and escapes mean themselves.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut text = String::from('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '%' | '$' => text.extend([c, c]),
            // Infallible: it writes into memory.
            c if c.is_control() => drop(write!(text, "\\x{:02x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text + "\""
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_mean_themselves() {
        let table = [
            ("/usr/bin/x-y_z", "/usr/bin/x-y_z"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("100%", "\"100%%\""),
            ("$HOME", "\"$$HOME\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("a\nb", "\"a\\x0ab\""),
            ("é;", "\"é;\""),
        ];
        for (word, expected) in table {
            assert_eq!(quoted(word), expected);
        }
    }
}
