//! Files in stock: FIFOs and empty files that were made before they are needed, or that have served a run that is over.
//!
//! Without them each restart would make three files and remove three, and making one is slow where others were removed in the last
//! minutes: ext4 passes over their inodes one by one (`recently_deleted()` in the kernel's fs/ext4/ialloc.c), half a millisecond
//! after a few thousand. Renaming one takes some microseconds.
//!
//! They lie where they will be used, with names that nobody looks at, which end with [`EXTENSION`]. What is in them means nothing. One
//! that somebody else still has open is removed; who finds none makes a new one. On Windows nothing is kept.

use crate::files::{create_appending, remove_if_there};
use crate::layout::Layout;
use crate::output::Stream;
use crate::sys::fifo::{self, Made};
use crate::sys::files::{self, KEEPS_SPARES};
use process_monitor_core::id::RunId;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What the names of files in stock end with.
const EXTENSION: &str = "spare";

/// How many of a kind are made, so that the first restarts after a while find some.
const AT_LEAST: usize = 32;

/// How many of a kind are kept at most: enough for two thousand runs that end at once.
const AT_MOST: usize = 4096;

/// Nothing was taken for so long when files are made: whoever starts programs shall not wait for that.
const CALM: Duration = Duration::from_millis(100);

/// The name that a file in stock has beside `path`, where it serves.
pub(crate) fn spare_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(EXTENSION);
    path.with_file_name(name)
}

/// The stock of one instance. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Stock(Option<Arc<Shelves>>);

#[derive(Debug)]
struct Shelves {
    fifos: Shelf,
    files: Shelf,
    /// Whether new ones are made.
    fills: bool,
    /// Whether somebody is about to make some.
    filling: AtomicBool,
    /// How many were asked for.
    taken: AtomicU64,
}

impl Stock {
    /// None: everything is made when it is needed.
    pub fn none() -> Self {
        Self::default()
    }

    /// What there is of an instance, whose folders are there. To be had by its one monitor only.
    pub fn of(layout: &Layout) -> Self {
        Self::open(layout, false)
    }

    /// The same; new ones are made on a thread of its own once nobody takes any.
    pub fn filled(layout: &Layout) -> Self {
        let stock = Self::open(layout, true);
        stock.fill_when_calm();
        stock
    }

    fn open(layout: &Layout, fills: bool) -> Self {
        Self(KEEPS_SPARES.then(|| {
            Arc::new(Shelves {
                fifos: Shelf::in_folder(layout.fifos()),
                files: Shelf::in_folder(layout.runs()),
                fills,
                filling: AtomicBool::new(false),
                taken: AtomicU64::new(0),
            })
        }))
    }

    /// Puts a FIFO to `path`, and opens it. `None`: there is none.
    pub(crate) fn fifo(&self, path: &Path) -> Option<Made> {
        self.take(|shelves| &shelves.fifos, |spare| fifo::reuse(spare, path))
    }

    /// A file for [`files::rewrite`], locked, and where it is: in the folder of the run records. `None`: there is none.
    pub(crate) fn file(&self) -> Option<(PathBuf, File)> {
        let reopen = |spare: &Path| Ok(files::reopen(spare)?.map(|file| (spare.to_owned(), file)));
        self.take(|shelves| &shelves.files, reopen)
    }

    /// The first of a shelf that can be `used`. Those that cannot, because somebody has them open still, are removed.
    fn take<T>(
        &self,
        shelf: impl Fn(&Shelves) -> &Shelf,
        used: impl Fn(&Path) -> io::Result<Option<T>>,
    ) -> Option<T> {
        let shelves = self.0.as_deref()?;
        let shelf = shelf(shelves);
        shelves.taken.fetch_add(1, Ordering::Relaxed);
        let mut found = None;
        while let Some(spare) = shelf.take() {
            match used(&spare) {
                Ok(None) => throw_away(&spare),
                Ok(some) => {
                    found = some;
                    break;
                }
                Err(error) => {
                    // Such as no descriptor left: the others would fail likewise.
                    tracing::debug!("cannot use {}: {error}", spare.display());
                    shelf.put_last(spare);
                    break;
                }
            }
        }
        if shelf.count() < AT_LEAST {
            self.fill_when_calm();
        }
        found
    }

    /// The FIFOs of `run` were [set aside](files::set_aside).
    pub fn take_back_fifos(&self, layout: &Layout, run: &RunId) {
        let Some(shelves) = self.0.as_deref() else { return };
        for stream in Stream::BOTH {
            shelves.fifos.put(spare_of(&stream.fifo(layout, run)));
        }
        self.trim_when_full(&shelves.fifos);
    }

