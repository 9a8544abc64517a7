//! Where a run's output goes: its FIFOs, as the monitor makes them before the spawn, and its folder, which is made after it; or nowhere.

use super::error::failed;
use super::names::{Stream, are_of_one_second, compare_runs, run_folder_name};
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::files::{FileError, create_folders};
use crate::layout::Layout;
use crate::stock::{Stock, spare_of};
use crate::sys::fifo::{self, Made};
use crate::sys::files as sys;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::OutputMode;
use process_monitor_core::time::Wall;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where a new run's output goes.
#[derive(Debug)]
pub enum RunOutput {
    /// To its log files.
    Captured(CapturedOutput),
    /// Nowhere: the null device, open for writing. Nothing is made, and nobody is told of such a run.
    Discarded(OwnedFd),
}

impl RunOutput {
    /// Makes what `run`, which starts at `started`, needs for its output; `after` is the folder of an earlier run of the process that
    /// could not be made yet. What was made is removed again when a later step fails.
    ///
    /// # Errors
    /// When a folder, FIFO or descriptor cannot be had.
    pub fn create(
        mode: OutputMode,
        layout: &Layout,
        process: &ProcessId,
        run: &RunId,
        (started, after): (Wall, Option<&Path>),
        stock: &Stock,
    ) -> Result<Self, FileError> {
        match mode {
            OutputMode::Capture => {
                CapturedOutput::create(layout, process, run, (started, after), stock).map(Self::Captured)
            }
            OutputMode::Discard => sys::null()
                .map(|nowhere| Self::Discarded(nowhere.into()))
                .map_err(failed("open", Path::new("the null device"))),
        }
    }

    /// What becomes the program's standard output.
    pub fn stdout(&self) -> BorrowedFd<'_> {
        match self {
            Self::Captured(captured) => captured.stdout.as_fd(),
            Self::Discarded(nowhere) => nowhere.as_fd(),
        }
    }

    /// What becomes its standard error.
    pub fn stderr(&self) -> BorrowedFd<'_> {
        match self {
            Self::Captured(captured) => captured.stderr.as_fd(),
            Self::Discarded(nowhere) => nowhere.as_fd(),
        }
    }

    /// What else the program is to have open, without knowing, so that what it printed lives as long as it does.
    pub fn keeps(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Self::Captured(captured) => captured.keeps(),
            Self::Discarded(_) => Vec::new(),
        }
    }

    /// The folder of its log files; `None`: it has none.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Captured(captured) => Some(&captured.folder),
            Self::Discarded(_) => None,
        }
    }
}

/// The output of a run that goes to log files.
#[derive(Debug)]
pub struct CapturedOutput {
    /// `{logs}/{process}/{YYYYMMDD_HHMMSS}`; not there yet.
    pub folder: PathBuf,
    /// The program's standard output: a FIFO open for reading and writing, so that the program never
    /// sees SIGPIPE, whoever reads. Close it once the program has it: the end of the output is known
    /// by its last copy being closed.
    pub stdout: OwnedFd,
    /// The program's standard error, likewise.
    pub stderr: OwnedFd,
    /// What the monitor keeps until the logger says that the run's output is closed.
    pub hold: OutputHold,
}

/// Keeps the unread output of a run in the kernel while the logger is away, also after the program
/// has ended. Never read from it.
#[derive(Debug)]
pub struct OutputHold {
    ends: Vec<OwnedFd>,
}

impl CapturedOutput {
    /// Makes the FIFOs of `run`, which started at `started`, or takes them from `stock`, and finds a name for its folder, which is to
    /// be [made](make_folder) before another run of the process begins, unless that is told of it (`after`). A few system calls, no fsync. What was made is removed again
    /// when a later step fails.
    pub fn create(
        layout: &Layout,
        process: &ProcessId,
        run: &RunId,
        (started, after): (Wall, Option<&Path>),
        stock: &Stock,
    ) -> Result<Self, FileError> {
        let folder = choose_folder(&layout.process_logs(process), started, after)?;
        Self::open_fifos(layout, run, folder, stock).inspect_err(|_| discard(layout, run, stock))
    }

    fn open_fifos(layout: &Layout, run: &RunId, folder: PathBuf, stock: &Stock) -> Result<Self, FileError> {
        let fifo = |stream: Stream| {
            let path = stream.fifo(layout, run);
            stock.fifo(&path).map_or_else(|| create_fifo(layout, &path), Ok)
        };
        let (out, err) = (fifo(Stream::Stdout)?, fifo(Stream::Stderr)?);
        let hold = OutputHold { ends: vec![out.hold, err.hold] };
        Ok(Self { folder, stdout: out.program, stderr: err.program, hold })
    }

