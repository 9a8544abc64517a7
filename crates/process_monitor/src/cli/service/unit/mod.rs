//! What the service manager is told, as text. Pure.
//!
//! | file | |
//! | --- | --- |
//! | `systemd` | a unit (systemd.service(5)) |
//! | `launchd` | a property list (launchd.plist(5)) |
//! | `windows` | a service, as the host writes and reads it |

mod launchd;
mod systemd;
mod windows;

use process_monitor_host::service_manager::Kind;

/// For whom it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The machine.
    System,
    /// The user, as long as he is logged in, or lingers.
    User,
}

/// What is to be told to the service manager.
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
    /// As whom it runs; `None`: as whoever runs the service manager.
    pub user: Option<User>,
}

/// A user of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// His number.
    pub uid: u32,
    /// His name; some service managers take nothing else.
    pub name: String,
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
        let rest =
            [systemd::MARK, launchd::MARK, windows::MARK].iter().find_map(|mark| text.strip_prefix(mark));
        let Some((line, body)) = rest.and_then(|rest| rest.split_once('\n')) else {
            return Self::Foreign;
        };
        let sum = line.strip_suffix(launchd::MARK_END).unwrap_or(line);
        if sum == checksum(body) { Self::Ours } else { Self::Edited }
    }
}

impl Unit {
    /// The name of the unit of `instance`, which is that of its file.
    pub fn name(kind: Kind, instance: &str) -> String {
        match kind {
            Kind::Systemd => systemd::name(instance),
            Kind::Launchd => launchd::name(instance),
            Kind::Windows => windows::name(instance),
        }
    }

    /// The whole file.
    pub fn text(&self, kind: Kind) -> String {
        let (mark, end, body) = match kind {
            Kind::Systemd => (systemd::MARK, "", systemd::body(self)),
            Kind::Launchd => (launchd::MARK, launchd::MARK_END, launchd::body(self)),
            Kind::Windows => (windows::MARK, "", windows::body(self)),
        };
        format!("{mark}{}{end}\n{body}", checksum(&body))
    }

    /// The words by which it is started with `action`.
    fn words<'a>(&'a self, action: &'a str, options: &'a [String]) -> impl Iterator<Item = &'a str> {
        let program = [self.executable.as_str(), action].into_iter();
        program.chain(self.target.iter().chain(options).map(String::as_str))
    }
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
            user: Some(User { uid: 1000, name: "tom".into() }),
        }
    }

    #[test]
    fn for_the_machine() {
        insta::assert_snapshot!(unit(Scope::System).text(Kind::Systemd));
    }

    #[test]
    fn for_a_user() {
        insta::assert_snapshot!(unit(Scope::User).text(Kind::Systemd));
    }

    #[test]
    fn for_launchd() {
        insta::assert_snapshot!("launchd_daemon", unit(Scope::System).text(Kind::Launchd));
        let agent = Unit { executable: "/opt/a & <b>".into(), ..unit(Scope::User) }.text(Kind::Launchd);
        assert!(
            agent.contains("<string>/opt/a &amp; &lt;b&gt;</string>") && !agent.contains("UserName"),
            "{agent}"
        );
    }

    #[test]
    fn for_windows() {
        let unit = Unit { executable: r"C:\Program Files\pm.exe".into(), ..unit(Scope::System) };
        insta::assert_snapshot!("windows_service", unit.text(Kind::Windows));
    }

    #[test]
    fn an_edit_is_seen() {
        for (kind, what) in [(Kind::Systemd, "=30"), (Kind::Launchd, "<integer>120"), (Kind::Windows, "7000")]
        {
            let text = unit(Scope::System).text(kind);
            assert_eq!(Origin::of(&text), Origin::Ours);
            assert_eq!(Origin::of(&text.replace(what, &format!("{what}0"))), Origin::Edited);
        }
        assert_eq!(Origin::of("[Unit]\nDescription=mine\n"), Origin::Foreign);
        assert_eq!(Origin::of(""), Origin::Foreign);
    }

    #[test]
    fn names() {
        assert_eq!(Unit::name(Kind::Systemd, "default"), "process_monitor.service");
        assert_eq!(Unit::name(Kind::Systemd, "watcher"), "process_monitor-watcher.service");
        assert_eq!(Unit::name(Kind::Launchd, "watcher"), "tom.process_monitor.watcher.plist");
        assert_eq!(Unit::name(Kind::Windows, "watcher"), "process_monitor_watcher");
    }
}
