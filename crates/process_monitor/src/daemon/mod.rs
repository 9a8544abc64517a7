//! The monitor itself: threads around one engine.
//!
//! | thread | does | file |
//! | --- | --- | --- |
//! | supervising | events → engine → actions; never waits for anything but events | `life`, `supervisor`, `executor`, `runs`, `outputs` |
//! | spawn (2) | FIFOs, records, fork and exec, folders | `starter`, `jobs` |
//! | stock | makes files before they are needed, then ends | `host/stock.rs` |
//! | kill (4) | kills trees and waits for their end | `jobs` |
//! | registry | reads, merges and writes the registry's file | `storage` |
//! | logger | keeps a logger process there | `logger`, `outputs` |
//! | probes | asks programs whether they are well; started by the first check | `checks`, `main_process` |
//! | lines | waits for lines that say that a program is ready; started by the first | `lines` |
//! | partner | keeps the other monitor of the pair there | `partner/` |
//! | main | serves the control socket, the API and the aliveness port, takes signals | `serve`, `api`, `aliveness` |
//!
//! A monitor that replaces itself: `succession`, and `rehearsal` for the one that follows.
//!
//! They share nothing but messages (`inbox`) and the board that readers see (`board`).

mod aliveness;
mod api;
mod board;
mod boot;
mod certificate;
mod checks;
mod events;
mod executor;
mod exit_with;
mod failed_starts;
mod figures;
mod handle;
mod inbox;
mod jobs;
mod launch;
mod life;
mod lines;
mod listing;
mod logger;
mod main_process;
mod marker;
mod outputs;
mod partner;
mod permits;
mod ports;
mod registry_file;
mod rehearsal;
mod replies;
mod runs;
mod serve;
mod service_manager;
mod settings;
mod signal_file;
mod start;
mod starter;
mod storage;
mod succession;
mod supervisor;
mod telling;
mod tree;

pub use events::EventHub;
pub use handle::Handle;
pub use inbox::CommandError;
pub use permits::permitted;
pub use rehearsal::rehearse;
pub use start::{DaemonError, Options, run};
pub use storage::ConfigureError;
pub use succession::NotFollowed;
