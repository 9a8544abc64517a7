//! Which operating system this is, only the host layer asks: whoever ports the monitor has one place to look.

use crate::Failure;
use crate::purity::sources;
use std::fs;
use std::path::Path;

/// Who may ask, and why.
const MAY_ASK: [(&str, &str); 3] = [
    ("crates/host/", "it is the host layer"),
    ("crates/aliveness/", "it is for programs of others, so it stands on nothing of ours"),
    ("xtask/", "it runs where the monitor is developed"),
];

/// What of a `cfg` asks for the system.
const QUESTIONS: [&str; 6] = ["unix", "windows", "target_os", "target_family", "target_env", "target_vendor"];

/// Fails when a source outside of the host layer depends on the system.
pub fn check(root: &Path) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for file in sources(&root.join("crates"))? {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        if MAY_ASK.iter().any(|(folder, _)| name.starts_with(folder)) {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {name}: {error}"))?;
        problems.extend(questions_in(&text).map(|line| format!("{name}:{line}")));
    }
    if problems.is_empty() {
        println!("only the host layer asks for the system");
        return Ok(());
    }
    Err(format!(
        "only crates/host may ask for the operating system; move these there:\n{}",
        problems.join("\n")
    ))
}

/// The lines that ask. A condition may be broken over several lines, so each of its words counts.
fn questions_in(text: &str) -> impl Iterator<Item = usize> {
    let mut open = 0;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let code = line.trim_start();
        if code.starts_with("//") {
            return None;
        }
        let begins = ["cfg(", "cfg!(", "cfg_attr("].iter().find_map(|word| code.find(word));
        let condition = match begins {
            Some(begin) => code.get(begin..)?,
            None if open > 0 => code,
            None => return None,
        };
        open = (open + depth(condition)).max(0);
        condition
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| QUESTIONS.contains(&word))
            .then_some(at + 1)
    })
}

/// How many parentheses more are opened than closed.
fn depth(text: &str) -> i32 {
    text.chars().map(|c| i32::from(c == '(') - i32::from(c == ')')).sum()
}

#[cfg(test)]
mod tests {
    use super::questions_in;

    #[test]
    fn questions_are_seen_wherever_they_stand() {
        let text = "#[cfg(test)]\n#[cfg(unix)]\nif cfg!(target_os = \"linux\") {}\n// cfg(windows)\n\
            #[cfg(any(\n    feature = \"x\",\n    windows,\n))]\nlet unix = 1;";
        assert_eq!(questions_in(text).collect::<Vec<_>>(), [2, 3, 7]);
    }
}