    /// Takes in the FIFOs that nobody has open: of runs whose monitor was killed before they ran. To be called by a monitor that
    /// comes up, before it starts anything. Those of the runs that are `known` are not looked at.
    pub fn take_in_abandoned(&self, layout: &Layout, known: impl Fn(&RunId) -> bool) {
        let Some(shelves) = self.0.as_deref() else { return };
        let Ok(entries) = fs::read_dir(layout.fifos()) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let run = path.file_stem().and_then(|stem| RunId::new(stem.to_str()?).ok());
            let Some(run) = run.filter(|run| !known(run)) else { continue };
            if !Stream::BOTH.iter().any(|stream| stream.fifo(layout, &run) == path) {
                continue;
            }
            let spare = spare_of(&path);
            match fifo::is_abandoned(&path)
                .and_then(|abandoned| Ok(abandoned && files::set_aside(&path, &spare)?))
            {
                Ok(true) => shelves.fifos.put(spare),
                Ok(false) => {}
                Err(error) => tracing::debug!("cannot tell whether {} is of use: {error}", path.display()),
            }
        }
    }

    /// Whether files are kept at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// A name for a file that is made because there is none: where it serves nobody yet. `None`: nothing is kept.
    pub(crate) fn name_for_file(&self) -> Option<PathBuf> {
        self.0.as_deref().map(|shelves| shelves.files.fresh_name())
    }

    /// The file at `spare` serves nobody any more.
    pub(crate) fn take_back_file(&self, spare: PathBuf) {
        let Some(shelves) = self.0.as_deref() else { return };
        shelves.files.put(spare);
        self.trim_when_full(&shelves.files);
    }

    /// Takes the file at `path` from where it serves. One that is gone is fine.
    pub(crate) fn retire_file(&self, path: &Path) -> io::Result<()> {
        let Some(shelves) = self.0.as_deref() else { return remove_if_there(path).map(drop) };
        let spare = shelves.files.fresh_name();
        if files::set_aside(path, &spare)? {
            self.take_back_file(spare);
        }
        Ok(())
    }

    fn trim_when_full(&self, shelf: &Shelf) {
        if shelf.count() > AT_MOST {
            self.fill_when_calm();
        }
    }

    fn fill_when_calm(&self) {
        let Some(shelves) = self.0.clone().filter(|shelves| shelves.fills) else { return };
        if shelves.filling.swap(true, Ordering::Relaxed) {
            return;
        }
        let started = thread::Builder::new().name("stock".into()).spawn({
            let shelves = Arc::clone(&shelves);
            move || {
                shelves.await_calm();
                shelves.filling.store(false, Ordering::Relaxed);
                shelves.fill();
            }
        });
        if let Err(error) = started {
            shelves.filling.store(false, Ordering::Relaxed);
            tracing::debug!("files are made when they are needed only: {error}");
        }
    }
}

impl Shelves {
    fn await_calm(&self) {
        loop {
            let before = self.taken.load(Ordering::Relaxed);
            thread::sleep(CALM);
            if self.taken.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }

    fn fill(&self) {
        let filled =
            [self.fifos.fill(fifo::create), self.files.fill(|path| create_appending(path).map(drop))];
        for error in filled.iter().filter_map(|filled| filled.as_ref().err()) {
            tracing::debug!("some files are made only when they are needed: {error}");
        }
        for shelf in [&self.fifos, &self.files] {
            while shelf.count() > AT_MOST
                && let Some(spare) = shelf.take()
            {
                throw_away(&spare);
            }
        }
    }
}

fn throw_away(spare: &Path) {
    if let Err(error) = remove_if_there(spare) {
        tracing::debug!("cannot remove {}, which is of no more use: {error}", spare.display());
    }
}

/// Files of one kind.
#[derive(Debug)]
struct Shelf {
    folder: PathBuf,
    names: Mutex<Vec<Box<Path>>>,
    /// The number in the next fresh name.
    next: AtomicU64,
}

impl Shelf {
    /// What an earlier monitor left in `folder`.
    fn in_folder(folder: PathBuf) -> Self {
        let mut names = Vec::new();
        match fs::read_dir(&folder) {
            Ok(entries) => {
                let paths = entries.filter_map(|entry| Some(PathBuf::from(entry.ok()?.file_name())));
                let spare = paths.filter(|name| name.extension().is_some_and(|what| what == EXTENSION));
                names.extend(spare.map(PathBuf::into_boxed_path));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => tracing::debug!("cannot look for spare files in {}: {error}", folder.display()),
        }
        // Fresh names are `{number}.spare`.
        let numbers = names.iter().filter_map(|name| name.file_stem()?.to_str()?.parse::<u64>().ok());
        let next = AtomicU64::new(numbers.max().map_or(0, |number| number.saturating_add(1)));
        Self { folder, names: Mutex::new(names), next }
    }

    fn fresh_name(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{number}.{EXTENSION}"))
    }

    fn take(&self) -> Option<PathBuf> {
        self.names().pop().map(|name| self.folder.join(name))
    }

    fn put(&self, spare: PathBuf) {
        if let Some(name) = spare.file_name() {
            self.names().push(PathBuf::from(name).into_boxed_path());
        }
    }

    /// As [`put`](Self::put), but it is taken after all others.
    fn put_last(&self, spare: PathBuf) {
        if let Some(name) = spare.file_name() {
            self.names().insert(0, PathBuf::from(name).into_boxed_path());
        }
    }

    fn count(&self) -> usize {
        self.names().len()
    }

    fn fill(&self, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        while self.count() < AT_LEAST {
            let spare = self.fresh_name();
            make(&spare)?;
            self.put(spare);
        }
        Ok(())
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Vec<Box<Path>>> {
        // A list of names is whole after any step.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
