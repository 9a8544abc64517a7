//! Keeping what one program is to inherit from all others.
//!
//! What a program inherits has to be inheritable in the monitor for the moment of its start. A start of ours names what it wants;
//! one by the standard library takes everything that is inheritable just then, and would keep the end of a program's output for as
//! long as it runs. So these are never under way at the same time.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

static STARTS: RwLock<()> = RwLock::new(());

/// While this lives, handles may be inheritable.
pub struct Inheritable {
    _others_wait: RwLockReadGuard<'static, ()>,
}

/// For a start that names what is inherited.
pub fn allow() -> Inheritable {
    Inheritable { _others_wait: STARTS.read().unwrap_or_else(PoisonError::into_inner) }
}

/// Runs `start`, which starts a process by the standard library, at a time when nothing else is inheritable.
pub fn alone<T>(start: impl FnOnce() -> T) -> T {
    let _alone = STARTS.write().unwrap_or_else(PoisonError::into_inner);
    start()
}
