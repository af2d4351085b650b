//! One connection to an engine, unix or TCP, as hyper and the upgraded streams see it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::error::CallError;
use crate::host::Host;

/// A connected stream socket.
#[derive(Debug)]
pub(crate) enum Socket {
    /// To a local engine.
    Unix(UnixStream),
    /// To an engine by TCP, without TLS.
    Tcp(TcpStream),
}

impl Socket {
    /// Connects to `host`.
    pub(crate) async fn connect(host: &Host) -> Result<Self, CallError> {
        let connected = match host {
            Host::Unix(path) => UnixStream::connect(path).await.map(Self::Unix),
            Host::Tcp(name, port) => connect_tcp(name, *port).await.map(Self::Tcp),
        };
        connected.map_err(|source| {
            let host = host.to_string();
            if source.kind() == io::ErrorKind::PermissionDenied {
                CallError::Denied { host, source }
            } else {
                CallError::Connect { host, source }
            }
        })
    }
}

async fn connect_tcp(name: &str, port: u16) -> io::Result<TcpStream> {
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
