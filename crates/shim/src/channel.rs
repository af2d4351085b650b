//! Frames over a unix socket. [`send`] and [`receive`] never block, whatever flags the socket has: an
//! asynchronous caller waits for readiness around them. [`Channel`] is the blocking form.
//!
//! Frames of one direction are sent one after the other, each to its end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::frame::{DecodeError, Decoder, EncodeError, Outgoing};
use crate::protocol::{Envelope, Event, Message, Reply, Request};

/// How much one receive takes from the kernel, in bytes: most frames are far below.
const RECEIVE_BYTES: usize = 16 * 1024;

/// Sends as much of the frame as the socket takes; call again when it is writable until
/// [`Outgoing::is_sent`].
///
/// # Errors
/// `WouldBlock` when the socket is full, `BrokenPipe` when the peer is gone.
pub fn send(socket: BorrowedFd<'_>, frame: &mut Outgoing) -> io::Result<()> {
    while !frame.is_sent() {
        let (bytes, count) = frame.next_part();
        let descriptors: Vec<_> = frame.descriptors[..count].iter().map(AsFd::as_fd).collect();
        let sent = corten_sys::socket::send_with_descriptors(socket, bytes, &descriptors)?;
        frame.went(sent, count);
    }
    Ok(())
}

/// Receives once into the decoder; returns how many bytes came, zero when the peer has closed.
///
/// # Errors
/// `WouldBlock` when nothing is there.
pub fn receive(socket: BorrowedFd<'_>, decoder: &mut Decoder) -> io::Result<usize> {
    let mut bytes = [0; RECEIVE_BYTES];
    let mut descriptors = Vec::new();
    let count = corten_sys::socket::receive_with_descriptors(socket, &mut bytes, &mut descriptors)?;
    decoder.push(&bytes[..count], descriptors);
    Ok(count)
}

/// The daemon's end of a connection, blocking, for tests and small programs. One request at a time.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    decoder: Decoder,
    number: u64,
    events: std::collections::VecDeque<Event>,
}

/// A request or the wait for news failed.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The request cannot be framed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The shim speaks nonsense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The shim is gone.
    #[error("the shim has closed the connection")]
    Closed,
    /// Nothing came in time.
    #[error("the shim did not answer in time")]
    Timeout,
    /// The socket failed.
    #[error("the socket to the shim failed")]
    Socket(#[source] io::Error),
}

impl Channel {
    /// Speaks over a connected socket.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            decoder: Decoder::new(),
            number: 0,
            events: std::collections::VecDeque::new(),
        }
    }

    /// Connects to a running shim by its `shim.sock`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(path: &Path) -> io::Result<Self> {
        corten_sys::socket::connect_unix(path).map(Self::new)
    }

    /// Sends a request with its descriptors and waits for its answer, keeping events that come before.
    ///
    /// # Errors
    /// When the shim is gone or silent for `timeout_ms`.
    pub fn request(
        &mut self,
        request: Request,
        descriptors: Vec<OwnedFd>,
        timeout_ms: u32,
    ) -> Result<Reply, ChannelError> {
        self.number += 1;
        let mut frame = Outgoing::new(
            &Envelope {
                number: self.number,
                request,
            },
            descriptors,
        )?;
        while let Err(error) = send(self.socket.as_fd(), &mut frame) {
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(ChannelError::Socket(error));
            }
            self.wait(PollFlags::OUT, timeout_ms)?;
        }
        loop {
            match self.message(timeout_ms)? {
                Message::Reply { number, reply } if number == self.number => return Ok(reply),
                Message::Reply { .. } => {}
                Message::Event(event) => self.events.push_back(event),
            }
        }
    }

    /// The next event.
    ///
    /// # Errors
    /// When the shim is gone or silent for `timeout_ms`.
    pub fn event(&mut self, timeout_ms: u32) -> Result<Event, ChannelError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if let Message::Event(event) = self.message(timeout_ms)? {
                self.events.push_back(event);
            }
        }
    }

    fn message(&mut self, timeout_ms: u32) -> Result<Message, ChannelError> {
        loop {
            if let Some((message, _)) = self.decoder.decode()? {
                return Ok(message);
            }
            self.wait(PollFlags::IN, timeout_ms)?;
            if receive(self.socket.as_fd(), &mut self.decoder).map_err(ChannelError::Socket)? == 0 {
                return Err(ChannelError::Closed);
            }
        }
    }

    fn wait(&self, flags: PollFlags, timeout_ms: u32) -> Result<(), ChannelError> {
        let timeout = Timespec {
            tv_sec: (timeout_ms / 1000).into(),
            tv_nsec: (timeout_ms % 1000 * 1_000_000).into(),
        };
        let mut polled = [PollFd::new(&self.socket, flags)];
        match rustix::event::poll(&mut polled, Some(&timeout)) {
            Ok(0) => Err(ChannelError::Timeout),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(ChannelError::Socket(error.into())),
        }
    }
}
