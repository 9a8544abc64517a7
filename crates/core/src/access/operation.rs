//! What may be asked of a monitor.

use std::fmt;

/// A kind of request. Every route has exactly one; the rules speak of these, never of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// See processes, the monitor and its settings, and what happens. No environment, output or token is in it.
    Read,
    /// Read what a process printed.
    ReadLogs,
    /// Register a process.
    Register,
    /// Change a process's registration.
    Configure,
    /// Stop and remove a process.
    Deregister,
    /// Start a process.
    Start,
    /// Stop a process.
    Stop,
    /// Stop and start a process.
    Restart,
    /// Let a process be started.
    Enable,
    /// Stop a process and let nobody start it.
    Disable,
    /// Set whether a process starts with the monitor.
    Autostart,
    /// Send a process a signal.
    Signal,
    /// Replace the monitor by a fresh one.
    MonitorRestart,
    /// Stop the monitor and all processes.
    MonitorStop,
    /// Change the monitor's settings.
    Settings,
    /// List, make and revoke tokens.
    Tokens,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::ReadLogs,
        Self::Register,
        Self::Configure,
        Self::Deregister,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Enable,
        Self::Disable,
        Self::Autostart,
        Self::Signal,
        Self::MonitorRestart,
        Self::MonitorStop,
        Self::Settings,
        Self::Tokens,
    ];

    /// Whether it leaves everything as it is.
    pub fn only_reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadLogs)
    }
}

/// What follows "may not".
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::ReadLogs => "read the output of",
            Self::Register => "register",
            Self::Configure => "change the registration of",
            Self::Deregister => "deregister",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Autostart => "set the autostart of",
            Self::Signal => "send a signal to",
            Self::MonitorRestart => "restart the monitor",
            Self::MonitorStop => "stop the monitor",
            Self::Settings => "change the settings",
            Self::Tokens => "handle tokens",
        })
    }
}
