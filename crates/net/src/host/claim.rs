//! Bridges and a table belong to one daemon: two that share them by mistake would remove each other's
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

/// Held as long as what it names is.
#[derive(Debug)]
pub(crate) struct Claim {
    _name: UnixDatagram,
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
    pub(crate) fn bridge(name: &str) -> Result<Self, ClaimError> {
        Self::take("bridge", "bridge", name)
    }

    pub(crate) fn table(name: &str) -> Result<Self, ClaimError> {
        Self::take("nftables table", "table", name)
    }

    fn take(kind: &'static str, prefix: &str, name: &str) -> Result<Self, ClaimError> {
        let failed = |source| ClaimError {
            kind,
            name: name.to_owned(),
            source,
        };
        let claimed = bind(&format!("corten/{prefix}/{name}")).map_err(failed)?;
        Ok(Self { _name: claimed })
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
