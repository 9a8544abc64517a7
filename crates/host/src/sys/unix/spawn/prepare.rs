//! Everything a child needs, allocated before it exists: in the child no memory may be allocated.

use crate::executable::PATH_WITHOUT_PATH;
use crate::process::spawn::{
    NOT_FOR_PROGRAMS, PROCESS_ID_VARIABLE, RUN_ID_VARIABLE, SpawnError, SpawnRequest,
};
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A request in the form of execve(2).
pub struct Prepared {
    /// The paths to try, in this order.
    pub candidates: Vec<CString>,
    /// Where they come from: `None` when the command is a path itself.
    pub searched: Option<OsString>,
    /// The working directory.
    pub directory: Option<CString>,
    args: Strings,
    environment: Strings,
}

impl Prepared {
    /// Translates `request`.
    pub fn new(request: &SpawnRequest<'_>) -> Result<Self, SpawnError> {
        if request.command.is_empty() {
            return Err(SpawnError::EmptyCommand);
        }
        let variables = variables(request)?;
        let is_name = request.executable.is_none() && !request.command.as_bytes().contains(&b'/');
        let searched = is_name.then(|| {
            let path = variables.get(OsStr::new("PATH"));
            path.cloned().unwrap_or_else(|| PATH_WITHOUT_PATH.into())
        });
        let directory = request
            .working_directory
            .map(|path| c_string(path.as_os_str(), || "the working directory".into()));
        let file = request.executable.map_or(request.command, Path::as_os_str);
        Ok(Self {
            candidates: candidates(file, searched.as_deref())?,
            searched,
            directory: directory.transpose()?,
            args: Strings::new(args(request)?),
            environment: Strings::new(assignments(variables)?),
        })
    }

    /// `argv`, valid as long as `self`.
    pub fn argv(&self) -> *const *const c_char {
        self.args.pointers.as_ptr()
    }

    /// `envp`, valid as long as `self`.
    pub fn envp(&self) -> *const *const c_char {
        self.environment.pointers.as_ptr()
    }

    /// What execve(2) counts against its limit: the bytes of all strings, and of the longest.
    pub fn size(&self) -> (usize, usize) {
        let lengths = || {
            self.args.owned.iter().chain(&self.environment.owned).map(|text| text.as_bytes_with_nul().len())
        };
        (lengths().sum(), lengths().max().unwrap_or(0))
    }
}

/// Strings, and the null-terminated array of pointers to them. The pointers stay valid when this
/// moves: they point into the heap.
struct Strings {
    owned: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Strings {
    fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Self { owned, pointers }
    }
}

fn c_string(text: &OsStr, what: impl FnOnce() -> String) -> Result<CString, SpawnError> {
    CString::new(text.as_bytes()).map_err(|_| SpawnError::NulByte { what: what() })
}

fn args(request: &SpawnRequest<'_>) -> Result<Vec<CString>, SpawnError> {
    let mut args = Vec::with_capacity(request.args.len() + 1);
    args.push(c_string(request.command, || "the command".into())?);
    for (index, arg) in request.args.iter().enumerate() {
        args.push(c_string(arg, || format!("argument {}", index + 1))?);
    }
    Ok(args)
}

/// The program's environment: the monitor's own, then the additions, then the marks of the run,
/// which nothing replaces, because its tree is known by them.
fn variables(request: &SpawnRequest<'_>) -> Result<BTreeMap<OsString, OsString>, SpawnError> {
    let inherited = std::env::vars_os().filter(|(name, _)| !NOT_FOR_PROGRAMS.iter().any(|not| name == not));
    let mut variables: BTreeMap<OsString, OsString> = inherited.collect();
    for (name, value) in &request.environment {
        if name.is_empty() || name.as_bytes().contains(&b'=') {
            return Err(SpawnError::VariableName { name: name.to_string_lossy().into_owned() });
        }
        variables.insert(name.into(), value.into());
    }
    variables.insert(RUN_ID_VARIABLE.into(), request.run.as_str().into());
    variables.insert(PROCESS_ID_VARIABLE.into(), request.process.as_str().into());
    Ok(variables)
}

fn assignments(variables: BTreeMap<OsString, OsString>) -> Result<Vec<CString>, SpawnError> {
    let assignment = |(name, value): (OsString, OsString)| {
        let what = || format!("the environment variable {}", name.to_string_lossy());
        let mut text = name.clone();
        text.push("=");
        text.push(value);
        c_string(&text, what)
    };
    variables.into_iter().map(assignment).collect()
}

fn candidates(command: &OsStr, searched: Option<&OsStr>) -> Result<Vec<CString>, SpawnError> {
    let paths: Vec<PathBuf> = match searched {
        None => vec![command.into()],
        // An empty folder means the current one, also to execvp(3).
        Some(path) => std::env::split_paths(path).map(|folder| dot_if_empty(&folder).join(command)).collect(),
    };
    paths.iter().map(|path| c_string(path.as_os_str(), || "the command".into())).collect()
}

fn dot_if_empty(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}
