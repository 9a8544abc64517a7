//! The signal that asks a process to stop.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A signal that may be configured to ask a process to stop (`stop.signal`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // the names of signal(7)
pub enum StopSignal {
    #[default]
    Term,
    Int,
    Quit,
    Hup,
    Usr1,
    Usr2,
    Winch,
    Kill,
}

/// A text that names no signal which can stop a process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a stop signal; use one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGKILL"
)]
pub struct UnknownSignal(pub String);

impl StopSignal {
    /// Every value, with its name.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Term, "SIGTERM"),
        (Self::Int, "SIGINT"),
        (Self::Quit, "SIGQUIT"),
        (Self::Hup, "SIGHUP"),
        (Self::Usr1, "SIGUSR1"),
        (Self::Usr2, "SIGUSR2"),
        (Self::Winch, "SIGWINCH"),
        (Self::Kill, "SIGKILL"),
    ];

    /// `SIGTERM` and so on.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(signal, _)| *signal == self).map_or("SIGTERM", |(_, name)| name)
    }
}

impl FromStr for StopSignal {
    type Err = UnknownSignal;
    /// Takes `SIGTERM`, `TERM` and `term`.
    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        let upper = text.to_ascii_uppercase();
        let wanted = upper.strip_prefix("SIG").unwrap_or(&upper);
        Self::ALL
            .iter()
            .find(|(_, name)| &name[3..] == wanted)
            .map(|(signal, _)| *signal)
            .ok_or_else(|| UnknownSignal(text.to_owned()))
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl PartialSchema for StopSignal {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(|(_, name)| name);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A signal that asks a process to end (signal(7))"))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for StopSignal {}

impl Serialize for StopSignal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for StopSignal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
