//! Hearing what programs say of themselves by sd_notify(3): a datagram socket per run, whose path the
//! program finds in `NOTIFY_SOCKET`.
//!
//! One socket per run, so that who speaks is beyond doubt even when it is a short-lived child
//! (`systemd-notify` in a script) that has ended before its words are read. The folder around it lets in
//! nobody but our own user; what another user sends all the same is not heard.

use super::short_path::ShortPath;
use crate::files::remove_if_there;
use crate::sys::paths::LONGEST_OF_SOCKET;
use crate::sys::senders;
use process_monitor_core::notice::Notice;
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// Longer datagrams are cut off.
const LONGEST: usize = 8 * 1024;

/// How many datagrams are taken in at once, so that one who floods us keeps nobody else waiting.
const AT_ONCE: usize = 64;

/// Where one run says what it has to say. Readable when there is something to hear.
#[derive(Debug)]
pub struct NotifySocket {
    socket: UnixDatagram,
    path: PathBuf,
}

impl NotifySocket {
    /// A socket at `path`, in place of one that is there.
    ///
    /// # Errors
    /// When the path is too long for a socket's, or the folder cannot be written.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() > LONGEST_OF_SOCKET {
            let why = format!(
                "the path is longer than the {LONGEST_OF_SOCKET} bytes of a socket's; use a shorter --directory"
            );
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        remove_if_there(path)?;
        let socket = UnixDatagram::bind(ShortPath::of(path)?.as_path())?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        socket.set_nonblocking(true)?;
        senders::ask(&socket)?;
        Ok(Self { socket, path: path.to_owned() })
    }

    /// The socket at `path` that an image of this process before this one had bound there; `None` when `socket` is
    /// something else, or nothing is at `path` any more. What was sent to it meanwhile is in it.
    ///
    /// # Errors
    /// When it cannot be set up.
    fn inherit(socket: OwnedFd, path: &Path) -> io::Result<Option<Self>> {
        let socket = UnixDatagram::from(socket);
        let is_there = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
        if !is_there || name_of(&socket).as_deref() != path.file_name() {
            return Ok(None);
        }
        socket.set_nonblocking(true)?;
        senders::ask(&socket)?;
        Ok(Some(Self { socket, path: path.to_owned() }))
    }

    /// For `NOTIFY_SOCKET`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was said since the last call, at most 64 datagrams of it; never waits.
    ///
    /// # Errors
    /// Those of recvmsg(2).
    pub fn receive(&self) -> io::Result<Vec<Notice>> {
        let mut notices = Vec::new();
        for _ in 0..AT_ONCE {
            match self.next() {
                Ok(heard) => notices.extend(heard),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(notices)
    }

    fn next(&self) -> Result<Vec<Notice>, Errno> {
        let mut bytes = [0; LONGEST];
        let datagram = senders::receive(&self.socket, &mut bytes)?;
        if !datagram.is_ours {
            tracing::debug!(socket = %self.path.display(), "somebody else's words are not heard");
            return Ok(Vec::new());
        }
        if datagram.cut_off {
            tracing::debug!(socket = %self.path.display(), "a datagram of more than {LONGEST} bytes was cut off");
        }
        Ok(Notice::parse(bytes.get(..datagram.bytes.min(LONGEST)).unwrap_or_default()))
    }

    /// Removes the socket's file. One that is gone is fine.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        remove_if_there(&self.path).map(drop)
    }
}

/// The sockets of runs that an image of this process before this one had, until each is wanted.
#[derive(Debug, Default)]
pub struct KeptSockets(HashMap<OsString, OwnedFd>);

impl KeptSockets {
    /// Those among `descriptors`; others are closed.
    pub fn new(descriptors: Vec<OwnedFd>) -> Self {
        let named = descriptors.into_iter().filter_map(|descriptor| {
            let socket = UnixDatagram::from(descriptor);
            Some((name_of(&socket)?, socket.into()))
        });
        Self(named.collect())
    }

    /// The one at `path`, if it is there.
    pub fn take(&mut self, path: &Path) -> Option<NotifySocket> {
        let socket = self.0.remove(path.file_name()?)?;
        let inherited = NotifySocket::inherit(socket, path);
        inherited
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "a socket is opened anew"))
            .ok()
            .flatten()
    }
}

/// The name of the file at which `socket` is bound. (Its folder may have been named in another way: `ShortPath`.)
fn name_of(socket: &UnixDatagram) -> Option<OsString> {
    Some(socket.local_addr().ok()?.as_pathname()?.file_name()?.to_owned())
}

