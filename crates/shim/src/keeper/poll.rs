//! Readiness of descriptors: epoll(7), level-triggered, with tokens that are never used twice.
//!
//! Registrations outlive an upgrade of the program, so the numbers of the kinds of tokens never change.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use serde::{Deserialize, Serialize};

use crate::log::Stream;

/// How many events one wait returns at most.
const EVENTS: usize = 32;

/// Names a daemon, process, client or connection. Never used twice.
pub(super) type Number = u64;

/// How many bits of a token are the number: more than will ever be counted.
const NUMBER_BITS: u32 = 56;

const NUMBER_MASK: u64 = (1 << NUMBER_BITS) - 1;

/// What became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A child has ended.
    Children,
    /// A daemon connects.
    Listener,
    /// A daemon's connection, by number.
    Daemon(Number),
    /// A process's output.
    Output(Number, Stream),
    /// A process's standard input, which was full.
    Input(Number),
    /// A client's connection.
    Client(Number),
    /// A reserved port that is spliced.
    Port(Number),
    /// The host's side of a spliced connection or flow.
    Outside(Number),
    /// The container's side of it.
    Inside(Number),
    /// Questions for names over UDP.
    NameDatagrams,
    /// A client of the name server connects.
    NameListener,
    /// A client of the name server.
    NameClient(Number),
    /// A name server outside.
    NameServer(Number),
    /// The container's memory has run out.
    Memory,
}

impl Token {
    fn pack(self) -> u64 {
        let (kind, number) = match self {
            Self::Children => (0, 0),
            Self::Listener => (1, 0),
            Self::Daemon(number) => (2, number),
            Self::Output(number, Stream::Stdout) => (3, number),
            Self::Output(number, Stream::Stderr) => (4, number),
            Self::Input(number) => (5, number),
            Self::Client(number) => (6, number),
            Self::Port(number) => (7, number),
            Self::Outside(number) => (8, number),
            Self::Inside(number) => (9, number),
            Self::NameDatagrams => (10, 0),
            Self::NameListener => (11, 0),
            Self::NameClient(number) => (12, number),
            Self::NameServer(number) => (13, number),
            Self::Memory => (14, 0),
        };
        kind << NUMBER_BITS | (number & NUMBER_MASK)
    }

    fn unpack(packed: u64) -> Self {
        let number = packed & NUMBER_MASK;
        match packed >> NUMBER_BITS {
            0 => Self::Children,
            1 => Self::Listener,
            2 => Self::Daemon(number),
            3 => Self::Output(number, Stream::Stdout),
            4 => Self::Output(number, Stream::Stderr),
            5 => Self::Input(number),
            6 => Self::Client(number),
            7 => Self::Port(number),
            8 => Self::Outside(number),
            9 => Self::Inside(number),
            10 => Self::NameDatagrams,
            11 => Self::NameListener,
            12 => Self::NameClient(number),
            14 => Self::Memory,
            _ => Self::NameServer(number),
        }
    }
}

/// How a descriptor is registered at the moment; `None`: not at all.
pub(super) type Watch = Option<EventFlags>;

/// A [`Watch`] as a number; for `#[serde(with = "...")]`.
pub(super) mod watch {
    use rustix::event::epoll::EventFlags;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Watch;

    pub(in super::super) fn serialize<S: Serializer>(watch: &Watch, to: S) -> Result<S::Ok, S::Error> {
        watch.map(|flags| flags.bits()).serialize(to)
    }

    pub(in super::super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Watch, D::Error> {
        Ok(Option::deserialize(from)?.map(EventFlags::from_bits_retain))
    }
}

/// The epoll instance.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Poll {
    #[serde(with = "crate::carried::descriptor")]
    epoll: OwnedFd,
}

impl Poll {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
        })
    }

    /// Registers, changes or removes a descriptor. Errors and hang-ups are always reported for a registered one.
    /// It must be removed before it is closed: another process may hold the same open file.
    pub(super) fn set(&self, watch: &mut Watch, descriptor: BorrowedFd<'_>, token: Token, wanted: Watch) {
        if *watch == wanted {
            return;
        }
        let data = EventData::new_u64(token.pack());
        let result = match (*watch, wanted) {
            (None, Some(flags)) => epoll::add(&self.epoll, descriptor, data, flags),
            (Some(_), Some(flags)) => epoll::modify(&self.epoll, descriptor, data, flags),
            (_, None) => epoll::delete(&self.epoll, descriptor),
        };
        match result {
            Ok(()) => *watch = wanted,
            // Out of kernel memory, or a descriptor that cannot be polled: it stays as it was.
            Err(error) => note!("cannot watch {token:?}: {error}"),
        }
    }

    /// Waits for events; `None`: without limit.
    pub(super) fn wait(&self, limit: Option<Duration>) -> Vec<(Token, EventFlags)> {
        let mut events = [Event {
            flags: EventFlags::empty(),
            data: EventData::new_u64(0),
        }; EVENTS];
        // Rounded up, so that what was waited for is due afterwards.
        let limit = limit
            .map(|limit| limit + Duration::from_millis(1))
            .and_then(|limit| Timespec::try_from(limit).ok());
        let count = epoll::wait(self.epoll.as_fd(), &mut events[..], limit.as_ref()).unwrap_or(0);
        events[..count]
            .iter()
            .map(|event| (Token::unpack(event.data.u64()), event.flags))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_kernel() {
        for token in [
            Token::Children,
            Token::Listener,
            Token::Daemon(NUMBER_MASK),
            Token::Output(1, Stream::Stdout),
            Token::Output(2, Stream::Stderr),
            Token::Input(3),
            Token::Client(4),
            Token::Port(5),
            Token::Outside(6),
            Token::Inside(7),
            Token::NameDatagrams,
            Token::NameListener,
            Token::NameClient(8),
            Token::NameServer(9),
            Token::Memory,
        ] {
            assert_eq!(Token::unpack(token.pack()), token);
        }
    }
}
