//! Windows: handles, jobs, named pipes, completion ports.

pub mod control;
pub mod fd;
pub mod handover;
pub mod notify;
pub mod peer;
pub mod pipe;
pub mod positioned;
pub mod security;
pub mod services;
pub mod signals;
pub mod users;
