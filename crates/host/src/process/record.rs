//! The run record: what a later monitor must know to find a run again.
//!
//! ```text
//! {"version":1,"process":"web","run":…,"folder":…,"boot":…,"startedAt":…}   the intent, by the monitor
//! 4711 (process_monitor) R 4700 …                                           by the child, before its exec
//! {"run":…,"exit":{"code":0},"at":…}                                        by the monitor, when it ended
//! {"run":…,"main":{"pid":4712,"startTime":…}}                               by the monitor, when the program
//!                                                                           goes on as another process
//! ```
//!
//! (The child's line is the system's own form; on macOS and Windows `4711 (1764081234567890)`: pid and start time. On Windows the
//! monitor writes it, and lets the child begin only then: `sys/windows/process/spawn/` tells what follows.)
//!
//! The last line says what is so. A daemon's launcher ends, then its main process is known, then that ends.
//!
//! * The intent appears under the record's name whole or not at all (a file of another name,
//!   renamed or exchanged), and before the spawn.
//! * The monitor holds a lock (flock) on the open file, which the child shares and loses by its exec or
//!   its end. Who gets the lock knows that no child is on its way between the two.
//! * So under the lock: no second line means that no program was started; a second line names it.
//! * Nothing is synced to disk: after a power loss, or any other boot, no pid means anything, and the
//!   boot id of the intent says so.

use super::identity::{BootId, Identity};
use crate::fd::{AsFd, BorrowedFd};
use crate::files::{FileId, Stamp, remove_if_there};
use crate::stock::Stock;
use crate::sys::{files, process as sys};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The extension of records; files with others are none.
const EXTENSION: &str = "run";

/// The form of the intent that this version writes and reads.
const VERSION: u32 = 1;

/// A record has a few lines; what is longer is none.
const LONGEST: u64 = 64 * 1024;

/// How long a reader waits for a child on its way to its exec.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// What is about to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// Which process.
    pub process: ProcessId,
    /// Which run of it.
    pub run: RunId,
    /// Where its output is kept; `None`: it is discarded. Written as an empty path then, because monitors that know of
    /// no such runs must find one.
    #[serde(with = "folder")]
    pub folder: Option<PathBuf>,
    /// The boot in which it is started.
    pub boot: BootId,
    /// When.
    pub started_at: Wall,
    /// Automatic restarts used up by then.
    pub attempts: u32,
}

mod folder {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::path::{Path, PathBuf};

    pub fn serialize<S: Serializer>(folder: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        folder.as_deref().unwrap_or(Path::new("")).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        PathBuf::deserialize(from).map(|folder| Some(folder).filter(|folder| !folder.as_os_str().is_empty()))
    }
}

#[derive(Serialize, Deserialize)]
struct IntentLine<I> {
    version: u32,
    #[serde(flatten)]
    intent: I,
}

/// A record as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What was to be started.
    pub intent: Intent,
    /// What came of it.
    pub state: RecordState,
}

/// What came of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordState {
    /// Nothing was ever started.
    IntentOnly,
    /// This process was started; whether it lives is another question.
    Spawned(Identity),
    /// The program goes on as `main`, which it told; whether that lives is another question.
    Adopted {
        /// The process that was started.
        leader: Identity,
        /// The one that goes on.
        main: Identity,
    },
    /// It was started and has ended, and a monitor saw how.
    Finished {
        /// The process that was started.
        leader: Identity,
        /// The one that went on, if the program told of one.
        main: Option<Identity>,
        /// How it ended.
        exit: Exit,
        /// When.
        at: Wall,
    },
    /// It was started before the present boot, so it is gone.
    OtherBoot,
}

/// Why a record cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each field is what its message says
pub enum RecordError {
    /// The record could not be put in place; nothing must be started.
    #[error("cannot write the run record {}: {source}; without it the run would be lost with the monitor", .path.display())]
    Write { path: PathBuf, source: io::Error },
    /// The file could not be read.
    #[error("cannot read the run record {}: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is none of ours, or a power loss left it half written.
    #[error("{} is not a run record: {reason}; it is treated as if it did not exist", .path.display())]
    Foreign { path: PathBuf, reason: String },
    /// A child still has the lock: whether it will become a program is not known yet.
    #[error(
        "the run record {} has been locked for {} s by a process that is just being started; \
         nothing must be started in its place until it is free",
        .path.display(), LOCK_TIMEOUT.as_secs()
    )]
    Busy { path: PathBuf },
}

/// A record that is open and locked for a spawn. Drop it when the spawn is over.
#[derive(Debug)]
pub struct RunRecord {
    file: File,
}

