//! Files that are made from the code, checked in, and checked by CI.

use crate::Failure;
use std::fs;
use std::path::Path;

struct Generated {
    path: &'static str,
    content: fn() -> String,
}

const FILES: [Generated; 3] = [
    Generated { path: "docs/cli.md", content: process_monitor::cli::reference },
    Generated { path: "docs/openapi.json", content: process_monitor::openapi::text },
    Generated { path: "docs/registry.schema.json", content: process_monitor::openapi::registry_schema },
];

/// Writes every generated file anew.
pub fn write(root: &Path) -> Result<(), Failure> {
    for Generated { path, content } in FILES {
        let target = root.join(path);
        let written =
            target.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&target, content()));
        written.map_err(|error| format!("cannot write {}: {error}", target.display()))?;
        println!("wrote {path}");
    }
    Ok(())
}

/// Fails when a generated file is not what the code makes.
pub fn check(root: &Path) -> Result<(), Failure> {
    let stale = |file: &&Generated| fs::read_to_string(root.join(file.path)).ok() != Some((file.content)());
    let paths: Vec<_> = FILES.iter().filter(stale).map(|file| file.path).collect();
    if paths.is_empty() {
        println!("the generated files are up to date");
        return Ok(());
    }
    Err(format!("not up to date: {}; run: cargo run -p xtask -- generate", paths.join(", ")))
}
