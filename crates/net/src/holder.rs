//! Who holds a host port: looked for only when it cannot be reserved, to say so in the error.

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use corten_sys::sock_diag;

use crate::port::Protocol;

/// A process that holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its pid.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

/// The process that holds what keeps this address and port from being bound, if it can be seen. A TCP
/// socket that is bound but does not listen cannot before Linux 6.8.
#[must_use]
pub fn find(protocol: Protocol, wanted: SocketAddr) -> Option<Holder> {
    let inode = ["", "6"].iter().find_map(|suffix| {
        let table = fs::read_to_string(format!("/proc/thread-self/net/{protocol}{suffix}")).ok()?;
        table
            .lines()
            .skip(1)
            .find_map(|line| conflicting_inode(protocol, wanted, line))
    });
    let inode = inode.or_else(|| match protocol {
        Protocol::Tcp => only_bound(wanted),
        Protocol::Udp => None,
    })?;
    holder_of(inode)
}

/// The inode of a TCP socket that does nothing but keep the port, as other containers' shims do.
fn only_bound(wanted: SocketAddr) -> Option<u64> {
    let sockets = sock_diag::bound_tcp(wanted.port()).ok()?;
    let conflicts =
        |address: IpAddr| address == wanted.ip() || address.is_unspecified() || wanted.ip().is_unspecified();
    sockets
        .iter()
        .find(|socket| conflicts(socket.address))
        .map(|socket| socket.inode)
}

/// The inode of a line of `/proc/net/{tcp,udp}{,6}`, if its socket conflicts. See proc_net(5).
fn conflicting_inode(protocol: Protocol, wanted: SocketAddr, line: &str) -> Option<u64> {
    const LISTENING: &str = "0A";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (address, port) = fields.get(1)?.split_once(':')?;
    if u16::from_str_radix(port, 16).ok()? != wanted.port() {
        return None;
    }
    if protocol == Protocol::Tcp && *fields.get(3)? != LISTENING {
        return None;
    }
    let any = address.bytes().all(|digit| digit == b'0');
    if !any && !wanted.ip().is_unspecified() && address != kernel_text(wanted) {
        return None;
    }
    fields.get(9)?.parse().ok().filter(|&inode| inode != 0)
}

/// An address as these files write it: words of the machine's byte order in hexadecimal.
fn kernel_text(address: SocketAddr) -> String {
    let octets = match address {
        SocketAddr::V4(four) => four.ip().octets().to_vec(),
        SocketAddr::V6(six) => six.ip().octets().to_vec(),
    };
    octets
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| format!("{:08X}", u32::from_ne_bytes(*word)))
        .collect()
}

fn holder_of(inode: u64) -> Option<Holder> {
    let target = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.into_iter().find(|pid| has_descriptor(*pid, &target))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned();
    Some(Holder { pid, name })
}

fn has_descriptor(pid: u32, target: &str) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    descriptors
        .flatten()
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == Path::new(target)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0";

    fn inode(protocol: Protocol, wanted: &str, line: &str) -> Option<u64> {
        conflicting_inode(protocol, wanted.parse().expect("an address"), line)
    }

    #[test]
    fn lines_that_conflict() {
        assert_eq!(inode(Protocol::Tcp, "127.0.0.1:8080", LINE), Some(4711));
        assert_eq!(inode(Protocol::Tcp, "0.0.0.0:8080", LINE), Some(4711));
        assert_eq!(inode(Protocol::Tcp, "127.0.0.2:8080", LINE), None);
        assert_eq!(inode(Protocol::Tcp, "127.0.0.1:8081", LINE), None);
        assert_eq!(
            inode(Protocol::Tcp, "127.0.0.1:8080", &LINE.replace(" 0A ", " 01 ")),
            None
        );
        assert_eq!(
            inode(Protocol::Udp, "127.0.0.1:8080", &LINE.replace(" 0A ", " 07 ")),
            Some(4711)
        );
        assert_eq!(
            inode(Protocol::Tcp, "9.9.9.9:8080", &LINE.replace("0100007F", "00000000")),
            Some(4711)
        );
        for garbage in ["", "x", "0: 1F90 x", "0: 0100007F:1F90 00000000:0000 0A"] {
            assert_eq!(inode(Protocol::Tcp, "127.0.0.1:8080", garbage), None);
        }
    }

    #[test]
    fn this_process_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let holder = find(Protocol::Tcp, listener.local_addr().expect("its address")).expect("found");
        assert_eq!(holder.pid, std::process::id());
        let socket = std::net::UdpSocket::bind("[::1]:0").expect("a port");
        drop(listener);
        let holder = find(Protocol::Udp, socket.local_addr().expect("its address")).expect("found");
        assert_eq!(holder.pid, std::process::id());
    }

    #[test]
    fn a_socket_that_is_only_bound_is_found() {
        use corten_sys::port::{Sharing, Transport, bound_address, reserve};
        let any = "127.0.0.1:0".parse().expect("an address");
        let socket = reserve(Transport::Tcp, any, Sharing::Nothing).expect("a port");
        let wanted = bound_address(&socket).expect("its address");
        match find(Protocol::Tcp, wanted) {
            Some(holder) => assert_eq!(holder.pid, std::process::id()),
            None => println!("skip: this kernel does not tell"),
        }
    }
}
