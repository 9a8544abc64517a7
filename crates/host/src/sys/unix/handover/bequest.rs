//! Leaving: the exec, with what the next image gets.

use super::{COUNT_VARIABLE, FIRST, NAMES_VARIABLE, PID_VARIABLE};
use crate::handover::Heirloom;
use crate::process::limits;
use crate::sys::{inherit, memory, paths};
use rustix::io::fcntl_dupfd_cloexec;
use std::ffi::{CString, OsStr, OsString, c_char};
use std::fmt;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread may take to open something, for instance on a file server. An exec would wait for it, too.
const OPENED_WITHIN: Duration = Duration::from_secs(10);

/// What the next image gets, by name.
#[derive(Default)]
pub struct Bequest {
    items: Vec<(String, Heirloom)>,
}

impl Bequest {
    /// Adds a descriptor. Several may have one name. A name holds no colon.
    pub fn add(&mut self, name: &str, descriptor: Heirloom) {
        self.items.push((name.replace(':', "_"), descriptor));
    }

    /// Adds bytes, which are gone when the next image dies.
    ///
    /// # Errors
    /// When the system has no memory for them.
    pub fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = memory::file(name)?;
        file.write_all(bytes)?;
        self.add(name, Arc::new(file));
        Ok(())
    }

    /// Becomes `executable` with `args`: same pid, same children, same environment, same signals held back. If that
    /// fails, for example because the file was just removed, becomes the program that it is now once more, where the
    /// system never loses the file of a program that runs.
    ///
    /// Returns only when both failed. What was open under the numbers from 3 on is then lost, so that the caller can
    /// do no more than end. Whether somebody waits for the end of this process does not matter: that stays.
    pub fn exec(self, executable: &Path, args: &[OsString], _watched: bool) -> io::Error {
        let prepared = Exec::new(executable, args, &self.items).and_then(|exec| {
            self.place()?;
            // Not before: more may be handed over than the user's limit lets be opened.
            limits::restore_nofile()?;
            crate::failpoint::refused("handover::exec")?;
            Ok(exec)
        });
        let error = match prepared {
            Ok(exec) => exec.run(),
            Err(error) => error,
        };
        // Under the numbers of what is not handed over may be something else by now: whoever ends closes it all.
        std::mem::forget(self);
        error
    }

    /// Puts the descriptors where the convention has them.
    fn place(&self) -> io::Result<()> {
        // They still run, and may open or close something under a number that is placed. Where that is refused, it happens to work mostly.
        let _shared_still = inherit::part_from_threads();
        let end = FIRST + RawFd::try_from(self.items.len()).map_err(io::Error::other)?;
        // First out of the way of each other.
        let apart: Vec<OwnedFd> = self
            .items
            .iter()
            .map(|(_, descriptor)| fcntl_dupfd_cloexec(descriptor.as_fd(), end))
            .collect::<Result<_, _>>()?;
        for (descriptor, place) in apart.iter().zip(FIRST..) {
            // What that closes may belong to another part of this process, which ends by the exec that follows at once.
            duplicate(descriptor, place)?;
        }
        Ok(())
    }
}

/// Gives `descriptor` the number `place` as well, whatever has it. A thread that is just opening something has a number that nothing is
/// behind yet; Linux refuses that one as long (dup2(2), EBUSY).
fn duplicate(descriptor: &OwnedFd, place: RawFd) -> io::Result<()> {
    let deadline = Instant::now() + OPENED_WITHIN;
    loop {
        // SAFETY: dup2(2) touches no memory.
        if unsafe { libc::dup2(descriptor.as_raw_fd(), place) } >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::ResourceBusy || Instant::now() >= deadline {
            return Err(error);
        }
        thread::sleep(Duration::from_micros(100));
    }
}

impl fmt::Debug for Bequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items.iter().map(|(name, _)| name)).finish()
    }
}

/// Everything that execve(2) needs, allocated before descriptors are moved.
struct Exec {
    programs: Vec<CString>,
    args: Vec<CString>,
    environment: Vec<CString>,
}

impl Exec {
    fn new(executable: &Path, args: &[OsString], items: &[(String, Heirloom)]) -> io::Result<Self> {
        let executable = c_string(executable.as_os_str())?;
        let words = args.iter().map(|word| c_string(word));
        let args = std::iter::once(Ok(executable.clone())).chain(words).collect::<io::Result<_>>()?;
        let programs = std::iter::once(executable).chain(paths::OWN_IMAGE.map(CString::from)).collect();
        Ok(Self { programs, args, environment: environment(items)? })
    }

