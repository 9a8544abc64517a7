//! Reading what programs printed, also while it is written and rotated.
//!
//! | module | |
//! | --- | --- |
//! | [`selection`], [`cursor`] | what is wanted, and where one has got to |
//! | [`reader`], [`run`] | [`OutputReader`]: a process through its runs; both streams of a run in the order of time |
//! | [`stream`], [`chain`], [`marks`] | one stream by lines; its files; when its bytes were read |
//! | [`tail`], [`since`] | where the last lines begin, or those of a time |
//! | [`follow`], [`watch`] | [`Follower`]: goes on as programs print, and sleeps in between |
//! | [`hub`] | [`WatchHub`]: the same for many readers that share one thread |
//!
//! Readers need nothing of the logger: a file is followed by its inode through its names.

mod chain;
mod cursor;
mod follow;
mod hub;
mod marks;
mod reader;
mod run;
mod selection;
mod since;
mod stream;
mod tail;
mod watch;

pub use cursor::{Cursor, NoCursor};
pub use follow::Follower;
pub use hub::{LiveReader, WatchHub};
pub use reader::{Chunk, OutputReader};
pub use selection::{Runs, Selection};
pub use watch::FollowerWaker;
