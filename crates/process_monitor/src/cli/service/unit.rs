//! The systemd unit, as text (systemd.service(5)). Pure.

use std::fmt::Write as _;

/// Begins the first line of a unit that we wrote; the rest of it tells whether it was edited since.
const MARK: &str =
    "# Written by `process_monitor service install`; to change something, use `systemctl edit`. ";

/// For whom systemd starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The machine.
    System,
    /// The user, as long as he is logged in, or lingers.
    User,
}

/// What is to be told to systemd.
#[derive(Debug, Clone)]
pub struct Unit {
    /// For whom.
    pub scope: Scope,
    /// Which instance.
    pub instance: String,
    /// The program.
    pub executable: String,
    /// Which monitor: directory and instance.
    pub target: Vec<String>,
    /// What else it is started with.
    pub options: Vec<String>,
    /// As whom it runs; `None`: as whoever runs systemd.
    pub uid: Option<u32>,
}

/// What a file is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// We wrote it, and nobody has changed it.
    Ours,
    /// We wrote it, and somebody has changed it.
    Edited,
    /// Somebody else wrote it.
    Foreign,
}

impl Origin {
    /// What `text` is to us.
    pub fn of(text: &str) -> Self {
        let Some((sum, body)) = text.strip_prefix(MARK).and_then(|rest| rest.split_once('\n')) else {
            return Self::Foreign;
        };
        if sum == checksum(body) { Self::Ours } else { Self::Edited }
    }
}

impl Unit {
    /// The name of the unit of `instance`.
    pub fn name(instance: &str) -> String {
        match instance {
            "default" => "process_monitor.service".to_owned(),
            other => format!("process_monitor-{other}.service"),
        }
    }

    /// The whole file.
    pub fn text(&self) -> String {
        let body = self.body();
        format!("{MARK}{}\n{body}", checksum(&body))
    }

    fn body(&self) -> String {
        let Self { scope, instance, uid, .. } = self;
        let start = self.command(&["--foreground"], &self.options);
        let reload = self.command(&["--restart"], &[]);
        let user = match (scope, uid) {
            (Scope::System, Some(uid)) => format!("User={uid}\n"),
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

    fn command(&self, action: &[&str], options: &[String]) -> String {
        let words = [self.executable.as_str()].into_iter().chain(action.iter().copied());
        let words = words.chain(self.target.iter().chain(options).map(String::as_str));
        words.map(quoted).collect::<Vec<_>>().join(" ")
    }
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

/// FNV-1a, 64 bits: tells an edit, and protects from nobody.
fn checksum(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(scope: Scope) -> Unit {
        Unit {
            scope,
            instance: "default".into(),
            executable: "/usr/bin/process_monitor".into(),
            target: ["--directory", "/srv/my programs/pm", "--instance", "default"].map(Into::into).into(),
            options: ["--api-port", "7000"].map(Into::into).into(),
            uid: Some(1000),
        }
    }

    #[test]
    fn for_the_machine() {
        insta::assert_snapshot!(unit(Scope::System).text());
    }

    #[test]
    fn for_a_user() {
        insta::assert_snapshot!(unit(Scope::User).text());
    }

    #[test]
    fn an_edit_is_seen() {
        let text = unit(Scope::System).text();
        assert_eq!(Origin::of(&text), Origin::Ours);
        assert_eq!(Origin::of(&text.replace("=30", "=60")), Origin::Edited);
        assert_eq!(Origin::of("[Unit]\nDescription=mine\n"), Origin::Foreign);
        assert_eq!(Origin::of(""), Origin::Foreign);
    }

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

    #[test]
    fn names() {
        assert_eq!(Unit::name("default"), "process_monitor.service");
        assert_eq!(Unit::name("watcher"), "process_monitor-watcher.service");
    }
}
