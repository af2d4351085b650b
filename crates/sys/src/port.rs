//! Host ports: sockets that are bound and nothing else.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, ipproto, socket_with, sockopt};

/// A transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What else may be bound to a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nothing, not even connections that linger after their end.
    Nothing,
    /// Connections that linger after their end (SO_REUSEADDR).
    Lingering,
}

/// Binds a socket; port zero: one that the kernel chooses. IPv6 sockets take IPv6 only. See ip(7), ipv6(7).
///
/// # Errors
/// `EADDRINUSE`, `EADDRNOTAVAIL`, `EAFNOSUPPORT`, `EACCES` for ports below 1024 without the privilege.
pub fn reserve(transport: Transport, address: SocketAddr, sharing: Sharing) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let (kind, protocol) = match transport {
        Transport::Tcp => (SocketType::STREAM, ipproto::TCP),
        Transport::Udp => (SocketType::DGRAM, ipproto::UDP),
    };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, Some(protocol))?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    if sharing == Sharing::Lingering {
        sockopt::set_socket_reuseaddr(&socket, true)?;
    }
    bind(&socket, &address)?;
    if sharing == Sharing::Lingering {
        // A socket that does not listen would share its port with any other that asks for sharing.
        sockopt::set_socket_reuseaddr(&socket, false)?;
    }
    Ok(socket)
}

/// The address that a socket is bound to.
///
/// # Errors
/// The descriptor is no socket of IPv4 or IPv6.
pub fn bound_address(socket: &OwnedFd) -> io::Result<SocketAddr> {
    SocketAddr::try_from(getsockname(socket)?).map_err(io::Error::from)
}
