//! What Linux and macOS share.

pub mod control;
pub mod fd;
pub mod figures;
pub mod file_id;
pub mod handover;
pub mod limits;
pub mod notify;
pub mod numbers;
pub mod positioned;
pub mod private;
pub mod signals;
pub mod spawn;
pub mod tree;
pub mod users;
pub mod variables;