    fn run(&self) -> io::Error {
        let (args, environment) = (pointers(&self.args), pointers(&self.environment));
        let mut first = None;
        for program in &self.programs {
            // SAFETY: all three point to null-terminated data that outlives the call.
            unsafe { libc::execve(program.as_ptr(), args.as_ptr(), environment.as_ptr()) };
            first.get_or_insert_with(io::Error::last_os_error);
        }
        first.unwrap_or_else(io::Error::last_os_error)
    }
}

/// This process's own, with what tells of `items`.
fn environment(items: &[(String, Heirloom)]) -> io::Result<Vec<CString>> {
    let ours = [COUNT_VARIABLE, NAMES_VARIABLE, PID_VARIABLE];
    let kept = std::env::vars_os().filter(|(name, _)| !ours.iter().any(|our| name == our));
    let names: Vec<&str> = items.iter().map(|(name, _)| name.as_str()).collect();
    let told = [
        (COUNT_VARIABLE, items.len().to_string()),
        (NAMES_VARIABLE, names.join(":")),
        (PID_VARIABLE, std::process::id().to_string()),
    ];
    let told = told.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    kept.chain(told)
        .map(|(name, value)| c_string(&[name.as_os_str(), &value].join(OsStr::new("="))))
        .collect()
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    CString::new(text.as_bytes()).map_err(io::Error::other)
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test fails by panicking
mod tests {
    use super::*;
    use crate::sys::fifo;
    use std::fs::File;
    use std::os::fd::FromRawFd;
    use std::process::Command;

    /// Says in a process of its own that the test below is to be done there: in this one, others open and close, too.
    const ALONE: &str = "PM_TEST_ALONE";

    #[test]
    #[cfg(target_os = "linux")] // others do not tell
    fn a_number_that_is_being_opened_is_waited_for() {
        let Some(folder) = std::env::var_os(ALONE) else {
            let folder = tempfile::tempdir().unwrap();
            let name = "sys::unix::handover::bequest::tests::a_number_that_is_being_opened_is_waited_for";
            let mut alone = Command::new(std::env::current_exe().unwrap());
            let said = alone.args([name, "--exact"]).env(ALONE, folder.path()).output().unwrap();
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(said.status.success() && text.contains("1 passed"), "{text}");
            return;
        };
        let path = Path::new(&folder).join("fifo");
        fifo::create(&path).unwrap();
        let null: OwnedFd = File::open("/dev/null").unwrap().into();
        let lowest = File::open("/dev/null").unwrap().as_raw_fd();
        // Nobody writes yet, so it takes a number and waits.
        let opening = thread::spawn({
            let path = path.clone();
            move || File::open(path).unwrap()
        });
        // The next one if it is begun while we have the lowest.
        let mut places = [lowest, lowest + 1].into_iter().cycle();
        let place = places.find(|place| {
            // Not dup2(2): musl's tries again by itself.
            // SAFETY: dup3(2) touches no memory; nobody else is here who could have that number.
            let duplicated =
                unsafe { libc::syscall(libc::SYS_dup3, null.as_raw_fd(), *place, libc::O_CLOEXEC) };
            let error = io::Error::last_os_error();
            // SAFETY: it was just made, and nobody else has it.
            (duplicated >= 0).then(|| drop(unsafe { OwnedFd::from_raw_fd(*place) })).is_none()
                && error.kind() == io::ErrorKind::ResourceBusy
        });
        let place = place.unwrap();
        // In a table of our own nobody opens anything.
        thread::scope(|scope| {
            let parted = scope.spawn(|| {
                inherit::part_from_threads().unwrap();
                // SAFETY: dup2(2) touches no memory; the table is this thread's alone.
                unsafe { libc::dup2(null.as_raw_fd(), place) }
            });
            assert_eq!(parted.join().unwrap(), place);
        });
        let writing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            File::options().write(true).open(path).unwrap()
        });
        duplicate(&null, place).unwrap();
        writing.join().unwrap();
        // The number is ours now, whatever the one who opened thinks.
        std::mem::forget(opening.join().unwrap());
    }
}
