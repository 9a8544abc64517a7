//! Windows: handles, jobs, named pipes, completion ports.

pub mod fd;
pub mod positioned;
