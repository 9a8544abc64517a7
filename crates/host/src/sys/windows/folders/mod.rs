//! What comes to, goes from, or changes in a folder: `ReadDirectoryChangesW`. It tells of the folder's entries, and not of the
//! folder's own end before somebody asks for more.
//!
//! | file | |
//! | --- | --- |
//! | `listening` | the call that is under way for one folder, and its answer |

mod listening;

use super::event::Event;
use crate::fd::{AsFd, BorrowedFd};
use crate::files::{FileId, Hint};
use crate::sys::terms::{FolderEvent, FolderInterest, What};
use listening::{Answer, Listening};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ACTION_ADDED, FILE_ACTION_MODIFIED, FILE_ACTION_REMOVED, FILE_ACTION_RENAMED_NEW_NAME,
    FILE_ACTION_RENAMED_OLD_NAME,
};

/// What to do when watching failed.
pub fn hint(error: &io::Error) -> String {
    Hint(error).to_string()
}

/// Whether watching failed because no more folders may be watched: there is no such bound here.
pub fn is_out_of_watches(_error: &io::Error) -> bool {
    false
}

/// Watches folders. Its event is signalled when something happened.
pub struct FolderEvents {
    event: Arc<Event>,
    watches: Mutex<Watches>,
}

impl std::fmt::Debug for FolderEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FolderEvents").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Watches {
    last: i32,
    folders: HashMap<i32, Watch>,
}

struct Watch {
    path: PathBuf,
    id: FileId,
    interest: FolderInterest,
    listening: Listening,
    /// Something may have happened that nobody was told.
    missed: bool,
}

impl FolderEvents {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self { event: Arc::new(Event::new()?), watches: Mutex::default() })
    }

    /// Watches `folder` from now on; the same folder gets the same number, and the new interest beside the old.
    pub fn watch(&self, folder: &Path, interest: FolderInterest) -> io::Result<i32> {
        let id = FileId::at(folder)?;
        let mut watches = self.watches();
        let known = watches.folders.iter().find(|(_, watch)| watch.id == id).map(|(number, _)| *number);
        let number = match known {
            Some(number) => number,
            None => {
                watches.last = watches.last.wrapping_add(1);
                watches.last
            }
        };
        let before = watches.folders.get(&number).map(|watch| watch.interest);
        let wanted = union(before.unwrap_or_default(), interest);
        if before.is_none_or(|before| union(before, wanted) != before) {
            let listening = Listening::begin(folder, wanted, &self.event)?;
            // What happened between the two was told to nobody.
            let missed = before.is_some();
            let watch = Watch { path: folder.to_owned(), id, interest: wanted, listening, missed };
            watches.folders.insert(number, watch);
        }
        // The new call has reset the event.
        self.event.set()?;
        Ok(number)
    }

    /// Ends a watch.
    pub fn forget(&self, watch: i32) {
        self.watches().folders.remove(&watch);
    }

    /// Shows `each` event that has happened, without waiting.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn drain(&self, mut each: impl FnMut(&FolderEvent<'_>)) -> io::Result<()> {
        self.event.reset()?;
        let mut watches = self.watches();
        // Each new call resets the event, so all are looked at once more after the last one.
        while watches.turn(&self.event, &mut each) {}
        Ok(())
    }

    fn watches(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watches {
    /// Whether anything was told.
    fn turn(&mut self, event: &Arc<Event>, each: &mut impl FnMut(&FolderEvent<'_>)) -> bool {
        let mut any = false;
        let mut lost = Vec::new();
        for (number, watch) in &mut self.folders {
            if std::mem::take(&mut watch.missed) {
                each(&FolderEvent { watch: Some(*number), name: None, what: What::Anything });
            }
            let Some(answer) = watch.listening.take() else { continue };
            any = true;
            watch.tell(*number, &answer, each);
            if !watch.go_on(&answer, event) {
                lost.push(*number);
            }
        }
        for number in lost {
            self.folders.remove(&number);
            each(&FolderEvent { watch: Some(number), name: None, what: What::Lost });
            each(&FolderEvent { watch: Some(number), name: None, what: What::Forgotten });
        }
        any
    }
}

impl Watch {
    fn tell(&self, number: i32, answer: &Answer, each: &mut impl FnMut(&FolderEvent<'_>)) {
        match answer {
            Answer::Changes(changes) => {
                for (action, name) in changes {
                    if let Some(what) = self.translated(*action) {
                        each(&FolderEvent { watch: Some(number), name: Some(name), what });
                    }
                }
            }
            Answer::TooMany | Answer::Aborted => {
                each(&FolderEvent { watch: Some(number), name: None, what: What::Anything });
            }
            Answer::Gone => {}
        }
    }

    /// What comes may be finished: it may be empty, or come from another folder, and nothing more is told of either.
    fn translated(&self, action: u32) -> Option<What> {
        let interest = self.interest;
        Some(match action {
            FILE_ACTION_ADDED | FILE_ACTION_RENAMED_NEW_NAME if interest.comes || interest.finishes => {
                What::Came
            }
            FILE_ACTION_REMOVED | FILE_ACTION_RENAMED_OLD_NAME if interest.goes => What::Went,
            FILE_ACTION_MODIFIED if interest.writes => What::Written,
            FILE_ACTION_MODIFIED if interest.finishes => What::Finished,
            _ => return None,
        })
    }

    /// Listens on; `false` when the folder is no more.
    fn go_on(&mut self, answer: &Answer, event: &Arc<Event>) -> bool {
        if matches!(answer, Answer::Gone) || FileId::at(&self.path).ok() != Some(self.id) {
            return false;
        }
        match answer {
            // The thread that had asked has ended, and what it had asked with it.
            Answer::Aborted => match Listening::begin(&self.path, self.interest, event) {
                Ok(listening) => {
                    self.listening = listening;
                    true
                }
                Err(_) => false,
            },
            _ => self.listening.again().is_ok(),
        }
    }
}

fn union(one: FolderInterest, other: FolderInterest) -> FolderInterest {
    FolderInterest {
        comes: one.comes || other.comes,
        goes: one.goes || other.goes,
        writes: one.writes || other.writes,
        finishes: one.finishes || other.finishes,
    }
}

impl AsFd for FolderEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
