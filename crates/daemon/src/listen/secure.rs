//! TLS in front of the HTTP machinery: a handshake within a limit, then a pump between the encrypted
//! connection and one end of a socket pair, whose other end is a client like any other.
//!
//! So attach and exec can hand their descriptor to the shim as ever. Both directions wait for the slower
//! side; a half-close of one is a half-close of the other (`close_notify`). The session lives as long as
//! this process: a shim keeps its end, but nobody decrypts any more.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::http::Stop;

/// How long a client may take for its handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long a client may take to close, or to take the rest, when all was sent to it.
const LINGER: Duration = Duration::from_secs(30);

/// The same when the daemon ends.
const LAST_LINGER: Duration = Duration::from_secs(1);

/// Bytes on their way per direction: at first, because most connections are idle, and at most.
const BUFFER_BYTES: std::ops::Range<usize> = 2 << 10..16 << 10;

/// The first byte of a TLS record that begins a handshake.
const HANDSHAKE_RECORD: u8 = 0x16;

/// What Go's server answers to plain HTTP.
const PLAIN_REFUSAL: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// A client behind its handshake.
#[derive(Debug)]
pub struct Secured {
    /// What it sends and receives, in plain text.
    pub socket: UnixStream,
    pump: JoinHandle<()>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It took too long.
    #[error("no handshake within {HANDSHAKE_LIMIT:?}")]
    Late,
    /// It speaks plain HTTP.
    #[error("client sent an HTTP request to an HTTPS server")]
    Plain,
    /// It is not trusted, does not trust us, or does not speak TLS.
    #[error("{0}")]
    Refused(#[from] io::Error),
}

/// Shakes hands and starts the pump.
///
/// # Errors
/// The client is to be forgotten; it has been told why as far as it understands.
pub async fn secure(client: TcpStream, config: Arc<ServerConfig>) -> Result<Secured, HandshakeError> {
    let shaken = tokio::time::timeout(HANDSHAKE_LIMIT, shake(client, config)).await;
    let encrypted = shaken.map_err(|_| HandshakeError::Late)??;
    let (socket, far) = UnixStream::pair()?;
    let pump = tokio::spawn(async move {
        if let Err(error) = pump(encrypted, far).await {
            tracing::debug!("a connection with TLS ended: {error}");
        }
    });
    Ok(Secured { socket, pump })
}

async fn shake(client: TcpStream, config: Arc<ServerConfig>) -> Result<TlsStream<TcpStream>, HandshakeError> {
    let mut first = [0];
    if client.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
        // The client may be gone; it is told nothing else.
        drop(tokio::time::timeout(LAST_LINGER, refuse(client)).await);
        return Err(HandshakeError::Plain);
    }
    Ok(TlsAcceptor::from(config).accept(client).await?)
}

/// Answers plain HTTP and reads the request away: closing on unread bytes would reset the connection, and
/// the client with it, before it reads the answer.
async fn refuse(mut client: TcpStream) -> io::Result<()> {
    client.write_all(PLAIN_REFUSAL).await?;
    client.shutdown().await?;
    let mut scratch = [0; 4096];
    while client.read(&mut scratch).await? > 0 {}
    Ok(())
}

/// Waits until all was sent to a client whose connection nobody serves any more. `handed_on`: somebody
/// else still uses the other end (a hijacked connection), for as long as the daemon lives.
pub async fn finish(mut pump: JoinHandle<()>, handed_on: bool, mut stop: Stop) {
    let limit = async {
        tokio::select! {
            () = tokio::time::sleep(LINGER), if !handed_on => {}
            () = stop.requested() => tokio::time::sleep(LAST_LINGER).await,
        }
    };
    tokio::select! {
        _ended = &mut pump => {}
        () = limit => pump.abort(),
    }
}

impl Secured {
    /// The socket and the pump behind it.
    #[must_use]
    pub fn into_parts(self) -> (UnixStream, JoinHandle<()>) {
        (self.socket, self.pump)
    }
}

/// Copies both ways until both have ended, or one has failed.
async fn pump(encrypted: TlsStream<TcpStream>, plain: UnixStream) -> io::Result<()> {
    let (from_client, to_client) = tokio::io::split(encrypted);
    let (from_us, to_us) = plain.into_split();
    let mut up = std::pin::pin!(copy(from_client, to_us));
    let mut down = std::pin::pin!(copy(from_us, to_client));
    tokio::select! {
        ended = up.as_mut() => {
            ended?;
            down.await
        }
        ended = down.as_mut() => {
            ended?;
            // All is said: what the client still says interests nobody for long.
            tokio::time::timeout(LINGER, up).await.unwrap_or(Ok(()))
        }
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES.start];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
        if read == buffer.len() && read < BUFFER_BYTES.end {
            buffer = vec![0; read * 2];
        }
    }
}
