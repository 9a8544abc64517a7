//! Two monitors that keep each other alive, in virtual time: each case by itself, and histories of two
//! policies that meet everything that can befall them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod histories;
mod scenarios;
mod world;
