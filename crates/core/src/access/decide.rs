//! Who may ask what: every rule of SPEC 5.3 about permission, in one table.

use super::caller::Doubt;
use super::{Operation, Standing};
use crate::model::{ProcessEntry, RemoteAccess, Scope};
use std::fmt;

/// What an operation asks of who wants it. A trusted peer needs nothing.
struct Rule {
    /// The least scope of a token.
    scope: Scope,
    /// What anybody else needs.
    others: Others,
}

/// What a peer needs that is neither trusted nor holds a token.
enum Others {
    /// Nothing.
    May,
    /// These flags.
    With(&'static [Flag]),
    /// These flags, and only for a process that another host registered.
    WithRemote(&'static [Flag]),
    /// It may not, whatever is set.
    Never,
}

/// A permission flag of `remoteAccess`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the fields of RemoteAccess
pub enum Flag {
    Register,
    Deregister,
    Start,
    Stop,
    Disable,
    Autostart,
    MonitorRestart,
}

impl Flag {
    fn is_set(self, access: &RemoteAccess) -> bool {
        match self {
            Self::Register => access.allow_remote_register,
            Self::Deregister => access.allow_remote_deregister,
            Self::Start => access.allow_remote_start,
            Self::Stop => access.allow_remote_stop,
            Self::Disable => access.allow_remote_disable,
            Self::Autostart => access.allow_remote_autostart,
            Self::MonitorRestart => access.allow_remote_monitor_restart,
        }
    }

    /// As it stands in the registry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "remoteAccess.allowRemoteRegister",
            Self::Deregister => "remoteAccess.allowRemoteDeregister",
            Self::Start => "remoteAccess.allowRemoteStart",
            Self::Stop => "remoteAccess.allowRemoteStop",
            Self::Disable => "remoteAccess.allowRemoteDisable",
            Self::Autostart => "remoteAccess.allowRemoteAutostart",
            Self::MonitorRestart => "remoteAccess.allowRemoteMonitorRestart",
        }
    }
}

fn rule(operation: Operation) -> Rule {
    use Operation::*;
    use Others::*;
    let (scope, others) = match operation {
        Read => (Scope::Read, May),
        // What a program prints may hold secrets: others see that of their own kind only.
        ReadLogs => (Scope::Read, WithRemote(&[])),
        Register => (Scope::Admin, With(&[Flag::Register])),
        // As taking it away and registering another.
        Configure => (Scope::Admin, WithRemote(&[Flag::Register, Flag::Deregister])),
        Deregister => (Scope::Admin, WithRemote(&[Flag::Deregister])),
        Start => (Scope::Control, WithRemote(&[Flag::Start])),
        Stop => (Scope::Control, WithRemote(&[Flag::Stop])),
        Restart => (Scope::Control, WithRemote(&[Flag::Start, Flag::Stop])),
        // A signal can end a process, or make it anew (SIGHUP).
        Signal => (Scope::Control, WithRemote(&[Flag::Start, Flag::Stop])),
        Enable | Disable => (Scope::Control, WithRemote(&[Flag::Disable])),
        Autostart => (Scope::Control, WithRemote(&[Flag::Autostart])),
        MonitorRestart => (Scope::Admin, With(&[Flag::MonitorRestart])),
        MonitorStop | Settings | Tokens => (Scope::Admin, Never),
    };
    Rule { scope, others }
}

/// Whether who counts as `standing` may do `operation` to `target`, under the settings `access`. A `target` that
/// does not exist is `None`: that may be said to everybody who may see the list.
///
/// # Errors
/// Why not, and what would permit it.
pub fn decide(
    standing: &Standing,
    operation: Operation,
    target: Option<&ProcessEntry>,
    access: &RemoteAccess,
) -> Result<(), Denial> {
    let Rule { scope, others } = rule(operation);
    let reason = match standing {
        Standing::Trusted => return Ok(()),
        Standing::Token { scope: has, .. } if *has >= scope => return Ok(()),
        Standing::Token { scope: has, .. } => Reason::Scope { has: *has, needs: scope },
        Standing::Other(doubt) => match denied_to_others(&others, target, access) {
            Some(lack) => Reason::Other { doubt: *doubt, lack },
            None => return Ok(()),
        },
    };
    Err(Denial { operation, target: target.map(|entry| entry.id.to_string()), reason })
}

fn denied_to_others(others: &Others, target: Option<&ProcessEntry>, access: &RemoteAccess) -> Option<Lack> {
    let flags = match others {
        Others::May => return None,
        Others::Never => return Some(Lack::Trust),
        Others::WithRemote(_) if target.is_some_and(|entry| !entry.is_remote) => return Some(Lack::Remote),
        Others::With(flags) | Others::WithRemote(flags) => flags,
    };
    flags.iter().find(|flag| !flag.is_set(access)).map(|flag| Lack::Flag(*flag))
}

/// Why something is not permitted. Displayed as a sentence that says what would permit it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    operation: Operation,
    target: Option<String>,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    Scope { has: Scope, needs: Scope },
    Other { doubt: Doubt, lack: Lack },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    Trust,
    Remote,
    Flag(Flag),
}

