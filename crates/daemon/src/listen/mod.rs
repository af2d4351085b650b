//! Where clients connect.

mod address;
mod group;
mod passed;
mod unix;

pub use address::{Address, ParseAddressError};
pub use passed::{PassedError, passed_listeners};
pub use unix::{ListenError, UnixSocketFile, is_answered, listen_unix};

use std::io;

use tokio::net::{TcpListener, UnixListener};

use crate::http::Socket;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// On a path.
    Unix(UnixListener),
    /// On an address, without TLS.
    Tcp(TcpListener),
}

impl Listener {
    /// The next client.
    ///
    /// # Errors
    /// The kernel refuses, for want of descriptors for example; trying again later may help.
    pub async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Unix(listener) => listener.accept().await.map(|(socket, _)| Socket::Unix(socket)),
            Self::Tcp(listener) => {
                let (socket, _) = listener.accept().await?;
                socket.set_nodelay(true)?;
                Ok(Socket::Tcp(socket))
            }
        }
    }
}
