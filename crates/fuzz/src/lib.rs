//! What must hold for every text that somebody may send or save. Each target takes any bytes, and panics when a
//! promise is broken.
//!
//! | module | holds |
//! | --- | --- |
//! | `request` | bodies of requests |
//! | `registry` | the registry's file |
//! | `mutate` | new inputs from old ones |
//! | `run` | many inputs, for a while |

#![allow(clippy::panic, clippy::expect_used, reason = "a broken promise is told by a panic")]

mod mutate;
mod registry;
mod request;
mod run;

pub use registry::registry;
pub use request::request;
pub use run::{Outcome, run};

use process_monitor_core::model::Problem;

/// A target: takes any bytes, panics when a promise is broken, and says what it came to, so that inputs which came to
/// something new can be told from others.
pub type Target = fn(&[u8]) -> String;

/// Every target by its name.
pub const TARGETS: [(&str, Target); 2] = [("request", request), ("registry", registry)];

/// What is told to a person is told in words, on one line, and at least one thing is.
fn told(problems: &[Problem]) -> String {
    assert!(!problems.is_empty(), "it was refused without a reason");
    problems.iter().map(|problem| told_one(&problem.path.to_string(), &problem.message)).collect()
}

/// The path and the kind of problem, without what was found.
fn told_one(path: &str, message: &str) -> String {
    assert!(!path.contains(char::is_control), "a path of several lines: {path:?}");
    assert!(!message.is_empty(), "{path} is wrong for no reason");
    let kind = message.split(", found").next().unwrap_or_default();
    // The names of fields that nobody knows are endless.
    let path = if kind.starts_with("there is no such field") { "" } else { path };
    format!("{path}: {};", kind.chars().take(24).collect::<String>())
}
