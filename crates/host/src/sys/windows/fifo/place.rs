//! The file at a FIFO's place.
//!
//! ```text
//! \\.\pipe\tom-pm-3f0c…      the pipe
//! 4711 133769250600000 408   who made it: process, when that started, number of the reading end in it, and in the program
//! 4720 133769250612345 96    who took it since
//! ```
//!
//! Each later line is written by one append, which no kill splits. What is torn nevertheless names nobody.

use super::number;
use crate::fd::OwnedFd;
use crate::process::Identity;
use crate::sys::files::rename;
use crate::sys::windows::pipe;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

/// A place has a few lines; what is longer is none.
const LONGEST: u64 = 1 << 20;

/// Who has the reading end open, or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) process: Identity,
    /// The number of its handle.
    pub(super) number: usize,
}

/// What such a file tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The pipe's name.
    pub(super) pipe: String,
    /// In the order in which they took it; the first has made it.
    pub(super) holders: Vec<Holder>,
}

impl Place {
    /// Tells at `path` of the pipe `name`, whose reading end is `end`. The file appears whole.
    pub(super) fn write(path: &Path, name: &str, end: &OwnedFd) -> io::Result<()> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let mut file = File::create(&new)?;
        file.write_all(format!("{name}\n{}", line(end)?).as_bytes())?;
        drop(file);
        rename(&new, path)
    }

    /// What is told at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is nothing, [`ErrorKind::InvalidData`] when it is something else.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut text = String::new();
        File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
        Self::parse(&text)
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "the file does not tell of a pipe of ours"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (pipe, rest) = text.split_once('\n')?;
        pipe::is_name(pipe)
            .then(|| Self { pipe: pipe.to_owned(), holders: rest.lines().filter_map(holder).collect() })
    }
}

/// Tells at `path` that this process has the reading end open, too, as `end`. Nothing when the FIFO was removed.
pub(super) fn add(path: &Path, end: &OwnedFd) -> io::Result<()> {
    match File::options().append(true).open(path) {
        Ok(mut file) => file.write_all(line(end)?.as_bytes()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn line(end: &OwnedFd) -> io::Result<String> {
    let Identity { pid, start_time } = Identity::current()?;
    Ok(format!("{pid} {start_time} {}\n", number(end)))
}

fn holder(line: &str) -> Option<Holder> {
    let mut words = line.split(' ');
    let process = Identity { pid: words.next()?.parse().ok()?, start_time: words.next()?.parse().ok()? };
    let number = words.next()?.parse().ok()?;
    words.next().is_none().then_some(Holder { process, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(pid: u32, start_time: u64, number: usize) -> Holder {
        Holder { process: Identity { pid, start_time }, number }
    }

    #[test]
    fn what_is_torn_names_nobody() {
        let name = r"\\.\pipe\tom-pm-00ff";
        let table: [(String, Option<Vec<Holder>>); 5] = [
            (format!("{name}\n1 2 3\n40 50 60\n"), Some(vec![held(1, 2, 3), held(40, 50, 60)])),
            (format!("{name}\n1 2 3\n40 5\n7 8 9 9\nx\n"), Some(vec![held(1, 2, 3)])),
            (name.to_owned(), None),
            ("\\\\.\\pipe\\other\n1 2 3\n".to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in table {
            assert_eq!(Place::parse(&text).map(|place| place.holders), expected, "{text:?}");
        }
    }
}
