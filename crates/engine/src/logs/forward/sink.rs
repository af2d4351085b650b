//! Connections to those who take logs. A stream that breaks is opened again by the caller.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use corten_api::Map;
use corten_base::errno;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram, UnixStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::journal;
use super::syslog::Address;

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// How long one write may take: then the other end counts as dead.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// Where a host's own syslog may listen.
const HOST_SOCKETS: &[&str] = &["/dev/log", "/var/run/syslog", "/var/run/log"];

/// Where to connect, and by what means.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    Syslog(Address, Option<Arc<rustls::ClientConfig>>),
    Journal,
}

/// An open connection.
#[derive(Debug)]
pub(crate) enum Sink {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
    Udp(UdpSocket),
    Datagram(UnixDatagram),
}

/// Nobody takes the log. Displays as Docker's text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("Unix syslog delivery error")]
    NoHostSyslog,
    #[error("journald is not enabled on this host")]
    NoJournal,
    #[error("dial {network}: lookup {host}: {reason}")]
    Lookup {
        network: &'static str,
        host: String,
        reason: String,
    },
    #[error("dial {network} {address}: {reason}")]
    Dial {
        network: &'static str,
        address: String,
        reason: String,
    },
    #[error("tls: {0}")]
    Tls(String),
    #[error("could not read CA certificate {0:?}: open {0}: {1}")]
    Authority(String, String),
    #[error("could not load X509 key pair: open {0}: {1}")]
    Pair(String, String),
}

impl Destination {
    /// Of the syslog driver; reads the files for TLS.
    pub(crate) fn syslog(address: Address, options: &Map<String>) -> Result<Self, ConnectError> {
        let Address::Tls(_) = address else {
            return Ok(Self::Syslog(address, None));
        };
        let path = |key: &str| options.get(key).filter(|path| !path.is_empty());
        let read = |path: &String| std::fs::read(path).map_err(|error| (path.clone(), errno::words(&error)));
        let pair = |key: &str| {
            path(key)
                .map(read)
                .transpose()
                .map_err(|(path, why)| ConnectError::Pair(path, why))
        };
        let authority = path("syslog-tls-ca-cert").map(read).transpose();
        let tls = corten_client::Tls {
            ca: authority.map_err(|(path, why)| ConnectError::Authority(path, why))?,
            cert: pair("syslog-tls-cert")?,
            key: pair("syslog-tls-key")?,
            // Any value means yes (observed).
            skip_verify: options
                .get("syslog-tls-skip-verify")
                .is_some_and(|value| !value.is_empty()),
        };
        let config = corten_client::tls_config(&tls).map_err(|error| ConnectError::Tls(error.to_string()))?;
        Ok(Self::Syslog(address, Some(config)))
    }

    pub(crate) async fn connect(&self) -> Result<Sink, ConnectError> {
        match self {
            Self::Journal => connect_datagram(Path::new(journal::SOCKET)).map_err(|_| ConnectError::NoJournal),
            Self::Syslog(Address::Host, _) => connect_host().await,
            Self::Syslog(Address::Unix(path), _) => {
                let stream = UnixStream::connect(path).await;
                stream.map(Sink::Unix).map_err(|error| dial("unix", path, &error))
            }
            Self::Syslog(Address::UnixDatagram(path), _) => {
                connect_datagram(Path::new(path)).map_err(|error| dial("unixgram", path, &error))
            }
            Self::Syslog(Address::Udp(host), _) => connect_udp(host).await,
            Self::Syslog(Address::Tcp(host), _) => connect_tcp(host).await.map(Sink::Tcp),
            Self::Syslog(Address::Tls(host), config) => {
                let stream = connect_tcp(host).await?;
                let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
                let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(name).map_err(|error| ConnectError::Tls(error.to_string()))?;
                let Some(config) = config else {
                    return Err(ConnectError::Tls("no certificates".to_owned()));
                };
                let handshake = TlsConnector::from(Arc::clone(config)).connect(name, stream);
                let stream = within(CONNECT_LIMIT, handshake).await;
                let stream = stream.map_err(|error| ConnectError::Tls(error.to_string()))?;
                Ok(Sink::Tls(Box::new(stream)))
            }
        }
    }
}

async fn connect_host() -> Result<Sink, ConnectError> {
    for path in HOST_SOCKETS {
        if let Ok(sink) = connect_datagram(Path::new(path)) {
            return Ok(sink);
        }
        if let Ok(stream) = UnixStream::connect(path).await {
            return Ok(Sink::Unix(stream));
        }
    }
    Err(ConnectError::NoHostSyslog)
}

fn connect_datagram(path: &Path) -> io::Result<Sink> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(Sink::Datagram(socket))
}

