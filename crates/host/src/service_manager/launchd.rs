//! launchd (launchctl(1), launchd.plist(5)).

use super::{ManagerError, output};
use crate::layout::home_directory;
use crate::sys::users;
use std::path::{Path, PathBuf};

/// Where property lists lie.
pub fn folder(of_user: bool) -> Result<PathBuf, ManagerError> {
    match of_user {
        false => Ok("/Library/LaunchDaemons".into()),
        true => Ok(home_directory()?.join("Library/LaunchAgents")),
    }
}

/// Who runs it: the machine, or this user's login.
fn domain(of_user: bool) -> String {
    match of_user {
        false => "system".to_owned(),
        true => format!("gui/{}", users::own()),
    }
}

/// How it is called; a unit's name is that of its file.
pub fn target(of_user: bool, unit: &str) -> String {
    format!("{}/{}", domain(of_user), label(unit))
}

fn label(unit: &str) -> &str {
    unit.strip_suffix(".plist").unwrap_or(unit)
}

/// What a person would enter. One that was uninstalled before is disabled, which outlives its property list, and launchd
/// refuses to load what is.
pub fn start_command(of_user: bool, unit: &str, path: &Path) -> String {
    let path = path.display().to_string();
    let path =
        if path.contains(char::is_whitespace) { format!("'{}'", path.replace('\'', r"'\''")) } else { path };
    format!("launchctl enable {} && launchctl bootstrap {} {path}", target(of_user, unit), domain(of_user))
}

/// Whether it is not disabled.
pub fn is_enabled(of_user: bool, unit: &str) -> Result<String, ManagerError> {
    let (_, output) = output("launchctl", &["print-disabled".into(), domain(of_user)])?;
    Ok(enabled_in(&String::from_utf8_lossy(&output.stdout), label(unit)).to_owned())
}

/// Lines are `"label" => disabled`, or `true` in older systems.
fn enabled_in(told: &str, label: &str) -> &'static str {
    let line = told.lines().find(|line| line.trim_start().starts_with(&format!("\"{label}\" =>")));
    match line.and_then(|line| line.rsplit_once("=>")) {
        Some((_, state)) if ["disabled", "true"].contains(&state.trim()) => "disabled",
        _ => "enabled",
    }
}

/// Its state; `not loaded` when it does not know it.
pub fn is_active(of_user: bool, unit: &str) -> Result<String, ManagerError> {
    let (_, output) = output("launchctl", &["print".into(), target(of_user, unit)])?;
    match output.status.success() {
        true => Ok(state_in(&String::from_utf8_lossy(&output.stdout)).to_owned()),
        false => Ok("not loaded".to_owned()),
    }
}

fn state_in(told: &str) -> &str {
    told.lines().find_map(|line| line.trim().strip_prefix("state = ")).unwrap_or("loaded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_tells() {
        let told = "disabled services = {\n\t\"a.b\" => disabled\n\t\"c\" => enabled\n\t\"d\" => true\n}";
        for (label, expected) in [("a.b", "disabled"), ("c", "enabled"), ("d", "disabled"), ("b", "enabled")]
        {
            assert_eq!(enabled_in(told, label), expected, "{label}");
        }
        assert_eq!(state_in("gui/501/x = {\n\tactive count = 1\n\tstate = running\n}"), "running");
        assert_eq!(target(false, "x.plist"), "system/x");
        let command = start_command(false, "x.plist", Path::new("/my lists/x.plist"));
        assert_eq!(command, "launchctl enable system/x && launchctl bootstrap system '/my lists/x.plist'");
    }
}
