//! Another process takes over: there is no exec on this system. The one that leaves starts the one that follows and gives it
//! through its standard input what must not close in between; when that has the instance's lock, the old one ends.
//!
//! | file | what |
//! | --- | --- |
//! | `bequest` | leaving: what the heir gets, and waiting until it has taken over |
//! | `gift` | how one thing gets from here to there |
//! | `inherited` | coming: what a predecessor left |
//! | `trial` | running the program that is to follow, to see whether it can |
//! | `lock` | the instance's lock, which can be given by nobody: it is released, and taken anew |

mod bequest;
mod gift;
mod inherited;
mod lock;
mod trial;

pub use bequest::Bequest;
pub use gift::{Gift, Heir, Heritable};
pub use inherited::Inherited;
pub use lock::{Herald, locked, offer};
pub use trial::Trial;

/// The variable that tells a process whom it follows. It is meant for the child of that process alone.
const PREDECESSOR_VARIABLE: &str = "TOM_PM_FOLLOWS";

/// By this name an heir is told that it is to stop as soon as it can obey.
const STOP: &str = "stop";

/// Whether the next image goes on in the same process.
pub const IN_PLACE: bool = false;

/// Whether the process that has started this one is the first of its machine: no such process starts programs here.
pub fn started_by_process_one() -> bool {
    false
}
