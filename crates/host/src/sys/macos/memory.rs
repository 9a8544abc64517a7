//! Files that are gone with who has them open: in the folder for temporary files, under no name.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;

/// An empty file, for reading and writing. `name` is part of the name that it has for a moment.
///
/// # Errors
/// When the folder for temporary files cannot be written.
pub fn file(name: &str) -> io::Result<File> {
    loop {
        let unique: String = crate::random::secret_bits()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = std::env::temp_dir().join(format!("process_monitor.{name}.{unique}"));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
