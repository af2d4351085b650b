//! One client's connection, joined to a process's streams.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use serde::{Deserialize, Serialize};

use super::poll::{Number, Poll, Token, Watch};
use crate::attach::{DetachKeys, header};
use crate::log::Stream;
use crate::protocol::Attach;

/// A client that takes nothing for this long after the process has ended loses the rest.
const DELIVERY_LIMIT: Duration = Duration::from_secs(10);

/// How much unread input is thrown away at the end, so that closing does not reset the connection.
const LEFTOVER_LIMIT_BYTES: usize = 1024 * 1024;

/// A connection and what is on its way to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Client {
    #[serde(with = "crate::carried::descriptor")]
    pub(super) socket: OwnedFd,
    #[serde(with = "crate::keeper::poll::watch")]
    pub(super) watch: Watch,
    /// Number of its process.
    pub(super) process: Number,
    pub(super) input: ClientInput,
    stdout: bool,
    stderr: bool,
    multiplexed: bool,
    pub(super) detach_keys: DetachKeys,
    pending: Vec<u8>,
    sent: usize,
    /// The process has ended or the client is leaving: close when everything is delivered, or at the time.
    #[serde(with = "crate::carried::deadline")]
    pub(super) give_up: Option<Instant>,
}

/// What becomes of what the client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ClientInput {
    /// It was not asked for; it is not even read.
    Unwanted,
    /// It goes to the process.
    Open,
    /// The client has closed its side.
    Ended,
}

impl Client {
    pub(super) fn new(socket: OwnedFd, process: Number, attach: &Attach) -> Self {
        let input = if attach.stdin {
            ClientInput::Open
        } else {
            ClientInput::Unwanted
        };
        Self {
            socket,
            watch: None,
            process,
            input,
            stdout: attach.stdout,
            stderr: attach.stderr,
            multiplexed: attach.multiplexed,
            detach_keys: DetachKeys::new(attach.detach_keys.clone()),
            pending: Vec::new(),
            sent: 0,
            give_up: None,
        }
    }

    /// Sends output, keeping what the socket does not take.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) fn deliver(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let wanted = match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        };
        if !wanted || self.give_up.is_some() {
            return Ok(());
        }
        let head = header(
            stream,
            u32::try_from(bytes.len()).expect("reads are at most a buffer long"),
        );
        let head = if self.multiplexed { &head[..] } else { &[] };
        let went = if self.is_behind() {
            0
        } else {
            self.try_send(&[IoSlice::new(head), IoSlice::new(bytes)])?
        };
        self.pending.extend_from_slice(&head[went.min(head.len())..]);
        self.pending
            .extend_from_slice(&bytes[went.saturating_sub(head.len())..]);
        Ok(())
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while self.is_behind() {
            let went = self.try_send(&[IoSlice::new(&self.pending[self.sent..])])?;
            if went == 0 {
                return Ok(());
            }
            self.sent += went;
            if self.give_up.is_some() {
                self.finish_by_limit();
            }
        }
        (self.pending, self.sent) = (Vec::new(), 0);
        Ok(())
    }

    /// Nothing more will come: what is on its way is delivered until the limit.
    pub(super) fn finish_by_limit(&mut self) {
        self.give_up = Some(Instant::now() + DELIVERY_LIMIT);
    }

    /// Something waits to be sent.
    pub(super) fn is_behind(&self) -> bool {
        self.waiting_bytes() > 0
    }

    /// How much the process has to wait for: nothing that was sent before the client began to leave.
    pub(super) fn backlog_bytes(&self) -> usize {
        if self.give_up.is_some() {
            0
        } else {
            self.waiting_bytes()
        }
    }

    /// How much waits to be sent.
    fn waiting_bytes(&self) -> usize {
        self.pending.len() - self.sent
    }

    /// Watches what can go on: input unless the process is full, output if some waits.
    pub(super) fn watch(&mut self, poll: &Poll, number: Number, input_full: bool) {
        let mut flags = EventFlags::empty();
        let reads = self.input == ClientInput::Open && self.give_up.is_none();
        flags.set(EventFlags::IN, reads && !input_full);
        flags.set(EventFlags::OUT, self.is_behind());
        // A hang-up is not looked at while the process still has to take what the client sent before.
        let wanted = if flags.is_empty() && reads { None } else { Some(flags) };
        poll.set(&mut self.watch, self.socket.as_fd(), Token::Client(number), wanted);
    }

    /// Ends the connection so that the client reads all that was sent.
    pub(super) fn close(mut self, poll: &Poll, number: Number) {
        poll.set(&mut self.watch, self.socket.as_fd(), Token::Client(number), None);
        if corten_sys::socket::finish_sending(&self.socket).is_err() {
            return;
        }
        let (mut scratch, mut total) = ([0; 4096], 0);
        while let Ok(count @ 1..) = corten_sys::socket::receive(self.socket.as_fd(), &mut scratch) {
            total += count;
            if total > LEFTOVER_LIMIT_BYTES {
                return;
            }
        }
    }

    fn try_send(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match corten_sys::socket::send_parts(self.socket.as_fd(), parts) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            result => result,
        }
    }
}