impl RunRecord {
    /// Writes `intent` to `path` in place of an earlier record, into a file of `stock` or a new one. The folder must exist.
    ///
    /// # Errors
    /// [`RecordError::Write`]; an earlier record is then untouched.
    pub fn create(path: &Path, intent: &Intent, stock: &Stock) -> Result<Self, RecordError> {
        let failed = |source: io::Error| RecordError::Write { path: path.to_owned(), source };
        let (temporary, file) = match stock.file() {
            Some(spare) => spare,
            None => create_new(path, stock).map_err(failed)?,
        };
        let put = if stock.is_kept() { files::swap } else { replace };
        match place(&file, intent, || put(&temporary, path)) {
            Ok(exchanged) => {
                if exchanged {
                    stock.take_back_file(temporary);
                }
                Ok(Self { file })
            }
            Err(error) => {
                // The error that matters is the first one.
                let _ = remove_if_there(&temporary);
                Err(failed(error))
            }
        }
    }
}

/// For [`super::SpawnRequest::record`].
impl AsFd for RunRecord {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A file, locked, that is to become the record at `path`, and where it is.
fn create_new(path: &Path, stock: &Stock) -> io::Result<(PathBuf, File)> {
    let temporary = stock.name_for_file().unwrap_or_else(|| path.with_extension(format!("{EXTENSION}.new")));
    let created = match files::create_appending(&temporary) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // A monitor was killed between writing and renaming it.
            files::remove_file(&temporary)?;
            files::create_appending(&temporary)
        }
        other => other,
    };
    let file = created?;
    files::lock(&file)?;
    Ok((temporary, file))
}

/// As [`files::swap`], but nothing is exchanged.
fn replace(temporary: &Path, path: &Path) -> io::Result<bool> {
    files::rename(temporary, path).map(|()| false)
}

/// Writes `intent` into `file`, and has it `put` in place.
fn place<T>(file: &File, intent: &Intent, put: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut line = serde_json::to_vec(&IntentLine { version: VERSION, intent })?;
    line.push(b'\n');
    files::rewrite(file, &line)?;
    crate::crash_point!("record::before_rename");
    let done = put()?;
    crate::crash_point!("record::after_rename");
    Ok(done)
}

#[derive(Serialize, Deserialize)]
struct ExitLine {
    run: RunId,
    exit: WrittenExit,
    at: Wall,
}

#[derive(Serialize, Deserialize)]
struct MainLine {
    run: RunId,
    main: Identity,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum WrittenExit {
    Code(i32),
    Signal(i32),
    Unknown,
}

/// Notes in the record at `path` how `run` ended, because nobody can be asked again once it is reaped.
/// A record that is gone is fine.
///
/// # Errors
/// [`RecordError::Write`]
pub fn finish(path: &Path, run: &RunId, exit: Exit, at: Wall) -> Result<(), RecordError> {
    let failed = |source: io::Error| RecordError::Write { path: path.to_owned(), source };
    let exit = match exit {
        Exit::Code(code) => WrittenExit::Code(code),
        Exit::Signal(number) => WrittenExit::Signal(number),
        Exit::Unknown => WrittenExit::Unknown,
    };
    append(path, &ExitLine { run: run.clone(), exit, at }).map_err(failed)
}

/// Notes in the record at `path` that `run` goes on as `main`. A record that is gone is fine.
///
/// # Errors
/// [`RecordError::Write`]
pub fn adopt(path: &Path, run: &RunId, main: Identity) -> Result<(), RecordError> {
    let failed = |source: io::Error| RecordError::Write { path: path.to_owned(), source };
    append(path, &MainLine { run: run.clone(), main }).map_err(failed)
}

fn append(path: &Path, line: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    let mut file = match OpenOptions::new().append(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // One write: a kill leaves the whole line or none.
    file.write_all(&line)
}

/// Removes the record at `path`: its run is over and its outcome on disk elsewhere. The file goes to `stock`. A record that is gone
/// is fine.
///
/// # Errors
/// When the file cannot be removed.
pub fn remove(path: &Path, stock: &Stock) -> io::Result<()> {
    stock.retire_file(path)
}

/// Reads every record in `folder` (a folder that does not exist holds none). Names come in no order.
///
/// # Errors
/// When the folder cannot be listed; what is wrong with one record is in its own place.
pub fn read_all(folder: &Path, boot: &BootId) -> io::Result<Vec<(PathBuf, Result<Found, RecordError>)>> {
    read_each(folder, |path| read(path, boot))
}

/// The same, but waits for nobody: a record that is locked is [`RecordError::Busy`] at once.
///
/// # Errors
/// As [`read_all`].
pub fn read_free(folder: &Path, boot: &BootId) -> io::Result<Vec<(PathBuf, Result<Found, RecordError>)>> {
    read_each(folder, |path| read_within(path, boot, Duration::ZERO))
}

fn read_each(
    folder: &Path,
    read: impl Fn(&Path) -> Result<Found, RecordError>,
) -> io::Result<Vec<(PathBuf, Result<Found, RecordError>)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            match read(&path) {
                Err(RecordError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                record => found.push((path, record)),
            }
        }
    }
    Ok(found)
}

