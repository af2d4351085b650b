//! Connections that are not one socket: TLS, and a program that talks for us (`ssh`). The caller gets one
//! end of a socket pair, which it can split, half-close and hand on like any other; the other end belongs
//! to a thread (TLS) or to the program.
//!
//! What broke such a connection is not in what hyper reports; it is kept here as a [`Fault`].

use std::os::unix::net::UnixStream as BlockingStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::CallError;
use crate::secure::refusal;

/// How long after a connection has broken its reason may still come.
const REASON_LIMIT: Duration = Duration::from_secs(2);

/// How long an engine may take for its handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);

/// Bytes on their way, per direction.
const BUFFER_BYTES: usize = 16 << 10;

/// Why a connection broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Docker's words.
    pub(crate) reason: String,
    /// What to do about it.
    pub(crate) hint: &'static str,
}

/// Where the reason appears.
pub(crate) type Faults = watch::Receiver<Option<Fault>>;

/// A connection and why it broke, if it does.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) socket: UnixStream,
    pub(crate) faults: Faults,
}

/// The reason, if one is found soon.
pub(crate) async fn reason(mut faults: Faults) -> Option<Fault> {
    let found = faults.wait_for(Option::is_some);
    let found = tokio::time::timeout(REASON_LIMIT, found).await.ok()?.ok()?;
    found.clone()
}

/// Connects and shakes hands; the pump gets a thread of its own, because the caller's runtime stops while
/// a hijacked connection is used.
pub(crate) async fn secure(name: String, port: u16, config: Arc<ClientConfig>) -> Result<Tunnel, CallError> {
    let (near, far) = BlockingStream::pair()?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    let (told, faults) = watch::channel(None);
    let (shaken, hands) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(carry(name, port, config, far, shaken, told)),
            // The receiver may be gone; then nobody needs the error.
            Err(error) => drop(shaken.send(Err(error.into()))),
        }
    });
    let lost = |_| CallError::Io(std::io::Error::other("the thread of the connection has ended"));
    hands.await.map_err(lost)??;
    Ok(Tunnel {
        socket: UnixStream::from_std(near)?,
        faults,
    })
}

async fn carry(
    name: String,
    port: u16,
    config: Arc<ClientConfig>,
    far: BlockingStream,
    shaken: oneshot::Sender<Result<(), CallError>>,
    told: watch::Sender<Option<Fault>>,
) {
    let stream = match shake(&name, port, config).await {
        Ok(stream) => stream,
        Err(error) => return drop(shaken.send(Err(error))),
    };
    let far = UnixStream::from_std(far);
    // Nobody waits any more when the receiver is gone.
    if shaken.send(Ok(())).is_err() {
        return;
    }
    let Ok(far) = far else { return };
    if let Err(error) = pump(stream, &told, far).await {
        tell(&told, &error);
    }
}

fn tell(told: &watch::Sender<Option<Fault>>, error: &std::io::Error) {
    if let Some(fault) = fault(error) {
        told.send_replace(Some(fault));
    }
}

/// The TLS failure inside an error of its stream.
fn fault(error: &std::io::Error) -> Option<Fault> {
    let (reason, hint) = refusal(error.get_ref()?.downcast_ref::<rustls::Error>()?);
    Some(Fault { reason, hint })
}

async fn shake(name: &str, port: u16, config: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, CallError> {
    let socket = crate::socket::connect_tcp(name, port).await;
    let socket = socket.map_err(|source| CallError::connect(format!("tcp://{name}:{port}"), source))?;
    let broken = |reason: String, hint| CallError::Broken {
        request: String::new(),
        reason,
        hint,
    };
    let server = ServerName::try_from(name.to_owned())
        .map_err(|error| broken(error.to_string(), "the engine's address must be a name or an address"))?;
    let shaken = TlsConnector::from(config).connect(server, socket);
    match tokio::time::timeout(HANDSHAKE_LIMIT, shaken).await {
        Err(_) => Err(broken(
            "TLS handshake timeout".to_owned(),
            "check that the engine speaks TLS there",
        )),
        Ok(Err(error)) => Err(match fault(&error) {
            Some(fault) => broken(fault.reason, fault.hint),
            None => broken(error.to_string(), "check that the engine speaks TLS there"),
        }),
        Ok(Ok(stream)) => Ok(stream),
    }
}

/// Copies both ways until both have ended or one has failed. The reason is told before the caller's end
/// sees the connection closed.
async fn pump(
    stream: TlsStream<TcpStream>,
    told: &watch::Sender<Option<Fault>>,
    far: UnixStream,
) -> std::io::Result<()> {
    let (from_engine, to_engine) = tokio::io::split(stream);
    let (from_us, to_us) = far.into_split();
    let up = async {
        // What the engine refuses it says on the other direction.
        copy(from_us, to_engine).await.unwrap_or_default();
        Ok(())
    };
    let down = async {
        let mut to_us = to_us;
        let ended = copy_open(from_engine, &mut to_us).await;
        if let Err(error) = &ended {
            tell(told, error);
        }
        to_us.shutdown().await?;
        ended
    };
    tokio::try_join!(up, down).map(drop)
}

async fn copy(from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    copy_open(from, &mut to).await?;
    to.shutdown().await
}

async fn copy_open(mut from: impl AsyncRead + Unpin, to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
    }
}
