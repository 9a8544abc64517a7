//! systemd (systemctl(1)).

use super::{ManagerError, output};
use crate::layout::home_directory;
use std::path::{Path, PathBuf};

/// There while systemd runs the machine (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// Where units lie.
pub fn folder(of_user: bool) -> Result<PathBuf, ManagerError> {
    if !of_user {
        return Ok("/etc/systemd/system".into());
    }
    let configured = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = match configured {
        Some(folder) => folder,
        None => home_directory()?.join(".config"),
    };
    Ok(folder.join("systemd/user"))
}

/// What it answers to a question about `unit`, such as `is-active`, in one word.
pub fn ask(of_user: bool, question: &str, unit: &str) -> Result<String, ManagerError> {
    let (_, output) = output("systemctl", &words(of_user, &[question, unit])?)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The words after `systemctl`, if that is of any use here.
pub fn words(of_user: bool, words: &[&str]) -> Result<Vec<String>, ManagerError> {
    if !Path::new(BOOTED).exists() {
        return Err(ManagerError::NotBooted("systemd"));
    }
    let user = if of_user { &["--user"][..] } else { &[] };
    Ok(user.iter().chain(words).map(|word| (*word).to_owned()).collect())
}

/// What a person would enter.
pub fn command(of_user: bool, words: &str) -> String {
    let user = if of_user { " --user" } else { "" };
    format!("systemctl{user} {words}")
}
