//! An environment as a list of variables.

use crate::sys::process::environment::environment;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The variables that `pid` was started with, if it shows them to us.
pub fn variables(pid: u32) -> Option<Vec<(OsString, OsString)>> {
    let environment = environment(pid)?;
    let split = |variable: &[u8]| {
        let at = variable.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (variable.get(..at)?, variable.get(at + 1..)?);
        Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value).to_owned()))
    };
    Some(environment.split(|&byte| byte == 0).filter_map(split).collect())
}
