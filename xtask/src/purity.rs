//! The core decides and does nothing: it must not even be able to reach a clock, file or process.

use crate::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates that the core may stand on, directly.
const DEPENDENCIES: [&str; 13] = [
    "globset",
    "indexmap",
    "ipnet",
    "jiff",
    "memchr",
    "regex-lite",
    "serde",
    "serde_json",
    "serde_path_to_error",
    "sha2",
    "subtle",
    "thiserror",
    "utoipa",
];

/// What its sources must not name. Clippy's `disallowed_methods` sees through imports; this sees
/// what is behind a `cfg`, too.
const EFFECTS: [&str; 14] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::os",
    "std::io",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "rand::",
    "tokio",
    "unsafe ",
];

/// Fails when the core has effects.
pub fn check(root: &Path) -> Result<(), Failure> {
    let mut problems = foreign_dependencies(root)?;
    for file in sources(&root.join("crates/core/src"))? {
        let text =
            fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        problems
            .extend(effects_in(&text).map(|(line, effect)| format!("{}:{line}: {effect}", file.display())));
    }
    if problems.is_empty() {
        println!("the core is pure");
        return Ok(());
    }
    Err(format!("the core must not have effects; move these to the host crate:\n{}", problems.join("\n")))
}

fn effects_in(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).flat_map(
        |(at, line)| {
            EFFECTS.iter().filter(move |effect| line.contains(**effect)).map(move |effect| (at + 1, *effect))
        },
    )
}

fn foreign_dependencies(root: &Path) -> Result<Vec<String>, Failure> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "process-monitor-core",
            "--edges",
            "normal",
            "--depth",
            "1",
            "--prefix",
            "none",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let tree = String::from_utf8_lossy(&output.stdout);
    let direct = tree.lines().skip(1).filter_map(|line| line.split(' ').next());
    Ok(direct.filter(|name| !DEPENDENCIES.contains(name)).map(|name| format!("dependency {name}")).collect())
}

/// Every Rust file in `folder` and below.
pub fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| format!("cannot list {}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::effects_in;

    #[test]
    fn effects_are_seen_and_comments_are_not() {
        let text = "use std::fs::File;\n// std::net is not used\nlet x = Instant::now();";
        assert_eq!(effects_in(text).collect::<Vec<_>>(), [(1, "std::fs"), (3, "Instant::now")]);
    }
}