impl std::error::Error for Denial {}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, target, reason } = self;
        let target = target.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        let (doubt, lack) = match reason {
            Reason::Scope { has, needs } => {
                return write!(
                    f,
                    "a token with scope {has} may not {operation}{target}: that needs scope {needs}; \
                     the monitor's user makes one with `process_monitor token create --scope {needs}`"
                );
            }
            Reason::Other { doubt, lack } => (doubt, lack),
        };
        write!(f, "this peer may not {operation}{target}: ")?;
        match lack {
            Lack::Trust => f.write_str("only a trusted peer or an admin token may")?,
            Lack::Remote => f.write_str(
                "no other host registered it (isRemote is false), so only a trusted peer or a token may",
            )?,
            Lack::Flag(flag) => {
                write!(f, "{} is false, which only a trusted peer or an admin token can change", flag.name())?
            }
        }
        write!(f, "; it is not trusted because {doubt}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ProcessId;
    use Operation::*;

    const OTHER: Standing = Standing::Other(Doubt::UnknownUser);

    fn entry(is_remote: bool) -> ProcessEntry {
        let mut entry = ProcessEntry::new(ProcessId::new("web").unwrap(), "web");
        entry.is_remote = is_remote;
        entry
    }

    fn token(scope: Scope) -> Standing {
        Standing::Token { id: "1".into(), name: "t".into(), scope }
    }

    fn access(set: bool) -> RemoteAccess {
        RemoteAccess {
            allow_remote_register: set,
            allow_remote_deregister: set,
            allow_remote_start: set,
            allow_remote_stop: set,
            allow_remote_disable: set,
            allow_remote_autostart: set,
            allow_remote_monitor_restart: set,
            ..RemoteAccess::default()
        }
    }

    #[test]
    fn the_table() {
        // By whom: others with every flag, to a remote and a local process; others with no flag; tokens by scope.
        let table = [
            (Read, "remote local flagless read control admin"),
            (ReadLogs, "remote flagless read control admin"),
            (Register, "remote local admin"),
            (Configure, "remote admin"),
            (Deregister, "remote admin"),
            (Start, "remote control admin"),
            (Stop, "remote control admin"),
            (Restart, "remote control admin"),
            (Enable, "remote control admin"),
            (Disable, "remote control admin"),
            (Autostart, "remote control admin"),
            (Signal, "remote control admin"),
            (MonitorRestart, "remote local admin"),
            (MonitorStop, "admin"),
            (Settings, "admin"),
            (Tokens, "admin"),
        ];
        assert_eq!(table.map(|(operation, _)| operation), Operation::ALL);
        for (operation, who) in table {
            let asked = [
                ("remote", OTHER, entry(true), access(true)),
                ("local", OTHER, entry(false), access(true)),
                ("flagless", OTHER, entry(true), access(false)),
                ("read", token(Scope::Read), entry(false), access(false)),
                ("control", token(Scope::Control), entry(false), access(false)),
                ("admin", token(Scope::Admin), entry(false), access(false)),
            ];
            for (name, standing, entry, access) in asked {
                let expected = who.split(' ').any(|allowed| allowed == name);
                let found = decide(&standing, operation, Some(&entry), &access);
                assert_eq!(found.is_ok(), expected, "{name}: {operation:?}: {found:?}");
            }
            assert_eq!(decide(&Standing::Trusted, operation, Some(&entry(false)), &access(false)), Ok(()));
        }
    }

    #[test]
    fn each_flag_stands_for_what_it_says() {
        type Unset = fn(&mut RemoteAccess);
        let table: [(Unset, &[Operation]); 7] = [
            (|a| a.allow_remote_register = false, &[Register, Configure]),
            (|a| a.allow_remote_deregister = false, &[Configure, Deregister]),
            (|a| a.allow_remote_start = false, &[Start, Restart, Signal]),
            (|a| a.allow_remote_stop = false, &[Stop, Restart, Signal]),
            (|a| a.allow_remote_disable = false, &[Enable, Disable]),
            (|a| a.allow_remote_autostart = false, &[Autostart]),
            (|a| a.allow_remote_monitor_restart = false, &[MonitorRestart]),
        ];
        for (unset, denied) in table {
            let mut access = access(true);
            unset(&mut access);
            for operation in Operation::ALL {
                let possible = decide(&OTHER, operation, Some(&entry(true)), &self::access(true)).is_ok();
                let found = decide(&OTHER, operation, Some(&entry(true)), &access).is_ok();
                assert_eq!(found, possible && !denied.contains(&operation), "{operation:?} {denied:?}");
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_not_denied_unless_its_flag_is() {
        assert_eq!(decide(&OTHER, Stop, None, &access(true)), Ok(()));
        assert!(decide(&OTHER, Stop, None, &access(false)).is_err());
    }

    #[test]
    fn a_denial_says_what_would_permit_it() {
        let say = |standing, operation, set| {
            decide(&standing, operation, Some(&entry(set)), &access(set)).unwrap_err().to_string()
        };
        assert_eq!(
            say(token(Scope::Read), Stop, true),
            "a token with scope read may not stop web: that needs scope control; \
             the monitor's user makes one with `process_monitor token create --scope control`"
        );
        let other = Standing::Other(Doubt::AnotherUser(33));
        assert_eq!(
            say(other, Stop, false),
            "this peer may not stop web: no other host registered it (isRemote is false), so only a trusted peer \
             or a token may; it is not trusted because the connection belongs to user 33, not to the monitor's \
             user or root"
        );
        let mut unset = access(true);
        unset.allow_remote_stop = false;
        let why = decide(&OTHER, Restart, Some(&entry(true)), &unset).unwrap_err().to_string();
        assert!(why.contains("remoteAccess.allowRemoteStop is false"), "{why}");
    }
}
