//! Programs that tests write: nobody who executes them is told that they are busy.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a file that is to be executed, by a process of its own: a child that another test is just starting has our
/// descriptors until it executes something, and who executes a file that is open for writing is told that it is busy
/// (ETXTBSY, execve(2)).
pub fn write_program(path: &Path, content: &[u8], mode: u32) {
    let mut writer = Command::new("sh");
    writer.args(["-c", "cat > \"$0\" && chmod \"$1\" \"$0\""]).arg(path).arg(format!("{mode:o}"));
    let mut writer = writer.stdin(Stdio::piped()).spawn().unwrap();
    writer.stdin.take().unwrap().write_all(content).unwrap();
    assert!(writer.wait().unwrap().success(), "cannot write {}", path.display());
}

/// A copy of a program, that is no link: for those who change its mode.
pub fn copy_program(from: &Path, to: &Path) {
    assert!(
        Command::new("cp").arg(from).arg(to).status().unwrap().success(),
        "cannot copy to {}",
        to.display()
    );
}
