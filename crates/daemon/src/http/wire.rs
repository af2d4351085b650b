//! One client connection below the HTTP machinery: a socket that a handler can take away.
//!
//! Hijacked calls (attach, exec) go on as raw bytes on the same connection. The HTTP machinery
//! cannot let go of a connection after an answer with status 200, so it never owns ours: it works
//! through a [`Wire`]. When a handler takes the socket, the machinery sees the end of input, what it
//! still writes is dropped, and it ends by itself.
//!
//! Invariant: what the machinery has read behind the request in progress is kept ([`Behind`]), because it
//! may be input that belongs to the raw stream.
//!
//! A client that begins a head and does not finish it in time is given up; one that is idle between requests
//! is not.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::HeaderMap;
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;

use super::behind::Behind;

/// Bytes read from the socket at once, at most: archives come in pieces of this size.
const READ_BYTES: usize = 64 << 10;

/// With so many bytes of an answer the machinery waits until the socket has taken them.
const UNSENT_BYTES: usize = 16 << 10;

thread_local! {
    /// What was read, on its way to the machinery: one for each worker, as large as anything it has read.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

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
    head_begun: Notify,
}

/// Locked while the machinery reads, so that no byte is on its way when the socket is taken.
#[derive(Debug, Default)]
struct Memory {
    taken: bool,
    behind: Behind,
    /// A request is being answered; otherwise the next head is awaited.
    busy: bool,
    /// Heads so far.
    heads: u64,
    /// Bytes of the answer that the machinery has and the socket has not.
    unsent_bytes: usize,
    /// To be told when they are all sent.
    waits_to_send: Option<Waker>,
}

/// While it lives, the connection is busy with an answer.
#[derive(Debug)]
pub(super) struct Busy(Wire);

impl Busy {
    /// Whether the machinery may have more of the answer; otherwise the task is told when it may. Left to itself it
    /// gathers a MiB for a client that does not read.
    pub(super) fn may_have_more(&self, context: &Context<'_>) -> bool {
        let mut memory = self.0.memory();
        let may = memory.unsent_bytes < UNSENT_BYTES;
        if !may {
            memory.waits_to_send = Some(context.waker().clone());
        }
        may
    }

    /// The machinery was given so many bytes of the answer.
    pub(super) fn was_given(&self, bytes: usize) {
        self.0.memory().unsent_bytes += bytes;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.memory().busy = false;
    }
}

impl Socket {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => socket.try_read(buffer),
            Self::Tcp(socket) => socket.try_read(buffer),
        }
    }

    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => socket.try_write_vectored(pieces),
            Self::Tcp(socket) => socket.try_write_vectored(pieces),
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
            head_begun: Notify::new(),
        }))
    }

    /// Takes the connection away from the HTTP machinery: from now on it reads and writes nothing.
    /// Returns what was read behind the request in progress.
    ///
    /// # Errors
    /// More was sent ahead than is kept.
    pub fn take(&self) -> io::Result<Vec<u8>> {
        let mut memory = self.memory();
        memory.taken = true;
        let too_much = || io::Error::new(io::ErrorKind::FileTooLarge, "too much input before the answer");
        memory.behind.take().ok_or_else(too_much)
    }

    /// Writes on a connection that was taken.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.0.socket.ready(Interest::WRITABLE).await?;
            match self.0.socket.try_write(&[IoSlice::new(bytes)]) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the client has read what was written, for some time at most. Clients that read heads through a
    /// buffer (docker-py) lose what comes with the head, if the connection is handed on behind that buffer.
    pub async fn was_read(&self, limit: Duration) {
        if let Socket::Tcp(_) = self.0.socket {
            // Nobody tells what the other host's programs have read.
            return;
        }
        let read = async {
            loop {
                if self.0.socket.ready(Interest::WRITABLE).await.is_err() {
                    return;
                }
                let look = || match corten_sys::socket::all_was_read(self.0.socket.as_fd())? {
                    true => Ok(()),
                    // The kernel tells when the client reads, as that makes room.
                    false => Err(io::ErrorKind::WouldBlock.into()),
                };
                match self.0.socket.try_io(Interest::WRITABLE, look) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok(()) | Err(_) => return,
                }
            }
        };
        // One that does not read its head has no buffer that could take more.
        drop(tokio::time::timeout(limit, read).await);
    }

    /// Ends a connection that was taken: the client reads that nothing follows.
    pub fn end(&self) {
        // One that is gone already needs no end.
        let _ended = rustix::net::shutdown(&self.0.socket, rustix::net::Shutdown::Both);
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

    /// The head of a new request has been read: its answer is not watched unless it says so.
    pub(super) fn begin_request(&self, headers: &HeaderMap) -> Busy {
        self.0.watched.store(false, Ordering::Release);
        let mut memory = self.memory();
        memory.behind.begin_request(headers);
        memory.busy = true;
        memory.unsent_bytes = 0;
        memory.heads += 1;
        Busy(self.clone())
    }

    /// Returns when a head was begun and not finished in time.
    pub(super) async fn head_is_overdue(&self, limit: Duration) {
        loop {
            self.0.head_begun.notified().await;
            let heads = self.memory().heads;
            tokio::time::sleep(limit).await;
            let memory = self.memory();
            if memory.heads == heads && !memory.busy && !memory.behind.is_empty() {
                return;
            }
        }
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

    /// Whether a handler has taken the connection.
    pub(super) fn is_taken(&self) -> bool {
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

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let length = into.remaining().min(READ_BYTES);
        loop {
            let readable = self.poll_readable(context);
            let mut memory = self.memory();
            if readable.is_pending() && !memory.busy && !memory.behind.is_empty() {
                // Part of a head is there, and the machinery waits for the rest.
                self.0.head_begun.notify_one();
            }
            ready!(readable)?;
            if memory.taken {
                return Poll::Ready(Ok(()));
            }
            let read = ROOM.with_borrow_mut(|room| {
                if room.len() < length {
                    room.resize(length, 0);
                }
                let read = self.0.socket.try_read(&mut room[..length])?;
                memory.behind.read(&room[..read]);
                into.put_slice(&room[..read]);
                Ok(())
            });
            match read {
                Err(error) if io::Error::kind(&error) == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    /// Pieces of archives go out as they are: else the machinery would put them together first.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.is_taken() {
                return Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()));
            }
            ready!(self.0.socket.poll_write_ready(context))?;
            match self.0.socket.try_write(pieces) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    /// The machinery comes here when it has written all that it had.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut memory = self.memory();
        memory.unsent_bytes = 0;
        if let Some(waits) = memory.waits_to_send.take() {
            waits.wake();
        }
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
