//! Who may do what alone.
//!
//! * [`LifeLock`]: an OS lock that lives as long as its holder; nothing to clean up after a kill.
//! * [`InstanceLock`]: the life lock of the one monitor of an instance, with its name on the door.
//! * [`RegistryLock`]: the lock *file* of SPEC 3.4, which other implementations obey too. It outlives a
//!   killed holder, so it can be stale and then has to be broken.

mod content;
mod holder;
mod instance;
mod life;
mod registry;
mod release;
mod stale;

pub use content::LockHolder;
pub use instance::{InstanceLock, InstanceLockError, MonitorInfo};
pub use life::LifeLock;
pub use registry::{LockError, REGISTRY_LOCK_WAIT, RegistryLock};

pub(crate) use holder::is_gone as holder_is_gone;
