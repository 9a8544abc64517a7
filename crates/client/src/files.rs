//! Small files that the user names: a token, certificates.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is in the file at `path`, links followed, pipes read to their end; an error in words when it is more than `most`
/// bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > most {
        true => Err(format!("{} is larger than {most} bytes", path.display())),
        false => Ok(bytes),
    }
}
