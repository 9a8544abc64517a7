//! A connection: over TCP, with TLS or without, or to the control socket.

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use process_monitor_host::control::Connection as ControlConnection;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// One of both.
pub(crate) enum Link {
    Socket(TokioIo<ControlConnection>),
    Tcp(Box<MaybeHttpsStream<TokioIo<TcpStream>>>),
}

/// Calls the method of whichever it is.
macro_rules! either {
    ($this:expr, $trait:ident :: $method:ident ( $($argument:expr),* )) => {
        match $this.get_mut() {
            Self::Socket(stream) => $trait::$method(Pin::new(stream), $($argument),*),
            Self::Tcp(stream) => $trait::$method(Pin::new(stream), $($argument),*),
        }
    };
}

impl Read for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        either!(self, Read::poll_read(cx, buf))
    }
}

impl Write for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, Write::poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, Write::poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, Write::poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Socket(stream) => stream.is_write_vectored(),
            Self::Tcp(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, Write::poll_write_vectored(cx, bufs))
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        match self {
            Self::Socket(_) => Connected::new(),
            Self::Tcp(stream) => stream.connected(),
        }
    }
}
