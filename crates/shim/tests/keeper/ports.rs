//! Ports that the shim serves itself.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;

use crate::fixture::*;
use corten_shim::protocol::*;
use rustix::net::{AddressFamily, SocketType};

#[test]
fn an_ipv6_client_reaches_an_ipv4_server() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("exec nc -ll -p 8080 -e cat", streams());
    kept.create();
    let (socket, address) = reserve();
    let port = PortSocket {
        protocol: Protocol::Tcp,
        splice_to: Some((IpAddr::V4(Ipv4Addr::LOCALHOST), 8080)),
    };
    let setup = NetworkSetup {
        ports: vec![port],
        ..NetworkSetup::default()
    };
    let reply = kept.ask_with(Request::Network(setup), vec![socket]);
    assert!(matches!(reply, Reply::Done), "{reply:?}");
    kept.start();
    // Until the server listens, connections end without an answer.
    wait_for("an answer", || {
        let mut client = TcpStream::connect(address).unwrap();
        let mut answer = String::new();
        let asked = client
            .write_all(b"question")
            .and_then(|()| client.shutdown(Shutdown::Write));
        asked.is_ok() && client.read_to_string(&mut answer).is_ok() && answer == "question"
    });
    kept.signal(Target::Container, 9);
    kept.exited();
    assert!(
        TcpStream::connect(address).is_err(),
        "the port is free when the exit is told"
    );
    kept.released();
}

/// A bound socket that does not listen, as a daemon reserves a port.
pub(crate) fn reserve() -> (OwnedFd, SocketAddr) {
    let socket = rustix::net::socket(AddressFamily::INET6, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0)).unwrap();
    let address = rustix::net::getsockname(&socket).unwrap();
    (socket, SocketAddr::try_from(address).unwrap())
}
