//! What Linux and macOS share.

pub mod figures;
pub mod limits;
pub mod numbers;
pub mod spawn;
pub mod tree;
pub mod variables;
