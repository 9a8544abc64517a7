//! Chores of this repository: `cargo run -p xtask -- CHORE`.
//!
//! | chore | |
//! | --- | --- |
//! | `purity` | fails when the core has effects, or when anything but the host layer asks which system this is |
//! | `generate` | writes the generated files anew; with `--check`, fails when they are not up to date |

mod generate;
mod purity;
mod systems;

use std::path::PathBuf;
use std::process::ExitCode;

/// What went wrong, in words.
type Failure = String;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["purity"] => purity::check(&root()).and_then(|()| systems::check(&root())),
        ["generate"] => generate::write(&root()),
        ["generate", "--check"] => generate::check(&root()),
        _ => Err("usage: cargo run -p xtask -- purity | generate [--check]".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's folder.
fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}
