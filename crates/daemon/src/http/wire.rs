//! One client connection below the HTTP machinery: a socket that a handler can take away.
//!
//! Hijacked calls (attach, exec) go on as raw bytes on the same connection. The HTTP machinery
//! cannot let go of a connection after an answer with status 200, so it never owns ours: it works
//! through a [`Wire`]. When a handler takes the socket, the machinery sees the end of input, what it
//! still writes is dropped, and it ends by itself.
//!
//! Invariant: the bytes that arrived behind the head of the request in progress are remembered (up
//! to [`MEMORY_BYTES`]), because the machinery may have read input that belongs to the raw stream.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;

/// Most bytes of a request that are remembered for a hijack: heads and bodies of such calls are
/// small, and a longer upload is no such call.
const MEMORY_BYTES: usize = 64 << 10;

/// Bytes read from the socket at once.
const READ_BYTES: usize = 16 << 10;

/// A connected client.
#[derive(Debug)]
pub enum Socket {
    /// On a unix socket.
    Unix(UnixStream),
    /// On a TCP socket.
    Tcp(TcpStream),
}

/// The connection, shared between the HTTP machinery and the handler of the request in progress.
#[derive(Debug, Clone)]
pub struct Wire(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    socket: Socket,
    memory: Mutex<Memory>,
    watched: AtomicBool,
    watch: Notify,
}

/// What was read since the machinery last wrote. Locked while it reads, so that no byte is on its way
/// when the socket is taken.
#[derive(Debug, Default)]
struct Memory {
    taken: bool,
    bytes: Vec<u8>,
    overflowed: bool,
}

impl Socket {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => socket.try_read(buffer),
            Self::Tcp(socket) => socket.try_read(buffer),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => socket.try_write(bytes),
            Self::Tcp(socket) => socket.try_write(bytes),
        }
    }

    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Unix(socket) => socket.poll_read_ready(context),
            Self::Tcp(socket) => socket.poll_read_ready(context),
        }
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Unix(socket) => socket.poll_write_ready(context),
            Self::Tcp(socket) => socket.poll_write_ready(context),
        }
    }

    async fn ready(&self, interest: Interest) -> io::Result<()> {
        match self {
            Self::Unix(socket) => socket.ready(interest).await.map(drop),
            Self::Tcp(socket) => socket.ready(interest).await.map(drop),
        }
    }

    /// Runs a call that would block into tokio's knowledge of the socket's readiness.
    fn try_io<T>(&self, interest: Interest, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self {
            Self::Unix(socket) => socket.try_io(interest, act),
            Self::Tcp(socket) => socket.try_io(interest, act),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(socket) => socket.as_fd(),
            Self::Tcp(socket) => socket.as_fd(),
        }
    }
}

impl Wire {
    /// Wraps a connected client.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self(Arc::new(Shared {
            socket,
            memory: Mutex::default(),
            watched: AtomicBool::new(false),
            watch: Notify::new(),
        }))
    }

    /// Takes the connection away from the HTTP machinery: from now on it reads and writes nothing.
    /// Returns what was read of the request in progress, head and all.
    pub fn take(&self) -> Vec<u8> {
        let mut memory = self.memory();
        memory.taken = true;
        std::mem::take(&mut memory.bytes)
    }

    /// Writes on a connection that was taken.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.0.socket.ready(Interest::WRITABLE).await?;
            match self.0.socket.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A descriptor of the same connection, for whoever goes on with it.
    ///
    /// # Errors
    /// No descriptor is free.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.0.socket.as_fd().try_clone_to_owned()
    }

    /// Asks that the connection be dropped as soon as the client closes its side: for answers that
    /// may take for ever and that nobody wants then.
    pub fn watch_client(&self) {
        self.0.watched.store(true, Ordering::Release);
        self.0.watch.notify_one();
    }

    /// Whether the answer in progress may be given up at any time.
    pub(super) fn is_watched(&self) -> bool {
        self.0.watched.load(Ordering::Acquire)
    }

    /// A new request has begun: its answer is not watched unless it says so.
    pub(super) fn begin_request(&self) {
        self.0.watched.store(false, Ordering::Release);
    }

    /// Returns when [`Wire::watch_client`] was called and the client has closed its side since.
    pub async fn client_left(&self) {
        self.0.watch.notified().await;
        loop {
            let state = match self.0.socket.ready(Interest::READABLE).await {
                Ok(()) => self.0.socket.try_io(Interest::READABLE, || peek(self.0.socket.as_fd())),
                Err(error) => Err(error),
            };
            match state {
                Ok(0) => return,
                // The next request is there already: what follows it cannot be seen.
                Ok(_) => std::future::pending().await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// A taken socket reads as ended, whatever arrives on it.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_taken() {
            Poll::Ready(Ok(()))
        } else {
            self.0.socket.poll_read_ready(context)
        }
    }

    fn is_taken(&self) -> bool {
        self.memory().taken
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn peek(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut byte = [0];
    let (received, _) = rustix::net::recv(socket, &mut byte, rustix::net::RecvFlags::PEEK)?;
    Ok(received)
}

impl Memory {
    fn remember(&mut self, bytes: &[u8]) {
        self.overflowed |= self.bytes.len() + bytes.len() > MEMORY_BYTES;
        if self.overflowed {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn forget(&mut self) {
        self.bytes.clear();
        self.overflowed = false;
    }
}

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut buffer = [0; READ_BYTES];
        let length = into.remaining().min(READ_BYTES);
        loop {
            ready!(self.poll_readable(context))?;
            let mut memory = self.memory();
            if memory.taken {
                return Poll::Ready(Ok(()));
            }
            match self.0.socket.try_read(&mut buffer[..length]) {
                Ok(read) => {
                    memory.remember(&buffer[..read]);
                    into.put_slice(&buffer[..read]);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            if self.is_taken() {
                return Poll::Ready(Ok(bytes.len()));
            }
            ready!(self.0.socket.poll_write_ready(context))?;
            match self.0.socket.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => {
                    self.memory().forget();
                    return Poll::Ready(result);
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_taken() {
            // A client that is gone already needs no end of output.
            let _ended = rustix::net::shutdown(&self.0.socket, rustix::net::Shutdown::Write);
        }
        Poll::Ready(Ok(()))
    }
}
