//! The monitor as a user has it: the real program, real processes, the command line.

// What a test holds on to may be unused in another.
#![allow(dead_code)]

mod harness;
mod lifecycle;
mod output;
mod real_programs;
mod survival;
mod tree;
