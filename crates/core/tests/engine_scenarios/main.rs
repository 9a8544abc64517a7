//! SPEC 4.1 and 4.2, one scenario after the other, in virtual time. A scenario tells what happens,
//! and reads what the engine did as one line (see `desk`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod boot;
mod commands;
mod desk;
mod following;
mod health;
mod main_process;
mod policy;
mod shutdown;
mod stops;
mod waiting;
