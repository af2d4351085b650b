//! Host ports: reserved by binding a socket, which the kernel frees when its last holder dies.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;

use corten_sys::port::{Sharing, Transport, bound_address};
use serde::{Deserialize, Serialize};

use crate::holder::{self, Holder};

/// How often another ephemeral port is tried when the one the kernel chose for the first address is
/// taken on a further one.
const EPHEMERAL_ATTEMPTS: u32 = 64;

/// errno(3): the kernel lacks the address family.
const EAFNOSUPPORT: i32 = 97;

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The protocol's number in an IP header.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    fn transport(self) -> Transport {
        match self {
            Self::Tcp => Transport::Tcp,
            Self::Udp => Transport::Udp,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// Ports to reserve: one number on each of the addresses.
#[derive(Debug, Clone, Copy)]
pub struct ReserveRequest<'a> {
    /// Transport.
    pub protocol: Protocol,
    /// Host addresses. IPv6 ones are left out where the kernel has no IPv6, unless they are the only ones.
    pub addresses: &'a [IpAddr],
    /// The first number of the range that is free on all addresses; `None`: an ephemeral one.
    pub numbers: Option<&'a RangeInclusive<u16>>,
    /// Where the port will lead, for messages.
    pub container: SocketAddr,
}

/// A host port that is ours as long as the socket is open.
#[derive(Debug)]
pub struct Reserved {
    /// Address and port.
    pub host: SocketAddr,
    /// The socket, bound and not listening.
    pub socket: OwnedFd,
}

/// A host port cannot be reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The kernel refused, in all likelihood because somebody has it.
    #[error("failed to bind host port for {host}:{container}/{protocol}: {reason}{}", held(.holder.as_ref()))]
    Bind {
        /// Host address and port.
        host: SocketAddr,
        /// Container address and port.
        container: SocketAddr,
        /// Transport.
        protocol: Protocol,
        /// The kernel's words, in lower case.
        reason: String,
        /// Who has it, if that can be seen.
        holder: Option<Holder>,
    },
    /// Another container of ours has it.
    #[error("Bind for {host} failed: port is already allocated (by container {container})")]
    Allocated {
        /// Host address and port, as Docker writes them: without brackets.
        host: String,
        /// The container's short id.
        container: String,
    },
    /// Two ports of one container clash with each other.
    #[error("Bind for {host} failed: port is already allocated (this container publishes it twice)")]
    Twice {
        /// As in [`Self::Allocated`].
        host: String,
    },
}

fn held(holder: Option<&Holder>) -> String {
    holder.map(|holder| format!(", held by {holder}")).unwrap_or_default()
}

/// Reserves one port number on all addresses.
///
/// # Errors
/// None of the numbers is free; says who holds the last one tried.
pub fn reserve(request: &ReserveRequest<'_>) -> Result<Vec<Reserved>, ReserveError> {
    match request.numbers {
        Some(numbers) => first_free(request, numbers.clone()),
        None => first_free(request, std::iter::repeat_n(0, EPHEMERAL_ATTEMPTS as usize)),
    }
    .map_err(|(host, error)| refused(request, host, &error))
}

type Refusal = (SocketAddr, io::Error);

fn first_free(request: &ReserveRequest<'_>, numbers: impl Iterator<Item = u16>) -> Result<Vec<Reserved>, Refusal> {
    let mut last = None;
    for number in numbers {
        match reserve_number(request, number) {
            Err((host, error)) if error.kind() == io::ErrorKind::AddrInUse => last = Some((host, error)),
            result => return result,
        }
    }
    let nothing = || {
        (
            SocketAddr::from(([0, 0, 0, 0], 0)),
            io::Error::from(io::ErrorKind::InvalidInput),
        )
    };
    Err(last.unwrap_or_else(nothing))
}

