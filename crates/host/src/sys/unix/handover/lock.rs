//! The instance's lock: it belongs to what is open, and so stays locked through an exec (flock(2)).

use crate::fd::OwnedFd;
use crate::handover::Heirloom;
use std::fs::File;
use std::sync::Arc;

/// The lock on `file`, for the image that follows.
pub fn offer(file: File) -> Heirloom {
    Arc::new(file)
}

/// Tells the predecessor that everything is taken over.
#[derive(Debug)]
pub struct Herald(());

impl Herald {
    /// There is nobody to tell: the predecessor was an image of this very process.
    pub fn tell(self) {}
}

/// The lock that a predecessor offered by `offered`, should it be one. Its file needs not be opened.
///
/// # Errors
/// Never, here.
pub fn locked<E>(
    offered: OwnedFd,
    _open: impl FnOnce() -> Result<File, E>,
) -> Result<Option<(File, Herald)>, E> {
    let file = File::from(offered);
    let held = file.try_lock().is_ok();
    Ok(held.then_some((file, Herald(()))))
}
