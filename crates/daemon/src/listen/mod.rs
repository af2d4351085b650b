//! Where clients connect.

mod address;
mod group;
mod material;
mod open;
mod passed;
mod secure;
mod unix;

pub use address::{Address, ParseAddressError};
pub use material::{TlsError, TlsFiles, server_config};
pub use open::{open_sockets, warn_of_open_sockets};
pub use passed::{Passed, PassedError};
pub use secure::{HandshakeError, Secured, finish, secure};
pub use unix::{ListenError, UnixSocketFile, is_answered, listen_unix};

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream, UnixListener};

use crate::http::Socket;

/// A TCP client that is silent for this long is asked whether it is still there, and again as often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// On a path.
    Unix(UnixListener),
    /// On an address; with TLS if there is a configuration.
    Tcp(TcpListener, Option<Arc<ServerConfig>>),
}

/// A client that has connected.
#[derive(Debug)]
pub enum Client {
    /// It can be served.
    Plain(Socket),
    /// It has to shake hands first.
    Encrypted(TcpStream, Arc<ServerConfig>),
}

impl Listener {
    /// The next client.
    ///
    /// # Errors
    /// The kernel refuses, for want of descriptors for example; trying again later may help.
    pub async fn accept(&self) -> io::Result<Client> {
        match self {
            Self::Unix(listener) => {
                let (socket, _) = listener.accept().await?;
                Ok(Client::Plain(Socket::Unix(socket)))
            }
            Self::Tcp(listener, secured) => {
                let (socket, _) = listener.accept().await?;
                tune(&socket)?;
                Ok(match secured {
                    None => Client::Plain(Socket::Tcp(socket)),
                    Some(config) => Client::Encrypted(socket, Arc::clone(config)),
                })
            }
        }
    }
}

/// Answers go out at once, and clients that vanish without a word are noticed.
fn tune(socket: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEP_ALIVE)?;
    sockopt::set_tcp_keepintvl(socket, KEEP_ALIVE)?;
    Ok(())
}
