//! A bridge and a table belong to one daemon: two that share them by mistake would remove each other's
//! links and ports as left over.
//!
//! Kernel: two unix datagram sockets, bound to the abstract names `corten/bridge/<bridge>` and
//! `corten/table/<table>`, which exist once in a network namespace and vanish with the daemon.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::thread;
use std::time::Duration;

/// How often, and how far apart, a claim is tried: a daemon that was killed a moment ago may still have it.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

/// Held as long as the network is.
#[derive(Debug)]
pub(super) struct Claim {
    _bridge: UnixDatagram,
    _table: UnixDatagram,
}

/// Another daemon has the bridge or the table.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name} belongs to another daemon that runs: give this one a bridge of its own (--bridge): {source}")]
pub struct ClaimError {
    /// `bridge` or `nftables table`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The kernel's reason.
    pub source: io::Error,
}

impl Claim {
    pub(super) fn take(bridge: &str, table: &str) -> Result<Self, ClaimError> {
        let one = |kind, prefix: &str, name: &str| {
            bind(&format!("corten/{prefix}/{name}")).map_err(|source| ClaimError {
                kind,
                name: name.to_owned(),
                source,
            })
        };
        Ok(Self {
            _bridge: one("bridge", "bridge", bridge)?,
            _table: one("nftables table", "table", table)?,
        })
    }
}

fn bind(name: &str) -> io::Result<UnixDatagram> {
    let address = SocketAddr::from_abstract_name(name)?;
    let mut attempt = 1;
    loop {
        match UnixDatagram::bind_addr(&address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => thread::sleep(PAUSE),
            result => return result,
        }
        attempt += 1;
    }
}
