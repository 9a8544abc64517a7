//! Runs the fuzz targets for a while, with any compiler: `cargo run -p process-monitor-fuzz -- --seconds 20`.

use clap::Parser;
use process_monitor_fuzz::{Outcome, TARGETS, Target, run};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io};

/// Tries many inputs on the fuzz targets.
#[derive(Debug, Parser)]
struct Options {
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// How long each is run.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// The same seed makes the same inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Try this one input.
    #[arg(long)]
    input: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let wanted = |name: &str| options.target.as_deref().is_none_or(|target| target == name);
    let targets: Vec<_> = TARGETS.into_iter().filter(|(name, _)| wanted(name)).collect();
    if targets.is_empty() {
        let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no such target; there are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    let kept: Vec<_> = targets.into_iter().map(|(name, target)| fuzz(name, target, &options)).collect();
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says whether every promise was kept.
fn fuzz(name: &str, target: Target, options: &Options) -> bool {
    let corpus = match &options.input {
        Some(path) => fs::read(path).map(|input| vec![input]),
        None => corpus_of(name),
    };
    let corpus = match corpus {
        Ok(corpus) => corpus,
        Err(error) => {
            eprintln!("{name}: cannot read the inputs to begin with: {error}");
            return false;
        }
    };
    let time = Duration::from_secs(if options.input.is_some() { 0 } else { options.seconds });
    match run(target, corpus, time, options.seed) {
        Outcome::Kept { tried, came_to } => {
            println!("{name}: {tried} inputs came to {came_to} different things, and every promise was kept");
            true
        }
        Outcome::Broken(input) => {
            tell_broken(name, &input);
            false
        }
    }
}

fn tell_broken(name: &str, input: &[u8]) {
    let path = env::temp_dir().join(format!("fuzz-{name}-{}", std::process::id()));
    match fs::write(&path, input) {
        Ok(()) => eprintln!(
            "{name}: this input breaks a promise; try it again with --target {name} --input {}",
            path.display()
        ),
        Err(error) => eprintln!("{name}: an input breaks a promise, and cannot be saved: {error}"),
    }
    eprintln!("{}", String::from_utf8_lossy(input));
}

/// The inputs to begin with: those of the corpus, and the registries of the tests.
fn corpus_of(name: &str) -> io::Result<Vec<Vec<u8>>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![here.join("corpus").join(name)];
    if name == "registry" {
        let fixtures = here.join("../core/tests/fixtures/registries");
        folders.extend([fixtures.join("good"), fixtures.join("bad")]);
    }
    let mut paths = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
    }
    paths.sort();
    paths.iter().map(fs::read).collect()
}
