//! News of nftables in a network namespace, whoever makes them: the multicast group of NETLINK_NETFILTER. Says only
//! which kinds of things came and went; who wants more looks.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::RecvFlags;

use crate::netlink::message;
use crate::netlink::{Protocol, socket};

/// NFNLGRP_NFTABLES
const GROUP: i32 = 7;
/// NFNL_SUBSYS_NFTABLES in the upper byte of a message's type, the verb in the lower one.
const NEW_TABLE: u16 = 0x0a00;
const DELETE_TABLE: u16 = 0x0a02;
const NEW_CHAIN: u16 = 0x0a03;

/// What one transaction of a change tells at most, in bytes.
const BUFFER_BYTES: usize = 16 * 1024;

/// What has happened, by anybody, oneself included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct News {
    /// A table was deleted.
    pub table_lost: bool,
    /// A table or a chain was made.
    pub chain_made: bool,
}

impl News {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            table_lost: self.table_lost || other.table_lost,
            chain_made: self.chain_made || other.chain_made,
        }
    }
}

/// Opens a socket that hears of changes in the calling thread's network namespace; readable when there are any.
///
/// # Errors
/// No descriptor is left, or the kernel has no netfilter.
pub fn open() -> io::Result<OwnedFd> {
    socket::listen(Protocol::Netfilter, GROUP)
}

/// Takes what has come at once. What was missed because too much came counts as everything.
///
/// # Errors
/// `WouldBlock` when nothing is there.
pub fn read(socket: BorrowedFd<'_>) -> io::Result<News> {
    let mut buffer = vec![0; BUFFER_BYTES];
    match rustix::net::recv(socket, &mut buffer[..], RecvFlags::DONTWAIT) {
        Ok((length, _)) => Ok(decode(&buffer[..length])),
        Err(rustix::io::Errno::NOBUFS) => Ok(News {
            table_lost: true,
            chain_made: true,
        }),
        Err(error) => Err(error.into()),
    }
}

fn decode(bytes: &[u8]) -> News {
    let news = message::messages(bytes).map(|received| News {
        table_lost: received.kind == DELETE_TABLE,
        chain_made: matches!(received.kind, NEW_TABLE | NEW_CHAIN),
    });
    news.fold(News::default(), News::and)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let message = |kind: u16| {
            let mut bytes = 16_u32.to_ne_bytes().to_vec();
            bytes.extend(kind.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes
        };
        let told = |kinds: &[u16]| decode(&kinds.iter().flat_map(|&kind| message(kind)).collect::<Vec<_>>());
        let news = |table_lost, chain_made| News { table_lost, chain_made };
        assert_eq!(told(&[]), news(false, false));
        assert_eq!(told(&[0x0a0c, 0x0a06]), news(false, false), "elements and rules");
        assert_eq!(told(&[0x0a08, DELETE_TABLE]), news(true, false));
        assert_eq!(told(&[DELETE_TABLE, NEW_TABLE, NEW_CHAIN]), news(true, true));
    }
}
