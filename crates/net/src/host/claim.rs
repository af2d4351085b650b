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
/// The same of the bridge that a daemon had before: longer, since a daemon that takes another one than its containers are
/// on is worse than one that is slow to start.
const PATIENT_ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(10);

/// More daemons than anybody has on one host.
const MOST_NUMBERS: u32 = 100;

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
        Self::take("bridge", "bridge", name, ATTEMPTS)
    }

    /// The bridge that the daemon had before, else the first free one of the names that [`numbered`] gives; and its
    /// number.
    pub(crate) fn next_bridge(name: &str, remembered: Option<&str>) -> Result<(Self, u32), ClaimError> {
        let own = (0..MOST_NUMBERS).find(|&number| remembered == Some(numbered(name, number).as_str()));
        let own = own.map(|number| (number, PATIENT_ATTEMPTS));
        for (number, attempts) in own.into_iter().chain((0..MOST_NUMBERS).map(|number| (number, 1))) {
            match Self::take("bridge", "bridge", &numbered(name, number), attempts) {
                Err(error) if error.source.kind() == io::ErrorKind::AddrInUse => {}
                claim => return Ok((claim?, number)),
            }
        }
        Self::bridge(name).map(|claim| (claim, 0))
    }

    pub(crate) fn table(name: &str) -> Result<Self, ClaimError> {
        Self::take("nftables table", "table", name, ATTEMPTS)
    }

    fn take(kind: &'static str, prefix: &str, name: &str, attempts: u32) -> Result<Self, ClaimError> {
        let failed = |source| ClaimError {
            kind,
            name: name.to_owned(),
            source,
        };
        let claimed = bind(&format!("corten/{prefix}/{name}"), attempts).map_err(failed)?;
        Ok(Self { _name: claimed })
    }
}

/// `docker0` and number 3 are `docker3`; number 0 is the name itself.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    if number == 0 {
        name.to_owned()
    } else {
        format!("{}{number}", name.trim_end_matches(|c: char| c.is_ascii_digit()))
    }
}

fn bind(name: &str, attempts: u32) -> io::Result<UnixDatagram> {
    let address = SocketAddr::from_abstract_name(name)?;
    let mut attempt = 1;
    loop {
        match UnixDatagram::bind_addr(&address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < attempts => thread::sleep(PAUSE),
            result => return result,
        }
        attempt += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered() {
        let names = [0, 1, 12].map(|number| numbered("docker0", number));
        assert_eq!(names, ["docker0", "docker1", "docker12"]);
        assert_eq!(numbered("corten-docker0", 2), "corten-docker2");
    }
}
