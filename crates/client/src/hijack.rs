//! Upgraded connections: after `101 UPGRADED` the connection is a plain duplex byte pipe.
//!
//! The socket leaves the async runtime and becomes a blocking one, because its two directions are
//! pumped by threads of their own: a stopped reader of our output must not stop signals or input.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use crate::error::CallError;
use crate::socket::Socket;

/// An upgraded connection with what the engine sent right behind its answer.
#[derive(Debug)]
pub struct Hijacked {
    /// The connection, blocking.
    pub stream: Duplex,
    /// Bytes that were read together with the answer; they come before anything from `stream`.
    pub early: Vec<u8>,
    /// Whether output is multiplexed into frames (false: a terminal's raw bytes).
    pub multiplexed: Option<bool>,
}

/// A blocking stream whose write side can be closed alone.
#[derive(Debug)]
pub enum Duplex {
    /// Over a unix socket.
    Unix(UnixStream),
    /// Over TCP.
    Tcp(TcpStream),
}

impl Duplex {
    pub(crate) fn from_socket(socket: Socket) -> Result<Self, CallError> {
        let duplex = match socket {
            Socket::Unix(stream) => Self::Unix(stream.into_std()?),
            Socket::Tcp(stream) => Self::Tcp(stream.into_std()?),
        };
        match &duplex {
            Self::Unix(stream) => stream.set_nonblocking(false)?,
            Self::Tcp(stream) => stream.set_nonblocking(false)?,
        }
        Ok(duplex)
    }

    /// A second handle on the same connection.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
        }
    }

    /// Half-close: the other side reads end of input, output still arrives.
    ///
    /// # Errors
    /// The connection is already gone.
    pub fn close_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    /// Ends both directions, and with them the threads that are blocked on this connection.
    ///
    /// # Errors
    /// The connection is already gone.
    pub fn close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Both)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.shutdown(how),
            Self::Tcp(stream) => stream.shutdown(how),
        }
    }
}

impl Read for Duplex {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buf),
            Self::Tcp(stream) => stream.read(buf),
        }
    }
}

impl Write for Duplex {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(buf),
            Self::Tcp(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
