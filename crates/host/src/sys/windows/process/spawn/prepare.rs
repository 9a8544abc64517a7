//! A request in the form of `CreateProcessW`.

use super::command_line::{self, command_line};
use super::program::{Search, ensure_program, find};
use super::variables::{block, value, variables};
use super::wide;
use crate::process::spawn::{SpawnError, SpawnRequest};
use std::ffi::OsStr;
use std::path::PathBuf;

/// The texts end with zeros.
pub struct Prepared {
    /// The file that is executed.
    pub program: PathBuf,
    /// Its path, and nothing to be looked for.
    pub application: Vec<u16>,
    /// How it is called.
    pub command_line: Vec<u16>,
    /// Its environment.
    pub environment: Vec<u16>,
    /// Where it runs; `None`: where the monitor does.
    pub directory: Option<Vec<u16>>,
}

impl Prepared {
    /// Translates `request`.
    pub fn new(request: &SpawnRequest<'_>) -> Result<Self, SpawnError> {
        if request.command.is_empty() {
            return Err(SpawnError::EmptyCommand);
        }
        ensure_no_zeros(request)?;
        let variables = variables(request)?;
        let search = Search { directory: request.working_directory, path: value(&variables, "PATH") };
        let program = match request.executable {
            Some(file) => file.to_owned(),
            None => find(request.command, &search)?,
        };
        ensure_program(&program)?;
        Ok(Self {
            application: ended(wide(program.as_os_str())),
            command_line: ended(line(request)?),
            environment: block(&variables),
            directory: request.working_directory.map(|path| ended(wide(path.as_os_str()))),
            program,
        })
    }
}

fn line(request: &SpawnRequest<'_>) -> Result<Vec<u16>, SpawnError> {
    let args: Vec<Vec<u16>> = request.args.iter().map(|arg| wide(arg)).collect();
    let command = wide(request.command);
    if command.contains(&u16::from(b'"')) {
        // No file can have such a name.
        return Err(SpawnError::NotFound { path: request.command.into() });
    }
    let line = command_line(&command, &args);
    match line.len() <= command_line::LONGEST {
        true => Ok(line),
        false => Err(SpawnError::LineTooLong { length: line.len(), longest: command_line::LONGEST }),
    }
}

fn ensure_no_zeros(request: &SpawnRequest<'_>) -> Result<(), SpawnError> {
    let none_in = |text: &OsStr, what: &dyn Fn() -> String| match text.as_encoded_bytes().contains(&0) {
        true => Err(SpawnError::NulByte { what: what() }),
        false => Ok(()),
    };
    none_in(request.command, &|| "the command".into())?;
    for (index, arg) in request.args.iter().enumerate() {
        none_in(arg, &|| format!("argument {}", index + 1))?;
    }
    let directory = request.working_directory.map_or(OsStr::new(""), |path| path.as_os_str());
    none_in(directory, &|| "the working directory".into())
}

fn ended(mut text: Vec<u16>) -> Vec<u16> {
    text.push(0);
    text
}
