//! How fast output reaches its file, beside `cat` from a pipe to a file.

use crate::monitor::run;
use crate::stage::{Stage, WRITER};
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const LINE: &[u8] =
    b"a line of output, as long as those of most programs are, with a number 0123456789 in it\n";

/// How long `bytes` take from a program of a monitor to its log, and from a bare pipe to a file.
pub fn measure(stage: &Stage, bytes: u64) -> io::Result<(Duration, Duration)> {
    let floor = cat(stage, bytes)?;
    let directory = stage.folder().join("capture");
    fs::create_dir(&directory)?;
    let entry = json!({
        "id": "writer", "name": "writer", "command": stage.executable(), "args": arguments(stage, bytes),
        "restartPolicy": {"type": "never"}, "logs": {"maxFileBytes": bytes * 2},
    });
    let document = json!({"version": 1, "instanceId": "default", "processes": {"writer": entry}});
    fs::write(directory.join("processes_default.json"), document.to_string())?;
    run(&directory, &[])?;
    stage.next()?;
    let begun = Instant::now();
    while logged(&directory)? < bytes {
        thread::sleep(Duration::from_millis(1));
    }
    let taken = begun.elapsed();
    run(&directory, &["--stop"])?;
    fs::remove_dir_all(&directory)?;
    Ok((taken, floor))
}

fn arguments(stage: &Stage, bytes: u64) -> [String; 4] {
    let [_, socket, name] = stage.arguments("writer");
    [WRITER.to_owned(), socket, name, bytes.to_string()]
}

fn cat(stage: &Stage, bytes: u64) -> io::Result<Duration> {
    let file = stage.folder().join("bare.log");
    let mut writer =
        Command::new(stage.executable()).args(arguments(stage, bytes)).stdout(Stdio::piped()).spawn()?;
    let pipe = writer.stdout.take().ok_or_else(|| io::Error::other("the writer has no pipe"))?;
    let mut cat = Command::new("cat").stdin(pipe).stdout(File::create(&file)?).spawn()?;
    stage.next()?;
    let begun = Instant::now();
    cat.wait()?;
    let taken = begun.elapsed();
    writer.wait()?;
    fs::remove_file(file)?;
    Ok(taken)
}

fn logged(directory: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for run in fs::read_dir(directory.join("default_logs/writer"))? {
        let file = run?.path().join("stdout.log");
        sum += fs::metadata(file).map_or(0, |metadata| metadata.len());
    }
    Ok(sum)
}

/// Being the writer: `bytes` of lines on the standard output.
pub fn write(bytes: u64) -> io::Result<()> {
    let chunk: Vec<u8> = LINE.iter().copied().cycle().take(LINE.len() * 700).collect();
    let (mut left, mut out) = (bytes, io::stdout().lock());
    while left > 0 {
        let part = chunk.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(&chunk);
        out.write_all(part)?;
        left -= part.len() as u64;
    }
    out.flush()
}