    fn keeps(&self) -> Vec<BorrowedFd<'_>> {
        self.hold.ends.iter().filter_map(fifo::kept_by_program).collect()
    }
}

impl OutputHold {
    /// The hold of a run that another monitor started. A FIFO that is gone was read to its end.
    pub fn reopen(layout: &Layout, run: &RunId) -> Result<Self, FileError> {
        let mut ends = Vec::with_capacity(2);
        for stream in Stream::BOTH {
            let path = stream.fifo(layout, run);
            ends.extend(fifo::hold(&path).map_err(failed("open the FIFO", &path))?);
        }
        Ok(Self { ends })
    }
}

/// Gives the FIFOs of a run that was never started to `stock`. What cannot be renamed or removed holds nothing.
pub fn discard(layout: &Layout, run: &RunId, stock: &Stock) {
    for path in Stream::BOTH.map(|stream| stream.fifo(layout, run)) {
        let _ = sys::set_aside(&path, &spare_of(&path));
    }
    stock.take_back_fifos(layout, run);
}

/// Makes the folder of a run, unless it is there.
///
/// Done when its program has been spawned: where many files were removed in the last minutes it takes half a millisecond
/// ([`crate::stock`]), and nobody needs it before.
///
/// # Errors
/// When it cannot be made. The logger tries again when there is something to write.
pub fn make_folder(folder: &Path) -> Result<(), FileError> {
    match sys::create_folder(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(failed("create the run's folder", folder)),
    }
}

/// A name in `parent`, which is made if it is missing, that no other run has; one that comes after that of `after`.
fn choose_folder(parent: &Path, started: Wall, after: Option<&Path>) -> Result<PathBuf, FileError> {
    let taken = after.and_then(|folder| folder.file_name()?.to_str());
    if !parent.is_dir() {
        create_folders(parent)?;
    }
    let mut nth = 0;
    loop {
        let name = run_folder_name(started, nth);
        let is_taken =
            taken.is_some_and(|taken| are_of_one_second(taken, &name) && compare_runs(taken, &name).is_ge());
        let folder = parent.join(name);
        match folder.symlink_metadata() {
            _ if is_taken && nth < u32::MAX => nth += 1,
            Ok(_) if nth < u32::MAX => nth += 1,
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed("look for a name for the run's folder in", parent)(error));
            }
            _ => return Ok(folder),
        }
    }
}

