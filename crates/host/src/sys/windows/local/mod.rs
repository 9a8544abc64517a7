//! Streams between processes of this user on this machine, found by a path: named pipes whose name is in a file at the path
//! ([`super::pipe`]).

mod connection;
mod listener;
mod stream;

pub use connection::LocalConnection;
pub use listener::LocalListener;
pub use stream::LocalStream;

#[cfg(test)]
mod tests;
