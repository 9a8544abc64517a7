//! Registering a program: what `run` and `add` share.

use super::context::Context;
use super::failure::Failure;
use super::options::ProcessOptions;
use clap::Args;
use process_monitor_client::{Error, Source};
use process_monitor_core::id::{MAX_ID_LENGTH, ProcessId};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What is to be registered.
#[derive(Debug, Args)]
pub struct Registration {
    /// Its id [default: from the program's file name]
    #[arg(short, long, value_name = "ID", visible_alias = "id")]
    name: Option<ProcessId>,
    #[command(flatten)]
    options: ProcessOptions,
    /// The program and its arguments, which are passed as they are; no shell is involved
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// Registers the program, and returns its id and where it was registered. With `disabled` it cannot
/// be started.
pub async fn register(
    context: &Context,
    registration: &Registration,
    disabled: bool,
) -> Result<(ProcessId, Source), Failure> {
    let here = here(context)?;
    loop {
        let id = match &registration.name {
            Some(id) => id.clone(),
            None => free_id(context, registration).await?,
        };
        let mut entry = registration.options.entry(id.clone(), &registration.command, here.as_deref())?;
        entry.enabled = !disabled;
        match context.client.register(entry).await {
            Ok(source) => return Ok((id, source)),
            // Somebody was faster; the next id is free.
            Err(Error::AlreadyExists { .. }) if registration.name.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The present folder; to a monitor elsewhere it means nothing.
pub fn here(context: &Context) -> Result<Option<PathBuf>, Failure> {
    if context.client.url().is_some() {
        return Ok(None);
    }
    std::env::current_dir().map(Some).map_err(|error| {
        Failure::failed(format!("cannot tell the present folder: {error}"))
            .advise("change to a folder that exists, or name one with --cwd")
    })
}

async fn free_id(context: &Context, registration: &Registration) -> Result<ProcessId, Failure> {
    let (_, processes) = context.client.list().await?;
    let taken = processes.into_iter().map(|process| process.id).collect();
    let program = registration.command.first().map(String::as_str).unwrap_or_default();
    free_id_for(program, &taken).ok_or_else(|| Failure::usage("name the process with --name"))
}

/// The file name of `program` as an id; with `-2`, `-3`, … when it is taken.
fn free_id_for(program: &str, taken: &HashSet<ProcessId>) -> Option<ProcessId> {
    let stem = stem(program);
    let numbered = (2..).map(|number: u32| {
        let suffix = format!("-{number}");
        let kept = stem.len().min(MAX_ID_LENGTH - suffix.len());
        format!("{}{suffix}", stem.get(..kept).unwrap_or_default())
    });
    std::iter::once(stem.clone())
        .chain(numbered)
        .map_while(|candidate| ProcessId::new(&candidate).ok())
        .find(|id| !taken.contains(id))
}

/// The file name, with what an id cannot hold replaced; ASCII.
fn stem(program: &str) -> String {
    let file = Path::new(program).file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = file.chars().map(allowed).skip_while(|c| !c.is_ascii_alphanumeric()).collect();
    match name.trim_end_matches('-') {
        "" => "process".to_owned(),
        name => name.chars().take(MAX_ID_LENGTH).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(program: &str, taken: &[&str]) -> String {
        let taken = taken.iter().map(|id| ProcessId::new(id).unwrap()).collect();
        free_id_for(program, &taken).unwrap().to_string()
    }

    #[test]
    fn an_id_from_a_file_name() {
        let table = [
            ("python3", "python3"),
            ("/usr/bin/python3.11", "python3.11"),
            ("./my server.sh", "my-server.sh"),
            ("/opt/.hidden", "hidden"),
            ("überwacher", "berwacher"),
            ("/", "process"),
            ("", "process"),
            ("---", "process"),
        ];
        for (program, id) in table {
            assert_eq!(free(program, &[]), id, "{program}");
        }
    }

    #[test]
    fn a_taken_id_gets_a_number() {
        assert_eq!(free("web", &["web"]), "web-2");
        assert_eq!(free("web", &["web", "web-2", "web-4"]), "web-3");
        let long = "x".repeat(80);
        let first = free(&long, &[]);
        assert_eq!(first.len(), MAX_ID_LENGTH);
        assert_eq!(free(&long, &[&first]), format!("{}-2", "x".repeat(MAX_ID_LENGTH - 2)));
    }
}
