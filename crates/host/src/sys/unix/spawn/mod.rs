//! Starting a program: what comes before the child exists, and after it failed. What the child does is the system's own.
//!
//! | file | |
//! | --- | --- |
//! | `prepare` | the request in the form of execve(2), allocated before the child exists |
//! | `execute` | trying the files that a command may mean |
//! | `report` | telling by a pipe which step failed |
//! | `signals` | keeping them away while the child is born |
//! | `diagnose` | what an errno means to the person who registered the program |

pub mod diagnose;
pub mod execute;
pub mod prepare;
pub mod report;
pub mod signals;

use process_monitor_core::id::RunId;
use std::io;

/// There is nobody: what has not written its line into the run record has become no program, and never will.
///
/// # Errors
/// None.
pub fn bury_unborn(_run: &RunId) -> io::Result<()> {
    Ok(())
}
