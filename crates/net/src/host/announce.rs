//! Telling a network that an address has another hardware address than it had: neighbours that remember the former
//! one would talk to nobody until they ask again, half a minute later.
//!
//! Generated hardware addresses follow from the address, so nothing is to be told of them, but where the
//! address's last owner had a given one (`--mac-address`). Wire: a gratuitous ARP request (RFC 5227) and an
//! unsolicited neighbour advertisement (RFC 4861 7.2.6), sent by the host over the bridge to all its ports.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Mutex, PoisonError};

use corten_sys::packet;

use crate::MacAddress;

/// Which addresses have had given hardware addresses, and the socket to tell of them.
#[derive(Debug, Default)]
pub(crate) struct Announcer {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Addresses of this network that neighbours may know by a given hardware address, with their bridges.
    strange: BTreeSet<(String, IpAddr)>,
    /// Opened when it is first needed.
    socket: Option<OwnedFd>,
}

impl Announcer {
    /// Whether neighbours may remember another hardware address for one of these.
    pub(crate) fn is_strange(&self, bridge: &str, addresses: &[IpAddr]) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |&address: &IpAddr| state.strange.contains(&(bridge.to_owned(), address));
        !state.strange.is_empty() && addresses.iter().any(known)
    }

    /// A container is on: tells its neighbours if they may remember another owner of its addresses.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn came(&self, (bridge, index): (&str, u32), owner: &Owner<'_>) -> io::Result<()> {
        let strange = self.is_strange(bridge, owner.addresses);
        if !strange && !owner.given {
            return Ok(());
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for &address in owner.addresses {
            let entry = (bridge.to_owned(), address);
            if owner.given {
                state.strange.insert(entry);
            } else {
                state.strange.remove(&entry);
            }
        }
        let socket = match state.socket.take() {
            Some(socket) => socket,
            None => packet::open()?,
        };
        let socket = state.socket.insert(socket);
        owner
            .addresses
            .iter()
            .try_for_each(|&address| packet::send(socket.as_fd(), index, &frame(owner.mac, address)))
    }
}

/// Who is on.
#[derive(Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) addresses: &'a [IpAddr],
    pub(crate) mac: MacAddress,
    /// The hardware address was asked for.
    pub(crate) given: bool,
}

/// What tells a network who has an address.
fn frame(mac: MacAddress, address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => request(mac, four),
        IpAddr::V6(six) => advertisement(mac, six),
    }
}

/// Who has it asks who has it.
fn request(MacAddress(mac): MacAddress, address: Ipv4Addr) -> Vec<u8> {
    const ARP_REQUEST: [u8; 10] = [8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
    let address = address.octets();
    [&[0xff; 6][..], &mac, &ARP_REQUEST, &mac, &address, &[0; 6], &address].concat()
}

fn advertisement(MacAddress(mac): MacAddress, address: Ipv6Addr) -> Vec<u8> {
    const ALL: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    const ICMPV6: u8 = 58;
    const OVERRIDE: u8 = 0x20;
    const TARGET_LINK: [u8; 2] = [2, 1];
    let (own, all) = (address.octets(), ALL.octets());
    let body = |[high, low]: [u8; 2]| [&[136, 0, high, low, OVERRIDE, 0, 0, 0][..], &own, &TARGET_LINK, &mac].concat();
    let length = [0, 32];
    let covered = [&own[..], &all, &length, &[0, ICMPV6], &body([0, 0])].concat();
    [
        &[0x33, 0x33, 0, 0, 0, 1][..],
        &mac,
        &[0x86, 0xdd, 0x60, 0, 0, 0],
        &length,
        &[ICMPV6, 255],
        &own,
        &all,
        &body(checksum(&covered).to_be_bytes()),
    ]
    .concat()
}

/// RFC 1071, over an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.as_chunks::<2>().0.iter();
    let mut sum: u32 = words.map(|&word| u32::from(u16::from_be_bytes(word))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let folded = u16::try_from(sum).expect("folded to 16 bits");
    !folded
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 7]);

    #[test]
    fn frames_are_of_the_right_length_and_sum() {
        assert_eq!(frame(MAC, IpAddr::from([10, 0, 0, 7])).len(), 42);
        let six = frame(MAC, "fd00::7".parse().expect("an address"));
        assert_eq!(six.len(), 14 + 40 + 32);
        let covered = [&six[22..54], &[0, 32, 0, 58], &six[54..]].concat();
        assert_eq!(checksum(&covered), 0, "a sum over its own checksum is zero");
    }
}
