//! How one thing gets from this process to the one that follows.

use crate::fd::OwnedFd;
use crate::sys::windows::object::done;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::io;
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::windows::io::{AsRawHandle, AsRawSocket, FromRawHandle, FromRawSocket};
use std::process::Child;
use std::ptr;
use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE};
use windows_sys::Win32::Networking::WinSock::{
    FROM_PROTOCOL_INFO, INVALID_SOCKET, SOCKET, WSA_FLAG_NO_HANDLE_INHERIT, WSA_FLAG_OVERLAPPED, WSADATA,
    WSADuplicateSocketW, WSAGetLastError, WSAPROTOCOL_INFOW, WSASocketW, WSAStartup,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// What can be handed over.
pub trait Heritable: Send + Sync {
    /// Gives it to `heir`.
    ///
    /// # Errors
    /// What the system said.
    fn give(&self, heir: &Heir<'_>) -> io::Result<Gift>;
}

/// One thing on its way, as the heir is told of it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Gift {
    /// A handle, by its number in the heir.
    Handle(usize),
    /// A socket: what `WSADuplicateSocketW` says of it, in base64.
    Socket(String),
    /// Bytes, in base64.
    Bytes(String),
}

impl Gift {
    /// Bytes on their way.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(STANDARD.encode(bytes))
    }
}

/// The process that follows.
pub struct Heir<'a> {
    pub(super) child: &'a Child,
    /// Set by the heir once it has taken over.
    pub(super) taken: &'a OwnedFd,
}

impl Heir<'_> {
    /// A second handle of what `handle` is, open in the heir.
    ///
    /// # Errors
    /// What the system said.
    pub fn duplicate(&self, handle: &impl AsRawHandle) -> io::Result<Gift> {
        let mut number: HANDLE = ptr::null_mut();
        // SAFETY: all handles are valid, and the new one belongs to the heir.
        done(unsafe {
            DuplicateHandle(
                GetCurrentProcess(),
                handle.as_raw_handle(),
                self.child.as_raw_handle(),
                &raw mut number,
                0,
                0,
                DUPLICATE_SAME_ACCESS,
            )
        })?;
        Ok(Gift::Handle(number as usize))
    }

    /// The same socket, for the heir.
    ///
    /// # Errors
    /// What the system said.
    pub fn socket(&self, socket: &impl AsRawSocket) -> io::Result<Gift> {
        let mut told = MaybeUninit::<WSAPROTOCOL_INFOW>::zeroed();
        // SAFETY: it has the size of what is told.
        let error = unsafe {
            WSADuplicateSocketW(socket.as_raw_socket() as SOCKET, self.child.id(), told.as_mut_ptr())
        };
        if error != 0 {
            return Err(last_socket_error());
        }
        // SAFETY: it was zeroed, and any bytes will do as bytes.
        let bytes =
            unsafe { std::slice::from_raw_parts(told.as_ptr().cast::<u8>(), size_of::<WSAPROTOCOL_INFOW>()) };
        Ok(Gift::Socket(STANDARD.encode(bytes)))
    }

    /// What the heir says that it has taken over by.
    ///
    /// # Errors
    /// What the system said.
    pub fn herald(&self) -> io::Result<Gift> {
        self.duplicate(self.taken)
    }
}

impl Heritable for tokio::net::TcpListener {
    fn give(&self, heir: &Heir<'_>) -> io::Result<Gift> {
        heir.socket(self)
    }
}

/// What came.
#[derive(Debug)]
pub enum Received {
    /// A handle.
    Handle(OwnedFd),
    /// A socket that listens.
    Listener(TcpListener),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Received {
    /// Takes what `gift` tells of.
    ///
    /// # Errors
    /// What the system said; or that what came is nothing that can be understood.
    pub fn from(gift: Gift) -> io::Result<Self> {
        match gift {
            // SAFETY: the predecessor has opened it in this process for this very use, and it is taken once.
            Gift::Handle(number) => Ok(Self::Handle(unsafe { OwnedFd::from_raw_handle(number as HANDLE) })),
            Gift::Socket(told) => listener(&decode(&told)?).map(Self::Listener),
            Gift::Bytes(bytes) => decode(&bytes).map(Self::Bytes),
        }
    }
}

fn decode(text: &str) -> io::Result<Vec<u8>> {
    STANDARD.decode(text).map_err(io::Error::other)
}

fn listener(told: &[u8]) -> io::Result<TcpListener> {
    if told.len() != size_of::<WSAPROTOCOL_INFOW>() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // Nothing else here has used a socket yet, perhaps ("WSAStartup": once more does no harm).
    let mut library = MaybeUninit::<WSADATA>::zeroed();
    let flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
    // SAFETY: what is told has its size, and is read wherever it lies; the socket is nobody else's.
    unsafe {
        let error = WSAStartup(0x0202, library.as_mut_ptr());
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        let told = told.as_ptr().cast::<WSAPROTOCOL_INFOW>().read_unaligned();
        let socket =
            WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &raw const told, 0, flags);
        if socket == INVALID_SOCKET {
            return Err(last_socket_error());
        }
        Ok(TcpListener::from_raw_socket(socket as u64))
    }
}

fn last_socket_error() -> io::Error {
    // SAFETY: it reads a number of this thread.
    io::Error::from_raw_os_error(unsafe { WSAGetLastError() })
}
