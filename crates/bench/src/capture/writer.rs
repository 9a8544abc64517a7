//! A program that writes lines, and the gate at which all of them wait until they shall.

use super::name;
use crate::plan::Output;
use crate::stage::{Stage, WRITER, say_that_it_runs};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

const LINE: &[u8] =
    b"a line of output, as long as those of most programs are, with a number 0123456789 in it\n";

/// A file that is locked until writers may begin.
pub struct Gate {
    path: PathBuf,
    file: File,
}

impl Gate {
    pub fn closed(stage: &Stage) -> io::Result<Self> {
        let path = stage.folder().join("gate");
        let file = File::create(&path)?;
        file.lock()?;
        Ok(Self { path, file })
    }

    pub fn open(&self) -> io::Result<()> {
        self.file.unlock()
    }

    /// The arguments that make this program the `nth` of the writers of `output`.
    pub fn arguments(&self, stage: &Stage, nth: usize, output: Output) -> [String; 5] {
        let [_, socket, name] = stage.arguments(&name(nth));
        [WRITER.to_owned(), socket, name, self.path.display().to_string(), output.bytes.to_string()]
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // The whole folder goes in the end.
        let _left_behind = fs::remove_file(&self.path);
    }
}

/// Being the writer: says that it runs, waits at the gate, and writes so many bytes of lines on the standard output.
pub fn write(arguments: &[&str]) -> io::Result<()> {
    let [socket, name, gate, bytes] = arguments else {
        return Err(io::Error::other("a writer needs a socket, a name, a gate and a number of bytes"));
    };
    say_that_it_runs(socket, name)?;
    File::open(gate)?.lock_shared()?;
    let mut left: u64 = bytes.parse().map_err(io::Error::other)?;
    let chunk: Vec<u8> = LINE.iter().copied().cycle().take(LINE.len() * 700).collect();
    let mut out = io::stdout().lock();
    while left > 0 {
        let part = chunk.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(&chunk);
        out.write_all(part)?;
        left -= part.len() as u64;
    }
    out.flush()
}