fn reserve_number(request: &ReserveRequest<'_>, mut number: u16) -> Result<Vec<Reserved>, Refusal> {
    let mut reserved = Vec::with_capacity(request.addresses.len());
    for &address in request.addresses {
        let host = SocketAddr::new(address, number);
        let socket = match bind(request.protocol, host) {
            Err(error) if error.raw_os_error() == Some(EAFNOSUPPORT) && !reserved.is_empty() => continue,
            result => result.map_err(|error| (host, error))?,
        };
        let host = bound_address(&socket).map_err(|error| (host, error))?;
        number = host.port();
        reserved.push(Reserved { host, socket });
    }
    Ok(reserved)
}

/// Binds; where only connections that linger after their end are in the way, over them.
fn bind(protocol: Protocol, host: SocketAddr) -> io::Result<OwnedFd> {
    let transport = protocol.transport();
    match corten_sys::port::reserve(transport, host, Sharing::Nothing) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && protocol == Protocol::Tcp => {
            corten_sys::port::reserve(transport, host, Sharing::Lingering)
        }
        result => result,
    }
}

fn refused(request: &ReserveRequest<'_>, host: SocketAddr, error: &io::Error) -> ReserveError {
    let (protocol, container) = (request.protocol, request.container);
    let taken = error.kind() == io::ErrorKind::AddrInUse;
    let holder = if taken { holder::find(protocol, host) } else { None };
    ReserveError::Bind {
        host,
        container,
        protocol,
        reason: reason(error),
        holder,
    }
}

/// The reason in Go's words: the system's in lower case.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const BOTH: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];

    fn request<'a>(addresses: &'a [IpAddr], numbers: Option<&'a RangeInclusive<u16>>) -> ReserveRequest<'a> {
        let container = SocketAddr::from(([172, 17, 0, 3], 80));
        ReserveRequest {
            protocol: Protocol::Tcp,
            addresses,
            numbers,
            container,
        }
    }

    #[test]
    fn an_ephemeral_port_is_the_same_on_all_addresses() {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let reserved = reserve(&ReserveRequest {
                protocol,
                ..request(&BOTH, None)
            })
            .expect("a port");
            assert_eq!(reserved.len(), 2);
            assert_eq!(reserved[0].host.port(), reserved[1].host.port());
            assert_ne!(reserved[0].host.port(), 0);
        }
    }

    #[test]
    fn a_taken_port_is_refused_with_its_holder() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let error = reserve(&request(&BOTH, Some(&(port..=port))))
            .expect_err("it is taken")
            .to_string();
        let expected =
            format!("failed to bind host port for 0.0.0.0:{port}:172.17.0.3:80/tcp: address already in use, held by ");
        assert!(
            error.starts_with(&expected) && error.ends_with(&format!("(pid {})", std::process::id())),
            "{error}"
        );
    }

    #[test]
    fn a_reservation_is_a_conflict_for_others() {
        let first = reserve(&request(&BOTH, None)).expect("a port");
        let port = first[0].host.port();
        assert!(reserve(&request(&BOTH, Some(&(port..=port)))).is_err());
        assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_err());
        drop(first);
        reserve(&request(&BOTH, Some(&(port..=port)))).expect("free again");
    }

    #[test]
    fn a_range_gives_its_first_free_number() {
        let first = reserve(&request(&BOTH, None)).expect("a port");
        let port = first[0].host.port();
        let range = port..=port.saturating_add(20);
        let second = reserve(&request(&BOTH, Some(&range))).expect("another of the range");
        assert!(second[0].host.port() > port);
    }

    #[test]
    fn an_address_that_is_not_the_hosts() {
        let foreign = [IpAddr::from([203, 0, 113, 9])];
        let error = reserve(&request(&foreign, Some(&(80..=80))))
            .expect_err("not ours")
            .to_string();
        let expected = "failed to bind host port for 203.0.113.9:80:172.17.0.3:80/tcp: cannot assign requested address";
        assert_eq!(error, expected);
    }
}
