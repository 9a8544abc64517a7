//! Names: of instances, of processes and of runs.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Longest id, in bytes (ids are ASCII).
pub const MAX_ID_LENGTH: usize = 64;

/// Why a text is not an id. The rule is `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`: what it lets through is
/// safe as a file name on every system, in a URL path and in a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The text has no character.
    #[error("an id must not be empty")]
    Empty,
    /// The text is longer than [`MAX_ID_LENGTH`].
    #[error("an id has at most {MAX_ID_LENGTH} characters, this one has {0}")]
    TooLong(usize),
    /// The first character is neither a letter nor a digit.
    #[error("an id starts with a letter or digit (A-Z, a-z, 0-9), not with {0:?}")]
    Start(char),
    /// A later character is not allowed.
    #[error("an id holds only letters, digits, '.', '_' and '-'; {0:?} is none of these")]
    Character(char),
}

/// The same rule as a regular expression, for schemas.
const PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

fn check(text: &str) -> Result<(), InvalidId> {
    let mut characters = text.chars();
    let first = characters.next().ok_or(InvalidId::Empty)?;
    if !first.is_ascii_alphanumeric() {
        return Err(InvalidId::Start(first));
    }
    if let Some(bad) = characters.find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
        return Err(InvalidId::Character(bad));
    }
    if text.len() > MAX_ID_LENGTH {
        return Err(InvalidId::TooLong(text.len()));
    }
    Ok(())
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` against the rule of ids.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                check(text).map(|()| Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).pattern(Some(PATTERN)).into()
            }
        }

        impl ToSchema for $name {}

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::new(&text).map_err(|why| de::Error::custom(format!("{:?} is not an id: {why}", text)))
            }
        }
    };
}

id_type! {
    /// The name of a managed program within an instance.
    ProcessId
}
id_type! {
    /// The name of one running monitor: `default`, `watcher`, or another.
    InstanceId
}
id_type! {
    /// The name of one execution of a process, unique over the life of the directory. The shell
    /// makes it up (it needs a clock); the core only compares it.
    RunId
}

impl Default for InstanceId {
    fn default() -> Self {
        Self("default".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_ids() {
        let long = "a".repeat(64);
        for good in ["a", "0", "web", "Web-1.2_x", "a..b", long.as_str()] {
            assert!(ProcessId::new(good).is_ok(), "{good}");
        }
        let table = [
            ("", InvalidId::Empty),
            (".", InvalidId::Start('.')),
            ("..", InvalidId::Start('.')),
            ("-x", InvalidId::Start('-')),
            ("a/b", InvalidId::Character('/')),
            ("a\\b", InvalidId::Character('\\')),
            ("a\nb", InvalidId::Character('\n')),
            ("a\0", InvalidId::Character('\0')),
            ("ä", InvalidId::Start('ä')),
            ("a b", InvalidId::Character(' ')),
        ];
        for (bad, why) in table {
            assert_eq!(ProcessId::new(bad), Err(why), "{bad:?}");
        }
        assert_eq!(ProcessId::new(&"a".repeat(65)), Err(InvalidId::TooLong(65)));
    }
}