/// Reads the record at `path`, after waiting, at most 10 s, for a child that is on its way to its exec.
///
/// # Errors
/// [`RecordError::Busy`] when it takes longer, [`RecordError::Foreign`] for what is no record,
/// [`RecordError::Read`] else.
pub fn read(path: &Path, boot: &BootId) -> Result<Found, RecordError> {
    read_within(path, boot, LOCK_TIMEOUT)
}

fn read_within(path: &Path, boot: &BootId, patience: Duration) -> Result<Found, RecordError> {
    let failed = |source: io::Error| RecordError::Read { path: path.to_owned(), source };
    let foreign = |reason: &str| RecordError::Foreign { path: path.to_owned(), reason: reason.to_owned() };
    let file = loop {
        let file = files::open_regular(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.len() > LONGEST {
            return Err(foreign("it is not a short regular file"));
        }
        if !lock_within(&file, patience).map_err(failed)? {
            return Err(RecordError::Busy { path: path.to_owned() });
        }
        // It may be the record of another run meanwhile, even of another process ([`Stock`]).
        if Stamp::of(&file).map_err(failed)?.id == FileId::at(path).map_err(failed)? {
            break file;
        }
    };
    let mut content = Vec::new();
    (&file).take(LONGEST).read_to_end(&mut content).map_err(failed)?;
    let found = parse(&content, boot).map_err(|reason| foreign(&reason))?;
    if found.state == RecordState::IntentOnly {
        sys::spawn::bury_unborn(&found.intent.run).map_err(failed)?;
    }
    if path.file_stem().is_some_and(|stem| stem != found.intent.process.as_str()) {
        return Err(foreign("its name is not that of the process in it"));
    }
    Ok(found)
}

/// Waits for the lock; `false` when it did not become free in time.
fn lock_within(file: &File, timeout: Duration) -> io::Result<bool> {
    if files::try_lock_shared(file)? {
        return Ok(true);
    }
    if timeout.is_zero() {
        return Ok(false);
    }
    // Such a wait has no time limit, so a thread waits. If it is given up, it ends with the lock's holder.
    let waiting = file.try_clone()?;
    let (sender, receiver) = mpsc::sync_channel(1);
    let wait = move || {
        let locked = files::lock_shared(&waiting);
        // Nobody listens any more after the timeout.
        let _ = sender.send(locked);
    };
    thread::Builder::new().name("record-lock".into()).spawn(wait)?;
    match receiver.recv_timeout(timeout) {
        Ok(locked) => locked.map(|()| true),
        Err(_) => Ok(false),
    }
}

fn parse(content: &[u8], boot: &BootId) -> Result<Found, String> {
    let end = content.iter().position(|&byte| byte == b'\n').ok_or("its first line has no end")?;
    let (intent, rest) = content.split_at(end + 1);
    let line: IntentLine<Intent> = serde_json::from_slice(intent).map_err(|why| why.to_string())?;
    if line.version != VERSION {
        return Err(format!("its version is {}, this program knows {VERSION}", line.version));
    }
    let intent = line.intent;
    let state = if intent.boot == *boot { state(rest, &intent.run) } else { RecordState::OtherBoot };
    Ok(Found { intent, state })
}

fn state(rest: &[u8], run: &RunId) -> RecordState {
    // The child's line may contain newlines (in the name of the program that spawned it), the others
    // may not. And the child's has parentheses, the others have none.
    let child_ends = rest.iter().rposition(|&byte| byte == b')').and_then(|name_ends| {
        let tail = rest.get(name_ends..)?;
        tail.iter().position(|&byte| byte == b'\n').map(|newline| name_ends + newline + 1)
    });
    let (child, later) = rest.split_at(child_ends.unwrap_or(0));
    let Some(leader) = sys::identity::from_record_line(child) else { return RecordState::IntentOnly };
    let mut state = RecordState::Spawned(leader);
    for line in later.split(|&byte| byte == b'\n') {
        if let Some(main) = serde_json::from_slice(line).ok().filter(|line: &MainLine| line.run == *run) {
            state = RecordState::Adopted { leader, main: main.main };
        } else if let Some(end) = serde_json::from_slice(line).ok().filter(|line: &ExitLine| line.run == *run)
        {
            let main = match state {
                RecordState::Adopted { main, .. } => Some(main),
                // Only the first end of a process is one.
                RecordState::Finished { .. } => continue,
                _ => None,
            };
            state = RecordState::Finished { leader, main, exit: end.exit.into(), at: end.at };
        }
    }
    state
}

impl From<WrittenExit> for Exit {
    fn from(written: WrittenExit) -> Self {
        match written {
            WrittenExit::Code(code) => Self::Code(code),
            WrittenExit::Signal(number) => Self::Signal(number),
            WrittenExit::Unknown => Self::Unknown,
        }
    }
}
