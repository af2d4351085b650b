//! Neighbours: which hardware address an IP address has on a link.

use std::net::IpAddr;

use super::message::{CREATE, Messages, REPLACE, REQUEST};
use super::{Error, Route};

/// Confirmed just now; the kernel asks again when it grows old.
const REACHABLE: u16 = 0x02;

/// NUD_NOARP: it stays.
const STATIC: u16 = 0x40;
/// NTF_MASTER: of the bridge that the link is a port of.
const OF_MASTER: u8 = 0x04;
/// NTF_STICKY: it does not move to another port (Linux 4.20).
const STICKY: u8 = 0x40;

impl Route {
    /// Tells the host an address's hardware address, in place of what an earlier owner of the address had.
    ///
    /// # Errors
    /// `ENODEV` if the link is gone.
    pub fn set_neighbour(&mut self, link: u32, address: IpAddr, mac: [u8; 6]) -> Result<(), Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWNEIGH, REQUEST | CREATE | REPLACE)
            .put(&header(link, address, REACHABLE));
        messages
            .address(libc::NDA_DST, address)
            .attribute(libc::NDA_LLADDR, &mac);
        self.socket.execute(messages)
    }

    /// Has a bridge send frames for a hardware address to this port, whoever else uses the address as a source:
    /// no other port can draw them to itself. In place of what an earlier port had.
    ///
    /// # Errors
    /// `ENODEV` if the link is gone, `EINVAL` if it is no bridge's port.
    pub fn pin_forwarding(&mut self, port: u32, mac: [u8; 6]) -> Result<(), Error> {
        let mut header = [0; 12];
        header[0] = u8::try_from(libc::AF_BRIDGE).expect("families are small");
        header[4..8].copy_from_slice(&port.to_ne_bytes());
        header[8..10].copy_from_slice(&STATIC.to_ne_bytes());
        header[10] = OF_MASTER | STICKY;
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWNEIGH, REQUEST | CREATE | REPLACE)
            .put(&header)
            .attribute(libc::NDA_LLADDR, &mac);
        self.socket.execute(messages)
    }

    /// Forgets an address. Returns whether it was known.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn delete_neighbour(&mut self, link: u32, address: IpAddr) -> Result<bool, Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_DELNEIGH, REQUEST)
            .put(&header(link, address, 0))
            .address(libc::NDA_DST, address);
        match self.socket.execute(messages) {
            Ok(()) => Ok(true),
            Err(error) if error.is(libc::ENOENT) || error.is(libc::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// `struct ndmsg`.
fn header(link: u32, address: IpAddr, state: u16) -> [u8; 12] {
    let family = if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    let mut bytes = [0; 12];
    bytes[0] = u8::try_from(family).expect("families are small");
    bytes[4..8].copy_from_slice(&link.to_ne_bytes());
    bytes[8..10].copy_from_slice(&state.to_ne_bytes());
    bytes
}
