//! Where a run's output goes: its folder and FIFOs, as the monitor makes them before the spawn, or nowhere.

use super::error::failed;
use super::names::{Stream, run_folder_name};
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::files::{FileError, create_folders};
use crate::layout::Layout;
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
    /// Makes what `run`, which starts at `started`, needs for its output. What was made is removed again when a later
    /// step fails.
    ///
    /// # Errors
    /// When a folder, FIFO or descriptor cannot be had.
    pub fn create(
        mode: OutputMode,
        layout: &Layout,
        process: &ProcessId,
        run: &RunId,
        started: Wall,
    ) -> Result<Self, FileError> {
        match mode {
            OutputMode::Capture => CapturedOutput::create(layout, process, run, started).map(Self::Captured),
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
    /// `{logs}/{process}/{YYYYMMDD_HHMMSS}`, new and empty.
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
    /// Makes the folder and the FIFOs of `run`, which started at `started`. A few system calls, no
    /// fsync. What was made is removed again when a later step fails.
    pub fn create(
        layout: &Layout,
        process: &ProcessId,
        run: &RunId,
        started: Wall,
    ) -> Result<Self, FileError> {
        let folder = create_folder(&layout.process_logs(process), started)?;
        Self::open_fifos(layout, run, &folder).inspect_err(|_| discard(layout, run, &folder))
    }

    fn open_fifos(layout: &Layout, run: &RunId, folder: &Path) -> Result<Self, FileError> {
        let out = create_fifo(layout, &Stream::Stdout.fifo(layout, run))?;
        let err = create_fifo(layout, &Stream::Stderr.fifo(layout, run))?;
        let hold = OutputHold { ends: vec![out.hold, err.hold] };
        Ok(Self { folder: folder.to_owned(), stdout: out.program, stderr: err.program, hold })
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

/// Removes what [`CapturedOutput::create`] made for a run that was never started: its FIFOs, and its
/// folder if it is empty. What cannot be removed is left for the retention.
pub fn discard(layout: &Layout, run: &RunId, folder: &Path) {
    for stream in Stream::BOTH {
        let _ = sys::remove_file(stream.fifo(layout, run));
    }
    let _ = std::fs::remove_dir(folder);
}

fn create_folder(parent: &Path, started: Wall) -> Result<PathBuf, FileError> {
    let mut nth = 0;
    loop {
        let folder = parent.join(run_folder_name(started, nth));
        match sys::create_folder(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && nth < u32::MAX => nth += 1,
            Err(error) if error.kind() == ErrorKind::NotFound && !parent.is_dir() => create_folders(parent)?,
            Err(error) => return Err(failed("create the run's folder", &folder)(error)),
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
            let output = CapturedOutput::create(&layout, &process, &run, started).unwrap();
            assert_eq!(output.folder, layout.process_logs(&process).join(expected));
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
        let output = CapturedOutput::create(&layout, &process, &run, started).unwrap();
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
        let error = CapturedOutput::create(&layout, &process, &run, started).unwrap_err().to_string();
        let why = if cfg!(windows) { "not a folder" } else { "create" };
        assert!(error.contains(why) && error.contains("fifo"), "{error}");
        assert_eq!(std::fs::read_dir(layout.process_logs(&process)).unwrap().count(), 0);
    }

    #[test]
    fn a_hold_of_a_finished_run_is_empty() {
        let (_directory, layout, process, started) = fixture();
        let run = RunId::new("r1").unwrap();
        let output = CapturedOutput::create(&layout, &process, &run, started).unwrap();
        discard(&layout, &run, &output.folder);
        assert!(!output.folder.exists());
        assert!(OutputHold::reopen(&layout, &run).unwrap().ends.is_empty());
    }

    #[test]
    fn what_is_discarded_leaves_nothing_anywhere() {
        let (directory, layout, process, started) = fixture();
        let run = RunId::new("r1").unwrap();
        let output = RunOutput::create(OutputMode::Discard, &layout, &process, &run, started).unwrap();
        assert_eq!(output.folder(), None);
        for end in [output.stdout(), output.stderr()] {
            let mut nowhere = File::from(end.try_clone_to_owned().unwrap());
            assert_eq!(nowhere.write(b"into the void").unwrap(), 13);
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
