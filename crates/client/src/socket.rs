//! One connection to an engine, unix or TCP, as hyper and the upgraded streams see it. What is more than
//! a socket (TLS, ssh) is one end of a socket pair here.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::endpoint::Endpoint;
use crate::error::CallError;
use crate::host::Host;
use crate::secure::client_config;
use crate::tunnel::{Faults, Tunnel, secure};

/// A connected stream socket.
#[derive(Debug)]
pub(crate) enum Socket {
    /// To a local engine.
    Unix(UnixStream),
    /// To an engine by TCP, without TLS.
    Tcp(TcpStream),
}

/// A connection that is open, and where the reason appears if it breaks.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) socket: Socket,
    pub(crate) faults: Option<Faults>,
}

impl Socket {
    /// Connects to an engine.
    pub(crate) async fn connect(endpoint: &Endpoint) -> Result<Opened, CallError> {
        let plain = match (&endpoint.host, &endpoint.tls) {
            (Host::Unix(path), _) => UnixStream::connect(path).await.map(Self::Unix),
            (Host::Tcp(name, port), None) => connect_tcp(name, *port).await.map(Self::Tcp),
            (Host::Tcp(name, port), Some(tls)) => {
                let config = client_config(tls)?;
                return Ok(secure(name.clone(), *port, config).await?.into());
            }
            (Host::Ssh(host), _) => return Ok(crate::ssh::connect(host)?.into()),
        };
        match plain {
            Ok(socket) => Ok(Opened { socket, faults: None }),
            Err(source) => Err(CallError::connect(endpoint.host.to_string(), source)),
        }
    }
}

impl From<Tunnel> for Opened {
    fn from(tunnel: Tunnel) -> Self {
        Self {
            socket: Socket::Unix(tunnel.socket),
            faults: Some(tunnel.faults),
        }
    }
}

pub(crate) async fn connect_tcp(name: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((name, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    /// Pieces of archives go out as they are: else the machinery would put them together first.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
