//! Files as the monitor keeps them: replaced as a whole or not at all, read within bounds, in
//! folders that are nobody else's.

mod atomic;
mod error;
mod private;
mod read;
mod remove;
mod stamp;
mod temporary;

pub use crate::sys::files::{create_appending, readable_by_others};
pub use atomic::{Durability, replace_if, write_atomic};
pub use error::{FileError, FileKind};
pub use private::{create_folders, private_dir};
pub use read::read_bounded;
pub use remove::remove_if_there;
pub use stamp::{FileId, Stamp};
pub use temporary::remove_leftovers;

pub(crate) use error::Hint;
pub(crate) use read::{open_regular, read_open};
pub(crate) use temporary::{Closed, Temporary};
