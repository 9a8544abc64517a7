//! What Linux and macOS share.

pub mod fd;
pub mod figures;
pub mod file_id;
pub mod limits;
pub mod numbers;
pub mod positioned;
pub mod spawn;
pub mod tree;
pub mod variables;
