//! Reading what programs printed, also while it is written and rotated.
//!
//! * [`runs`](super::names::runs) lists the run folders of a process.
//! * [`tail()`] is the end of one stream of one run.
//! * [`Follower`] goes on as the programs print, across rotation and restarts, and sleeps in between.
//!
//! Readers need nothing of the logger: a file is followed by its inode through its names.

mod chain;
mod follow;
mod run;
mod stream;
mod tail;
mod watch;

pub use follow::{Chunk, Follower};
pub use tail::tail;
pub use watch::FollowerWaker;
