//! Reading and writing at a place of a file: `ReadFile` and `WriteFile` with an offset. They move the file's position, too, which
//! nobody here relies on.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::windows::fs::FileExt as _;

/// As `std::os::unix::fs::FileExt`.
pub trait FileExt {
    /// Reads from `at` on; less than asked for is no error, and nothing is the end.
    ///
    /// # Errors
    /// What the system said.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;

    /// Fills `bytes` from `at` on.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedEof`] when there are not as many.
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;

    /// Writes at `at`, and says how much of it.
    ///
    /// # Errors
    /// What the system said.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;

    /// Writes all of it at `at`.
    ///
    /// # Errors
    /// What the system said; some may be written.
    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
}

impl FileExt for File {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        self.seek_read(bytes, at)
    }

    fn read_exact_at(&self, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.seek_read(bytes, at)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => {
                    bytes = bytes.get_mut(read..).unwrap_or_default();
                    at += read as u64;
                }
            }
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.seek_write(bytes, at)
    }

    fn write_all_at(&self, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.seek_write(bytes, at)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                written => {
                    bytes = bytes.get(written..).unwrap_or_default();
                    at += written as u64;
                }
            }
        }
        Ok(())
    }
}
