//! Addresses of links.

use std::net::{IpAddr, Ipv4Addr};

use super::message::{self, CREATE, Messages, REPLACE, REQUEST};
use super::{Error, Route};

/// No duplicate address detection: the address is usable at once.
const NO_DETECTION: u8 = 0x02;

/// An address of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// Number of the link.
    pub link: u32,
    /// The address.
    pub address: IpAddr,
    /// Length of the subnet's prefix in bits.
    pub prefix: u8,
}

impl Route {
    /// Gives a link an address; that it has it already is fine.
    ///
    /// # Errors
    /// `ENODEV` if the link is gone.
    pub fn add_address(&mut self, address: Address) -> Result<(), Error> {
        let mut messages = Messages::new();
        push(&mut messages, address);
        self.socket.execute(messages)
    }

    /// Takes an address from a link. Returns whether it had it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn delete_address(&mut self, address: Address) -> Result<bool, Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_DELADDR, REQUEST)
            .put(&header(address))
            .address(libc::IFA_LOCAL, address.address);
        match self.socket.execute(messages) {
            Ok(()) => Ok(true),
            Err(error) if error.is(libc::EADDRNOTAVAIL) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All addresses of the namespace.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn addresses(&mut self) -> Result<Vec<Address>, Error> {
        let mut request = Messages::new();
        request.begin(libc::RTM_GETADDR, REQUEST).put(&[0; 8]);
        Ok(self
            .socket
            .dump(&request)?
            .iter()
            .filter_map(|(_, body)| decode(body))
            .collect())
    }
}

/// Appends the message that gives a link an address.
pub(super) fn push(messages: &mut Messages, address: Address) {
    messages
        .begin(libc::RTM_NEWADDR, REQUEST | CREATE | REPLACE)
        .put(&header(address));
    messages
        .address(libc::IFA_LOCAL, address.address)
        .address(libc::IFA_ADDRESS, address.address);
    if let IpAddr::V4(four) = address.address
        && address.prefix < 31
    {
        let broadcast = Ipv4Addr::from_bits(four.to_bits() | u32::MAX >> address.prefix);
        messages.attribute(libc::IFA_BROADCAST, &broadcast.octets());
    }
}

/// `struct ifaddrmsg`.
fn header(address: Address) -> [u8; 8] {
    let (family, flags) = if address.address.is_ipv4() {
        (libc::AF_INET, 0)
    } else {
        (libc::AF_INET6, NO_DETECTION)
    };
    let mut bytes = [
        u8::try_from(family).expect("families are small"),
        address.prefix,
        flags,
        0,
        0,
        0,
        0,
        0,
    ];
    bytes[4..].copy_from_slice(&address.link.to_ne_bytes());
    bytes
}

fn decode(body: &[u8]) -> Option<Address> {
    let attributes = body.get(8..)?;
    let value = message::find(attributes, libc::IFA_LOCAL).or_else(|| message::find(attributes, libc::IFA_ADDRESS))?;
    Some(Address {
        link: message::number(&body[4..]),
        address: message::address(value)?,
        prefix: body[1],
    })
}
