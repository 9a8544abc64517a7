//! Reading and writing at a place of a file: pread(2), pwrite(2).

pub use std::os::unix::fs::FileExt;
