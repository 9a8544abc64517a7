//! What the monitor decides, and nothing it does.
//!
//! Every function here is a pure function of its arguments: it reads no clock, file, environment
//! variable, socket or process, and draws no random number. Time and chance come in as arguments
//! ([`time::Now`]), effects go out as values ([`engine::Action`]). `ARCHITECTURE.md` says why.

#![forbid(unsafe_code)]

pub mod access;
pub mod duration;
pub mod engine;
pub mod exit;
pub mod framing;
pub mod health;
pub mod id;
pub mod listening;
pub mod model;
pub mod nearest;
pub mod notice;
pub mod pace;
pub mod partner;
pub mod quoting;
pub mod reading;
pub mod registry;
pub mod time;
