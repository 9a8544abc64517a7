//! The monitor as a user has it: the real program, real processes, the command line.

// What a test holds on to may be unused in another.
#![allow(dead_code)]

mod api;
mod harness;
mod lifecycle;
mod limits;
mod output;
mod real_programs;
mod registry;
mod spawn_errors;
mod survival;
mod tree;