impl AsFd for NotifySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use std::io::{IoSlice, Read};
    use std::mem::MaybeUninit;

    fn socket() -> (tempfile::TempDir, NotifySocket) {
        let folder = tempfile::tempdir().unwrap();
        let socket = NotifySocket::bind(&folder.path().join("run.sock")).unwrap();
        (folder, socket)
    }

    fn speaker(socket: &NotifySocket) -> UnixDatagram {
        let speaker = UnixDatagram::unbound().unwrap();
        speaker.connect(socket.path()).unwrap();
        speaker
    }

    #[test]
    fn what_is_said_is_heard_once_and_in_order() {
        let (_folder, socket) = socket();
        assert_eq!(socket.receive().unwrap(), []);
        let speaker = speaker(&socket);
        for words in ["STATUS=loading", "READY=1\nSTATUS=up", "nonsense", "WATCHDOG=1"] {
            speaker.send(words.as_bytes()).unwrap();
        }
        let status = |text: &str| Notice::Status(text.into());
        assert_eq!(
            socket.receive().unwrap(),
            [status("loading"), Notice::Ready, status("up"), Notice::Alive]
        );
        assert_eq!(socket.receive().unwrap(), []);
        socket.remove().unwrap();
        socket.remove().unwrap();
        assert!(!socket.path().exists());
    }

    #[test]
    fn one_that_was_left_is_replaced_and_is_nobody_elses() {
        let (_folder, old) = socket();
        let new = NotifySocket::bind(old.path()).unwrap();
        speaker(&new).send(b"READY=1").unwrap();
        assert_eq!(old.receive().unwrap(), []);
        assert_eq!(new.receive().unwrap(), [Notice::Ready]);
        assert_eq!(fs::metadata(new.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn one_that_was_kept_has_what_was_sent_meanwhile() {
        let (folder, old) = socket();
        let path = old.path().to_owned();
        let speaker = speaker(&old);
        speaker.send(b"READY=1").unwrap();
        let other = UnixDatagram::bind(folder.path().join("other.sock")).unwrap();
        let mut kept =
            KeptSockets::new(vec![UnixDatagram::unbound().unwrap().into(), old.socket.into(), other.into()]);
        let next = kept.take(&path).unwrap();
        // Who has connected before is connected.
        speaker.send(b"WATCHDOG=1").unwrap();
        assert_eq!(next.receive().unwrap(), [Notice::Ready, Notice::Alive]);
        assert!(kept.take(&path).is_none(), "it was taken");
        fs::remove_file(folder.path().join("other.sock")).unwrap();
        assert!(kept.take(&folder.path().join("other.sock")).is_none(), "nobody could reach it");
    }

    #[test]
    fn who_floods_us_is_heard_in_portions() {
        let (_folder, socket) = socket();
        let speaker = speaker(&socket);
        speaker.set_nonblocking(true).unwrap();
        let (mut sent, mut heard) = (0, 0);
        while sent < 1_000 {
            match speaker.send(b"WATCHDOG=1") {
                Ok(_) => sent += 1,
                Err(_) => {
                    let portion = socket.receive().unwrap().len();
                    assert!(portion <= AT_ONCE);
                    heard += portion;
                }
            }
        }
        loop {
            match socket.receive().unwrap().len() {
                0 => break,
                portion => heard += portion,
            }
        }
        assert_eq!(heard, sent);
    }

    #[test]
    fn a_datagram_that_is_too_long_is_cut_off() {
        let (_folder, socket) = socket();
        let words = format!("READY=1\nX={}\nSTOPPING=1", "x".repeat(20_000));
        speaker(&socket).send(words.as_bytes()).unwrap();
        assert_eq!(socket.receive().unwrap(), [Notice::Ready]);
    }

    #[test]
    fn a_descriptor_that_comes_along_is_closed() {
        let (_folder, socket) = socket();
        let (mut reader, writer) = io::pipe().unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors = [writer.as_fd()];
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let parts = [IoSlice::new(b"BARRIER=1")];
        sendmsg(speaker(&socket), &parts, &mut ancillary, SendFlags::empty()).unwrap();
        drop(writer);
        assert_eq!(socket.receive().unwrap(), []);
        // Its end is seen once nobody has the other end any more.
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_path_that_no_program_could_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = NotifySocket::bind(&folder.path().join("x".repeat(110))).unwrap_err();
        assert!(error.to_string().contains("shorter --directory"), "{error}");
    }
}
