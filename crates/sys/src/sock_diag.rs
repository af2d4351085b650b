//! Sockets that are bound and do nothing else: `/proc/net/tcp` does not show them, NETLINK_SOCK_DIAG does
//! since Linux 6.8. See sock_diag(7).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::netlink::message::{Messages, REQUEST};
use crate::netlink::{Protocol, Socket};

const BY_FAMILY: u16 = 20;
/// 1 << TCP_BOUND_INACTIVE, a state that only this interface has.
const BOUND_INACTIVE: u32 = 1 << 13;

/// A TCP socket that holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundSocket {
    /// The local address it is bound to.
    pub address: IpAddr,
    /// Its inode, as `/proc/<pid>/fd` shows it.
    pub inode: u64,
}

/// The TCP sockets of both families, in the calling thread's network namespace, that are bound to a port
/// and neither listen nor are connected; none before Linux 6.8.
///
/// # Errors
/// The kernel has no NETLINK_SOCK_DIAG.
pub fn bound_tcp(port: u16) -> io::Result<Vec<BoundSocket>> {
    let mut socket = Socket::open(Protocol::SocketDiagnosis)?;
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let answers = socket.dump(&request(family, port))?;
        found.extend(answers.iter().filter_map(|(_, body)| decode(body, port)));
    }
    Ok(found)
}

/// `struct inet_diag_req_v2`: family, protocol, extensions, padding, states, then the socket sought, of
/// which only the local port is told.
fn request(family: i32, port: u16) -> Messages {
    let mut body = [0; 56];
    body[0] = u8::try_from(family).expect("families are small");
    body[1] = u8::try_from(libc::IPPROTO_TCP).expect("protocols are small");
    body[4..8].copy_from_slice(&BOUND_INACTIVE.to_ne_bytes());
    body[8..10].copy_from_slice(&port.to_be_bytes());
    let mut messages = Messages::new();
    messages.begin(BY_FAMILY, REQUEST).put(&body);
    messages
}

/// `struct inet_diag_msg`.
fn decode(body: &[u8], port: u16) -> Option<BoundSocket> {
    let source: [u8; 16] = body.get(8..24)?.try_into().ok()?;
    let inode: [u8; 4] = body.get(68..72)?.try_into().ok()?;
    if body[4..6] != port.to_be_bytes() {
        return None;
    }
    let [a, b, c, d, ..] = source;
    let four = i32::from(body[0]) == libc::AF_INET;
    let address = if four {
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    } else {
        IpAddr::V6(Ipv6Addr::from(source))
    };
    Some(BoundSocket {
        address,
        inode: u32::from_ne_bytes(inode).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{Sharing, Transport, bound_address, reserve};

    #[test]
    fn a_reservation_is_seen() {
        let any = "127.0.0.1:0".parse().expect("an address");
        let socket = reserve(Transport::Tcp, any, Sharing::Nothing).expect("a port");
        let port = bound_address(&socket).expect("its address").port();
        match bound_tcp(port) {
            Ok(found) if found.is_empty() => println!("skip: this kernel does not tell"),
            Ok(found) => {
                assert_eq!(found[0].address, any.ip());
                let link = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&socket)));
                let expected = format!("socket:[{}]", found[0].inode);
                assert_eq!(link.expect("the descriptor").to_str(), Some(expected.as_str()));
            }
            Err(error) => println!("skip: {error}"),
        }
    }

    #[test]
    fn short_answers_are_none() {
        for length in 0..72 {
            assert_eq!(decode(&vec![0; length], 0), None, "{length}");
        }
        assert!(decode(&[0; 72], 0).is_some());
        assert!(decode(&[0; 72], 80).is_none());
    }
}
