//! From a JSON text to a value, told everything that is wrong with it at once: what a person mends, he
//! mends in one go. For what clients send, and for a registry that was refused (serde, which is faster and
//! stops at the first mistake, is asked first there).
//!
//! | module | holds |
//! | --- | --- |
//! | `syntax` | bytes that are no text, texts that are no JSON |
//! | `tree` | JSON as a tree, and the keys that it has twice |
//! | `report` | what was found to be wrong, and where |
//! | `readable` | kinds of values and how each is read |
//! | `members` | the fields of an object |
//! | `explain` | what serde says about a wrong type, in words for people |
//! | `body` | a whole document, and a change of one |

mod body;
mod explain;
mod members;
mod readable;
mod report;
pub(crate) mod syntax;
mod tree;

pub(crate) use body::TWICE;
pub use body::{Document, Unreadable, patch, patched, read};
pub use members::{Members, fields_of};
pub use readable::{Path, Readable, paths_at};
pub use report::{MOST_PROBLEMS, Report, Unknown};
pub use tree::{Tree, tree};
