//! Spliced connections: two halves, one per direction, each ends on its own.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{SocketFlags, SocketType, sockopt};
use serde::{Deserialize, Serialize};

use super::super::poll::{Number, Poll, Token, Watch};
use super::Ports;
use super::pipe::{Pipe, SparePipes};

/// How often one readiness fills the pipe, so that others get their turn.
const ROUNDS: usize = 8;

/// A client outside and its connection inside.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Connection {
    outside: Side,
    inside: Side,
    /// The connection inside is not made yet.
    connecting: bool,
    inwards: Half,
    outwards: Half,
}

#[derive(Debug, Serialize, Deserialize)]
struct Side {
    #[serde(with = "crate::carried::descriptor")]
    socket: OwnedFd,
    #[serde(with = "crate::keeper::poll::watch")]
    watch: Watch,
}

/// One direction.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Half {
    /// Only while bytes are stuck in it.
    pipe: Option<Pipe>,
    /// The sender has finished.
    ended: bool,
    /// The receiver has been told.
    told: bool,
}

impl Ports {
    /// Begins to connect a client to the target. A target that refuses ends the client's connection.
    pub(super) fn connect(&mut self, poll: &Poll, number: Number, outside: OwnedFd, target: SocketAddr) {
        if let Ok(connection) = Connection::new(outside, target) {
            self.connections.insert(number, connection);
            self.move_on(poll, number);
        }
    }

    /// Moves what can be moved.
    pub(super) fn move_on(&mut self, poll: &Poll, number: Number) {
        let Some(connection) = self.connections.get_mut(&number) else {
            return;
        };
        let goes_on = connection.step(&mut self.pipes).unwrap_or(false);
        if goes_on {
            connection.watch(poll, number);
            return;
        }
        if let Some(mut connection) = self.connections.remove(&number) {
            connection.forget(poll, number);
        }
        // There is room for one more.
        self.watch_all(poll);
    }
}

impl Connection {
    fn new(outside: OwnedFd, target: SocketAddr) -> io::Result<Self> {
        let family = match target {
            SocketAddr::V4(_) => rustix::net::AddressFamily::INET,
            SocketAddr::V6(_) => rustix::net::AddressFamily::INET6,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let inside = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        for socket in [&outside, &inside] {
            sockopt::set_tcp_nodelay(socket, true)?;
            sockopt::set_socket_keepalive(socket, true)?;
        }
        let connecting = match rustix::net::connect(&inside, &target) {
            Ok(()) => false,
            Err(Errno::INPROGRESS) => true,
            Err(error) => return Err(error.into()),
        };
        let side = |socket| Side { socket, watch: None };
        let (inwards, outwards) = (Half::default(), Half::default());
        Ok(Self {
            outside: side(outside),
            inside: side(inside),
            connecting,
            inwards,
            outwards,
        })
    }

    /// Says whether the connection goes on.
    fn step(&mut self, pipes: &mut SparePipes) -> io::Result<bool> {
        if self.connecting {
            sockopt::socket_error(&self.inside.socket)??;
            if rustix::net::getpeername(&self.inside.socket).is_err() {
                return Ok(true);
            }
            self.connecting = false;
        }
        self.inwards.step(&self.outside.socket, &self.inside.socket, pipes)?;
        self.outwards.step(&self.inside.socket, &self.outside.socket, pipes)?;
        Ok(!(self.inwards.told && self.outwards.told))
    }

    fn watch(&mut self, poll: &Poll, number: Number) {
        let (mut outside, mut inside) = (EventFlags::empty(), EventFlags::empty());
        if self.connecting {
            inside.insert(EventFlags::OUT);
        } else {
            outside.set(EventFlags::IN, self.inwards.can_read());
            inside.set(EventFlags::OUT, self.inwards.is_stuck());
            inside.set(EventFlags::IN, self.outwards.can_read());
            outside.set(EventFlags::OUT, self.outwards.is_stuck());
        }
        // A side that is waited for in nothing would report its hang-up for ever.
        let wanted = |flags: EventFlags| (!flags.is_empty()).then_some(flags);
        poll.set(
            &mut self.outside.watch,
            self.outside.socket.as_fd(),
            Token::Outside(number),
            wanted(outside),
        );
        poll.set(
            &mut self.inside.watch,
            self.inside.socket.as_fd(),
            Token::Inside(number),
            wanted(inside),
        );
    }

    fn forget(&mut self, poll: &Poll, number: Number) {
        poll.set(
            &mut self.outside.watch,
            self.outside.socket.as_fd(),
            Token::Outside(number),
            None,
        );
        poll.set(
            &mut self.inside.watch,
            self.inside.socket.as_fd(),
            Token::Inside(number),
            None,
        );
    }
}

impl Half {
    fn is_stuck(&self) -> bool {
        self.pipe.is_some()
    }

    fn can_read(&self) -> bool {
        !self.ended && !self.is_stuck()
    }

    fn step(&mut self, from: &OwnedFd, to: &OwnedFd, pipes: &mut SparePipes) -> io::Result<()> {
        if self.told {
            return Ok(());
        }
        let mut pipe = match self.pipe.take() {
            Some(pipe) => pipe,
            None => pipes.take()?,
        };
        let result = self.pass(&mut pipe, from, to);
        if pipe.is_empty() {
            pipes.put(pipe);
        } else {
            self.pipe = Some(pipe);
        }
        result
    }

    fn pass(&mut self, pipe: &mut Pipe, from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
        for _ in 0..ROUNDS {
            if self.hand_over(pipe, to)? == Handed::All && !self.ended {
                match blocks(pipe.fill(from))? {
                    None => return Ok(()),
                    Some(0) => self.ended = true,
                    Some(_) => {}
                }
            } else {
                return Ok(());
            }
        }
        self.hand_over(pipe, to).map(drop)
    }

    /// Empties the pipe and, if nothing more comes, tells the receiver: no event would remind of that.
    fn hand_over(&mut self, pipe: &mut Pipe, to: &OwnedFd) -> io::Result<Handed> {
        if blocks(pipe.empty(to))?.is_none() {
            return Ok(Handed::Stuck);
        }
        if self.ended {
            self.told = true;
            corten_sys::socket::finish_sending(to)?;
        }
        Ok(Handed::All)
    }
}

/// Whether the receiver took everything.
#[derive(Debug, PartialEq, Eq)]
enum Handed {
    All,
    Stuck,
}

/// `None` when the call would have blocked.
fn blocks<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}
