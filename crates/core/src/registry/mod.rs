//! The registry document `processes_{instance}.json` (SPEC 3.1 to 3.3): text in, values out. Where the
//! text comes from and how it reaches the disk is the host's business.
//!
//! | module | holds |
//! | --- | --- |
//! | `document` | the document: its fields, reading, writing, validation |
//! | `parse` | from text to document, in the order in which a text is refused |
//! | `unique` | no key twice, anywhere |
//! | `locate` | the line of a value |
//! | `error` | what is wrong with a text, and where |
//! | `settings` | what of it users may change, and how |
//! | `merge` | a file that somebody edited, merged with what we hold |

mod document;
mod error;
mod locate;
mod merge;
mod parse;
mod settings;
mod unique;

pub use document::{MAX_BYTES, Processes, Registry, VERSION};
pub use error::{ParseError, ParseErrorKind};
pub use merge::{Edit, Merge, merge};
pub use settings::{Setting, ShownRemoteAccess, ShownSettings, inside, settings_of};