async fn connect_udp(host: &str) -> Result<Sink, ConnectError> {
    let address = look_up("udp", host).await?;
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let connected = async {
        let socket = UdpSocket::bind(any).await?;
        socket.connect(address).await?;
        Ok(socket)
    };
    connected
        .await
        .map(Sink::Udp)
        .map_err(|error| dial("udp", host, &error))
}

async fn connect_tcp(host: &str) -> Result<TcpStream, ConnectError> {
    let address = look_up("tcp", host).await?;
    let connected = within(CONNECT_LIMIT, TcpStream::connect(address)).await;
    connected.map_err(|error| dial("tcp", &address.to_string(), &error))
}

async fn look_up(network: &'static str, host: &str) -> Result<std::net::SocketAddr, ConnectError> {
    let failed = |reason: String| {
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned();
        ConnectError::Lookup { network, host, reason }
    };
    let mut found = lookup_host(host).await.map_err(|error| failed(errno::words(&error)))?;
    found.next().ok_or_else(|| failed("no such host".to_owned()))
}

fn dial(network: &'static str, address: &str, error: &io::Error) -> ConnectError {
    ConnectError::Dial {
        network,
        address: address.to_owned(),
        reason: match error.kind() {
            io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
            _ => format!("connect: {}", errno::words(error)),
        },
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let timely = tokio::time::timeout(limit, work).await;
    timely.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into()))
}

impl Sink {
    /// Sends messages, `bytes` cut at `ends`. Returns how many are gone for sure, and the error that stopped it.
    pub(crate) async fn send(&mut self, bytes: &[u8], ends: &[usize]) -> (usize, io::Result<()>) {
        match self {
            Self::Tcp(stream) => send_stream(stream, bytes, ends).await,
            Self::Tls(stream) => send_stream(stream, bytes, ends).await,
            Self::Unix(stream) => send_stream(stream, bytes, ends).await,
            Self::Udp(_) | Self::Datagram(_) => self.send_datagrams(bytes, ends).await,
        }
    }

    async fn send_datagrams(&self, bytes: &[u8], ends: &[usize]) -> (usize, io::Result<()>) {
        let mut start = 0;
        for (index, end) in ends.iter().enumerate() {
            let message = bytes.get(start..*end).unwrap_or_default();
            start = *end;
            let sent = match self {
                Self::Udp(socket) => lost_is_sent(socket.send(message).await),
                Self::Datagram(socket) => send_datagram(socket, message).await,
                Self::Tcp(_) | Self::Tls(_) | Self::Unix(_) => Ok(()),
            };
            if let Err(error) = sent {
                return (index, Err(error));
            }
        }
        (ends.len(), Ok(()))
    }
}

/// Nobody promises that a datagram arrives: that it did not, or is too long, is no reason to send it again.
fn lost_is_sent(sent: io::Result<usize>) -> io::Result<()> {
    match sent {
        Err(error) if error.kind() != io::ErrorKind::ConnectionRefused && !is_too_long(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error())
}

/// What does not fit into a datagram goes as a file in memory, as the journal takes it.
async fn send_datagram(socket: &UnixDatagram, message: &[u8]) -> io::Result<()> {
    let timely = within(WRITE_LIMIT, socket.send(message)).await;
    match timely {
        Err(error) if is_too_long(&error) => {}
        result => return result.map(drop),
    }
    let file = in_memory(message)?;
    loop {
        within(WRITE_LIMIT, socket.writable()).await?;
        let sent = socket.try_io(Interest::WRITABLE, || {
            let space = &mut [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = rustix::net::SendAncillaryBuffer::new(space);
            let descriptors = [file.as_fd()];
            ancillary.push(rustix::net::SendAncillaryMessage::ScmRights(&descriptors));
            Ok(rustix::net::sendmsg(
                socket,
                &[],
                &mut ancillary,
                rustix::net::SendFlags::empty(),
            )?)
        });
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result.map(drop),
        }
    }
}

fn in_memory(message: &[u8]) -> io::Result<OwnedFd> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let file = memfd_create("journal-entry", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = std::fs::File::from(file);
    file.write_all(message)?;
    fcntl_add_seals(
        &file,
        SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE,
    )?;
    Ok(file.into())
}

async fn send_stream(
    stream: &mut (impl AsyncWriteExt + Unpin),
    bytes: &[u8],
    ends: &[usize],
) -> (usize, io::Result<()>) {
    let mut written = 0;
    let done = |written: usize| ends.partition_point(|end| *end <= written);
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match within(WRITE_LIMIT, stream.write(rest)).await {
            Ok(0) => return (done(written), Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) => return (done(written), Err(error)),
        }
    }
    // TLS keeps what it has encrypted until it is told.
    (done(written), within(WRITE_LIMIT, stream.flush()).await)
}

#[cfg(test)]
mod tests;