fn create_fifo(layout: &Layout, path: &Path) -> Result<Made, FileError> {
    let make = || fifo::make(path);
    match make() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create_folders(&layout.fifos())?;
            make()
        }
        result => result,
    }
    .map_err(failed("create the FIFO", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    fn fixture() -> (tempfile::TempDir, Layout, ProcessId, Wall) {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path(), Default::default());
        let started = Wall::parse("2026-01-24T10:30:00Z").unwrap();
        (directory, layout, ProcessId::new("web").unwrap(), started)
    }

    #[test]
    fn runs_of_one_second_get_folders_of_their_own_and_everything_is_private() {
        let (_directory, layout, process, started) = fixture();
        for (run, expected) in
            [("r1", "20260124_103000"), ("r2", "20260124_103000_1"), ("r3", "20260124_103000_2")]
        {
            let run = RunId::new(run).unwrap();
            let output =
                CapturedOutput::create(&layout, &process, &run, (started, None), &Stock::none()).unwrap();
            assert_eq!(output.folder, layout.process_logs(&process).join(expected));
            make_folder(&output.folder).unwrap();
            make_folder(&output.folder).unwrap();
            assert_private(&[
                (&output.folder, 0o700),
                (&layout.fifos(), 0o700),
                (&Stream::Stderr.fifo(&layout, &run), 0o600),
            ]);
        }
    }

    #[cfg(unix)]
    fn assert_private(paths: &[(&Path, u32)]) {
        use std::os::unix::fs::PermissionsExt;
        for (path, mode) in paths {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, *mode, "{}", path.display());
        }
    }

    #[cfg(windows)]
    fn assert_private(paths: &[(&Path, u32)]) {
        if crate::emulated::left_out("what is made in a folder does not get the folder's access list") {
            return;
        }
        for (path, _) in paths {
            assert!(!sys::readable_by_others(path).unwrap(), "{}", path.display());
        }
    }

    #[test]
    fn the_hold_keeps_what_a_dead_program_wrote() {
        let (_directory, layout, process, started) = fixture();
        let run = RunId::new("r1").unwrap();
        let output =
            CapturedOutput::create(&layout, &process, &run, (started, None), &Stock::none()).unwrap();
        std::fs::File::from(output.stdout).write_all(b"last words").unwrap();
        drop(output.stderr);
        let adopted = OutputHold::reopen(&layout, &run).unwrap();
        drop(output.hold);
        let reader = fifo::open_reader(&Stream::Stdout.fifo(&layout, &run)).unwrap();
        let mut buffer = [0; 32];
        assert_eq!(fifo::read(&reader, &mut buffer).unwrap(), 10);
        drop(adopted);
    }

    #[test]
    fn a_failure_leaves_nothing_behind_and_names_the_path() {
        let (_directory, layout, process, started) = fixture();
        let run = RunId::new("r1").unwrap();
        create_folders(&layout.state()).unwrap();
        std::fs::write(layout.fifos(), "in the way").unwrap();
        let error = CapturedOutput::create(&layout, &process, &run, (started, None), &Stock::none())
            .unwrap_err()
            .to_string();
        let why = if cfg!(windows) { "not a folder" } else { "create" };
        assert!(error.contains(why) && error.contains("fifo"), "{error}");
        assert_eq!(std::fs::read_dir(layout.process_logs(&process)).unwrap().count(), 0);
    }

    #[test]
    fn the_folder_of_a_run_that_could_not_be_made_is_not_given_to_the_next() {
        let (_directory, layout, process, started) = fixture();
        let mut unmade = None;
        for (run, expected) in
            [("r1", "20260124_103000"), ("r2", "20260124_103000_1"), ("r3", "20260124_103000_2")]
        {
            let (run, after) = (RunId::new(run).unwrap(), unmade.as_deref());
            let output = CapturedOutput::create(&layout, &process, &run, (started, after), &Stock::none());
            let folder = output.unwrap().folder;
            assert_eq!(folder, layout.process_logs(&process).join(expected));
            unmade = Some(folder);
        }
        let (run, next) = (RunId::new("r4").unwrap(), Wall::parse("2026-01-24T10:30:01Z").unwrap());
        let at = (next, unmade.as_deref());
        let output = CapturedOutput::create(&layout, &process, &run, at, &Stock::none()).unwrap();
        assert_eq!(output.folder, layout.process_logs(&process).join("20260124_103001"));
    }

    /// What it was made of is made again of what it was; a FIFO that is in use by whomever is left to him.
    #[test]
    #[cfg(unix)]
    fn a_run_gets_the_fifos_of_another_unless_somebody_writes_into_them_or_has() {
        use crate::files::{FileId, create_folders};
        let (_directory, layout, process, started) = fixture();
        create_folders(&layout.fifos()).unwrap();
        let stock = Stock::of(&layout);
        let run = |name: &str| {
            let run = RunId::new(name).unwrap();
            let output = CapturedOutput::create(&layout, &process, &run, (started, None), &stock).unwrap();
            let fifos = Stream::BOTH.map(|stream| FileId::at(&stream.fifo(&layout, &run)).unwrap());
            (run, output, fifos)
        };
        let (first, output, [out, err]) = run("r1");
        drop((output.stdout, output.stderr));
        discard(&layout, &first, &stock);
        let (second, output, again) = run("r2");
        assert!(again.contains(&out) && again.contains(&err), "its holders do not matter");
        File::from(output.stdout).write_all(b"x").unwrap();
        let _program = output.stderr;
        discard(&layout, &second, &stock);
        let (.., others) = run("r3");
        assert!(!others.contains(&again[0]), "what is in it is the earlier run's");
        assert!(!others.contains(&again[1]), "the earlier run's program has it open");
    }

    #[test]
    fn a_hold_of_a_finished_run_is_empty() {
        let (_directory, layout, process, started) = fixture();
        let run = RunId::new("r1").unwrap();
        drop(CapturedOutput::create(&layout, &process, &run, (started, None), &Stock::none()).unwrap());
        discard(&layout, &run, &Stock::none());
        assert!(OutputHold::reopen(&layout, &run).unwrap().ends.is_empty());
    }

    #[test]
    fn what_is_discarded_leaves_nothing_anywhere() {
        let (directory, layout, process, started) = fixture();
        let run = RunId::new("r1").unwrap();
        let output =
            RunOutput::create(OutputMode::Discard, &layout, &process, &run, (started, None), &Stock::none())
                .unwrap();
        assert_eq!(output.folder(), None);
        for end in [output.stdout(), output.stderr()] {
            let mut nowhere = File::from(end.try_clone_to_owned().unwrap());
            assert_eq!(nowhere.write(b"into the void").unwrap(), 13);
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
