//! `{instance}_state/launch.json`: how a monitor was started. Who starts it again does so in the same way.

use super::Owner;
use crate::files::{self, Durability, FileError};
use crate::layout::Layout;
use crate::process::Identity;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

const MAX_BYTES: u64 = 256 << 10;

/// How a monitor was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Launch {
    /// Who was.
    #[serde(flatten)]
    pub owner: Owner,
    /// Its program.
    pub executable: PathBuf,
    /// The words that make this program the same monitor in the background.
    #[serde(with = "words")]
    pub arguments: Vec<OsString>,
    /// Whether it wants no partner.
    pub standalone: bool,
}

impl Launch {
    /// Writes it down.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, layout: &Layout) -> Result<(), FileError> {
        let path = layout.launch();
        let text = serde_json::to_vec(self)
            .map_err(|why| FileError::not_written("put it in words", &path)(why.into()))?;
        files::write_atomic(&path, &text, Durability::Unsynced)
    }

    /// How the monitor `identity` of `layout`'s instance was started, if it wrote that down.
    pub fn read(layout: &Layout, identity: Identity) -> Option<Self> {
        let text = files::read_bounded(&layout.launch(), MAX_BYTES).ok()?;
        let launch: Self = serde_json::from_slice(&text).ok()?;
        (launch.owner.identity == identity).then_some(launch)
    }
}

/// Words that need not be Unicode, as text where they are.
mod words {
    use super::OsString;
    use crate::sys::words::{Unit, units, word};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Word {
        Text(String),
        Units(Vec<Unit>),
    }

    pub fn serialize<S: Serializer>(words: &[OsString], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(words.iter().map(|each| match each.to_str() {
            Some(text) => Word::Text(text.to_owned()),
            None => Word::Units(units(each)),
        }))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<OsString>, D::Error> {
        let words = Vec::<Word>::deserialize(deserializer)?;
        Ok(words
            .into_iter()
            .map(|each| match each {
                Word::Text(text) => text.into(),
                Word::Units(found) => word(found),
            })
            .collect())
    }
}
