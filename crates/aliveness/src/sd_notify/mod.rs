//! Telling the service manager: the protocol of `sd_notify(3)`, which systemd speaks and others have taken over.
//!
//! Where nobody asked to be told (no `NOTIFY_SOCKET`, or not a Unix), every function does nothing and returns
//! `Ok(false)`; programs call them unconditionally.
//!
//! ```
//! # fn main() -> Result<(), aliveness::Error> {
//! use aliveness::sd_notify;
//!
//! sd_notify::ready()?;
//! sd_notify::status("indexing, 42 % done")?;
//! sd_notify::stopping()?;
//! # Ok(())
//! # }
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `mod` | what can be told |
//! | `socket` | sending it: a datagram to `NOTIFY_SOCKET` |
//! | `watchdog` | pinging for as long as the program is well |

mod socket;
mod watchdog;

use crate::Error;
use std::ffi::OsString;
use std::time::Duration;
pub use watchdog::Watchdog;

/// Says that the program is up: `READY=1`. Call it when requests are accepted.
///
/// # Errors
/// As [`Notifier::send`].
pub fn ready() -> Result<bool, Error> {
    Notifier::from_env().ready()
}

/// Says that the program goes down: `STOPPING=1`. Call it first when asked to end.
///
/// # Errors
/// As [`Notifier::send`].
pub fn stopping() -> Result<bool, Error> {
    Notifier::from_env().stopping()
}

/// Says in words what the program does: `STATUS=text`. Line ends in it become spaces.
///
/// # Errors
/// As [`Notifier::send`].
pub fn status(text: &str) -> Result<bool, Error> {
    Notifier::from_env().status(text)
}

/// Says once that the program is alive: `WATCHDOG=1`. [`Watchdog`] does it for as long as it is.
///
/// # Errors
/// As [`Notifier::send`].
pub fn watchdog() -> Result<bool, Error> {
    Notifier::from_env().watchdog()
}

/// What the environment says about who wants to be told what.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    socket: Option<OsString>,
    watchdog_usec: Option<OsString>,
    watchdog_pid: Option<OsString>,
}

impl Notifier {
    /// From the environment of this process. It is left as it is: programs that this one starts inherit it, unless they
    /// are started without.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// From anything else that knows `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. An empty value counts as none.
    ///
    /// ```
    /// let nobody = aliveness::sd_notify::Notifier::from_lookup(|_| None);
    /// assert!(!nobody.ready().unwrap());
    /// ```
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| lookup(name).filter(|value| !value.is_empty());
        Self {
            socket: value("NOTIFY_SOCKET"),
            watchdog_usec: value("WATCHDOG_USEC"),
            watchdog_pid: value("WATCHDOG_PID"),
        }
    }

    /// See [`ready`].
    ///
    /// # Errors
    /// As [`Notifier::send`].
    pub fn ready(&self) -> Result<bool, Error> {
        self.send("READY=1")
    }

    /// See [`stopping`].
    ///
    /// # Errors
    /// As [`Notifier::send`].
    pub fn stopping(&self) -> Result<bool, Error> {
        self.send("STOPPING=1")
    }

    /// See [`status`].
    ///
    /// # Errors
    /// As [`Notifier::send`].
    pub fn status(&self, text: &str) -> Result<bool, Error> {
        // A line of its own would be an assignment of its own.
        self.send(&format!("STATUS={}", text.replace(['\n', '\r'], " ")))
    }

    /// See [`watchdog()`].
    ///
    /// # Errors
    /// As [`Notifier::send`].
    pub fn watchdog(&self) -> Result<bool, Error> {
        self.send("WATCHDOG=1")
    }

    /// Sends assignments, one a line, such as `RELOADING=1` or `EXTEND_TIMEOUT_USEC=5000000`. `Ok(false)`: nobody wants to know.
    ///
    /// # Errors
    /// [`Error::Notify`] when there is a `NOTIFY_SOCKET`, but the message does not get there: no such socket, no
    /// address that is known (a path, or `@` and a name on Linux), or nobody has read from it for 5 s.
    pub fn send(&self, message: &str) -> Result<bool, Error> {
        let Some(socket) = &self.socket else { return Ok(false) };
        socket::send(socket, message.as_bytes()).map_err(|source| Error::Notify {
            message: message.to_owned(),
            socket: socket.to_string_lossy().into_owned(),
            source,
        })
    }

    /// The time without a ping after which the service manager takes this process for hung; none when it does not
    /// watch, or watches another process (`WATCHDOG_PID`).
    ///
    /// # Errors
    /// [`Error::Environment`] when a variable is not a number above 0.
    pub fn watchdog_period(&self) -> Result<Option<Duration>, Error> {
        let (Some(_), Some(usec)) = (&self.socket, &self.watchdog_usec) else { return Ok(None) };
        // sd_watchdog_enabled(3): without a pid whoever has the variable is meant.
        if let Some(pid) = &self.watchdog_pid
            && number("WATCHDOG_PID", pid)? != u64::from(std::process::id())
        {
            return Ok(None);
        }
        number("WATCHDOG_USEC", usec).map(|usec| Some(Duration::from_micros(usec)))
    }
}

fn number(name: &'static str, value: &OsString) -> Result<u64, Error> {
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| Error::Environment { name, value: value.to_string_lossy().into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(socket: &str, usec: &str, pid: &str) -> Result<Option<Duration>, String> {
        let value = |name: &str| match name {
            "NOTIFY_SOCKET" => Some(socket.into()),
            "WATCHDOG_USEC" => Some(usec.into()),
            "WATCHDOG_PID" => Some(pid.into()),
            _ => None,
        };
        Notifier::from_lookup(value).watchdog_period().map_err(|error| error.to_string())
    }

    #[test]
    fn the_watchdog_is_for_the_process_that_is_named() {
        let me = std::process::id().to_string();
        let two_seconds = Ok(Some(Duration::from_secs(2)));
        assert_eq!(period("/s", "2000000", &me), two_seconds);
        assert_eq!(period("/s", "2000000", ""), two_seconds, "no pid: whoever has the variable");
        assert_eq!(period("/s", "2000000", "1"), Ok(None), "another process");
        assert_eq!(period("/s", "", &me), Ok(None), "not watched");
        assert_eq!(period("", "2000000", &me), Ok(None), "nowhere to ping to");
    }

    #[test]
    fn what_is_no_number_is_said() {
        for usec in ["0", "-1", "2s", "99999999999999999999"] {
            let error = period("/s", usec, "").unwrap_err();
            assert!(error.contains(&format!("WATCHDOG_USEC={usec:?}")), "{error}");
        }
        assert!(period("/s", "1", "me").unwrap_err().contains("WATCHDOG_PID=\"me\""));
    }
}
