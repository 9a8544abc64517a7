//! What to do when this system has no more of something.

/// When no process can be made.
pub const TOO_MANY_PROCESSES: &str = "the limit of processes is reached (`ulimit -u`; `sysctl kern.maxprocperuid kern.maxproc` shows those of the system)";

/// Where the number of files is set that all processes together may have open.
pub const ALL_OPEN_FILES: &str = "`sysctl kern.maxfiles`";
