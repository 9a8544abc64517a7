//! Files that are gone with who has them open: `FILE_FLAG_DELETE_ON_CLOSE`.

use super::files::open_temporary;
use crate::random;
use std::fs::File;
use std::io;

/// An empty file, for reading and writing, in the user's folder for temporary files. `name` is shown to who looks for it.
///
/// # Errors
/// When it cannot be made.
pub fn file(name: &str) -> io::Result<File> {
    let secret: String = random::secret_bits()?.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    open_temporary(&std::env::temp_dir().join(format!("tom-pm-{name}-{secret}.tmp")))
}
