//! Sockets that the service manager opened for us (`-H fd://`, sd_listen_fds(3)): descriptors 3 and up,
//! as many as `$LISTEN_FDS` says, if `$LISTEN_PID` is this process.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::AddressFamily;
use tokio::net::{TcpListener, UnixListener};

use super::Listener;

/// The first passed descriptor.
const FIRST: i32 = 3;

/// The service manager's sockets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PassedError {
    /// Text: observed, dockerd 28.5.
    #[error("no sockets found via socket activation: make sure the service was started by systemd")]
    None,
    /// A descriptor is not a listening socket.
    #[error("cannot use descriptor {descriptor}, passed by the service manager")]
    Descriptor {
        /// Which.
        descriptor: i32,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Takes all passed sockets. Must be called once, inside the async runtime.
///
/// # Errors
/// There are none, or one is no stream socket.
pub fn passed_listeners() -> Result<Vec<Listener>, PassedError> {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<i32>().ok());
    let for_us = number("LISTEN_PID").is_some_and(|pid| u32::try_from(pid) == Ok(std::process::id()));
    let count = number("LISTEN_FDS")
        .filter(|count| *count > 0 && for_us)
        .ok_or(PassedError::None)?;
    let take = |descriptor| {
        let listener = corten_sys::spawn::inherited(descriptor).and_then(listener);
        listener.map_err(|source| PassedError::Descriptor { descriptor, source })
    };
    (FIRST..FIRST.saturating_add(count)).map(take).collect()
}

fn listener(socket: OwnedFd) -> io::Result<Listener> {
    rustix::io::ioctl_fionbio(&socket, true)?;
    match rustix::net::getsockname(&socket)?.address_family() {
        AddressFamily::UNIX => UnixListener::from_std(socket.into()).map(Listener::Unix),
        AddressFamily::INET | AddressFamily::INET6 => TcpListener::from_std(socket.into()).map(Listener::Tcp),
        family => Err(io::Error::other(format!(
            "unexpected address family {}",
            family.as_raw()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn unix_and_tcp_sockets_serve_others_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let unix = std::os::unix::net::UnixListener::bind(directory.path().join("s")).unwrap();
        assert!(matches!(listener(unix.into()), Ok(Listener::Unix(_))));
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(matches!(listener(tcp.into()), Ok(Listener::Tcp(_))));
        assert!(listener(std::fs::File::open("/dev/null").unwrap().into()).is_err());
        assert!(matches!(passed_listeners(), Err(PassedError::None)));
    }
}
