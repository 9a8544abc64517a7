//! Files on Windows: access lists in place of modes, handles in place of inodes, and others who hold a file for a moment.
//!
//! | file | |
//! | --- | --- |
//! | `open` | opening without following a link, open to this user alone |
//! | `owner` | whose a file is, and who may do what with it |
//! | `access` | access control lists |
//! | `hint` | what to do about an error |
//! | `replace` | putting one file in the place of another |
//! | `program` | the file of a program that may run |
//! | `spare` | files that have served |
//! | `lock` | locks on a file |
//! | `stamp` | which file, which version |

mod access;
mod hint;
mod lock;
mod open;
mod owner;
mod program;
mod replace;
mod spare;
mod stamp;

pub use hint::{disk_full, hint, is_out_of_descriptors, kind};
pub use lock::{lock, lock_shared, try_lock_shared};
pub use open::{
    create_appending, create_new, null, open_appending, open_following, open_lock, open_log, open_regular,
    open_temporary, sync, sync_name,
};
pub use owner::{create_folder, create_folders, ensure_private, inherit, readable_by_others};
pub use program::{keep_program, replace_program};
pub use replace::{Placed, remove_file, rename, replace_if};
pub use spare::{KEEPS_SPARES, reopen, rewrite, set_aside, swap};
pub use stamp::{stamp_at, stamp_behind, stamp_of};
