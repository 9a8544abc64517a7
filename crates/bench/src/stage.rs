//! Where workloads say that they run, and who listens.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The first argument of this program as a workload.
pub const WORKLOAD: &str = "workload";

/// The first argument of this program as one that writes.
pub const WRITER: &str = "writer";

/// How long one message may take before a measurement has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary folder with the socket on which workloads say that they run.
pub struct Stage {
    folder: tempfile::TempDir,
    socket: UnixDatagram,
    executable: PathBuf,
}

impl Stage {
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("pm-bench-").tempdir()?;
        let socket = UnixDatagram::bind(folder.path().join("running"))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { folder, socket, executable: std::env::current_exe()? })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// The arguments that make this program the workload `name`.
    pub fn arguments(&self, name: &str) -> [String; 3] {
        [WORKLOAD.to_owned(), self.folder.path().join("running").display().to_string(), name.to_owned()]
    }

    /// Starts a workload as a bare loop would.
    pub fn spawn(&self, name: &str) -> io::Result<Child> {
        let mut command = Command::new(&self.executable);
        command
            .args(self.arguments(name))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }

    /// Waits until one workload says that it runs: its name and pid.
    pub fn next(&self) -> io::Result<(String, u32)> {
        let mut buffer = [0; 256];
        let length = self.socket.recv(&mut buffer)?;
        let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
        let (name, pid) = text.split_once(' ').ok_or_else(|| io::Error::other("a workload sent nonsense"))?;
        Ok((name.to_owned(), pid.parse().map_err(io::Error::other)?))
    }
}

/// Says that this workload runs.
pub fn say_that_it_runs(socket: &str, name: &str) -> io::Result<()> {
    let text = format!("{name} {}", std::process::id());
    UnixDatagram::unbound()?.send_to(text.as_bytes(), socket).map(drop)
}

/// Being a workload: says that it runs, and waits for a signal.
pub fn work(socket: &str, name: &str) -> io::Result<()> {
    say_that_it_runs(socket, name)?;
    loop {
        std::thread::park();
    }
}
