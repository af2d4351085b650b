//! Sockets that the service manager opened for us (`-H fd://`, sd_listen_fds(3)): descriptors 3 and up,
//! as many as `$LISTEN_FDS` says, if `$LISTEN_PID` is this process. `fd://` and `fd://*` mean all,
//! `fd://4` the one with that number, `fd://name` those that `$LISTEN_FDNAMES` calls so. One that is bound to
//! the path of a configured host serves that host without any `fd://`; the others are closed. TLS is spoken
//! on those of them that are TCP.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::net::AddressFamily;
use rustls::ServerConfig;
use tokio::net::{TcpListener, UnixListener};

use super::Listener;

/// The first passed descriptor.
const FIRST: i32 = 3;

/// The service manager's sockets cannot be used. Texts: observed, dockerd 28.5.
#[derive(Debug, thiserror::Error)]
pub enum PassedError {
    /// Nothing was passed.
    #[error("no sockets found via socket activation: make sure the service was started by systemd")]
    None,
    /// The number is higher than any passed.
    #[error("too few socket activated files passed in by systemd")]
    TooFew,
    /// Neither a number nor a name that was passed.
    #[error("failed to parse systemd fd address: should be a number, or one of $LISTEN_FDNAMES: {0}")]
    Name(String),
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

/// What the environment says about passed descriptors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed {
    count: i32,
    names: Vec<String>,
}

impl Passed {
    /// What was passed to this process.
    #[must_use]
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let pid = std::process::id().to_string();
        Self::read(
            &variable("LISTEN_PID"),
            &pid,
            &variable("LISTEN_FDS"),
            &variable("LISTEN_FDNAMES"),
        )
    }

    fn read(for_whom: &str, pid: &str, count: &str, names: &str) -> Self {
        let count = count.parse().ok().filter(|count| *count > 0 && for_whom == pid);
        Self {
            count: count.unwrap_or(0),
            names: names.split(':').map(str::to_owned).collect(),
        }
    }

    /// Which descriptors an address asks for.
    fn chosen(&self, which: &str) -> Result<Vec<i32>, PassedError> {
        let all = FIRST..FIRST.saturating_add(self.count);
        if self.count == 0 {
            return Err(PassedError::None);
        }
        if matches!(which, "" | "*") {
            return Ok(all.collect());
        }
        let named: Vec<i32> = all
            .clone()
            .zip(&self.names)
            .filter(|(_, name)| *name == which)
            .map(|(descriptor, _)| descriptor)
            .collect();
        if !named.is_empty() {
            return Ok(named);
        }
        let number: i32 = which.parse().map_err(|_| PassedError::Name(which.to_owned()))?;
        if all.contains(&number) {
            Ok(vec![number])
        } else {
            Err(PassedError::TooFew)
        }
    }

    /// Takes the sockets of all the addresses `which`, and those bound to one of `paths`; closes the others.
    /// Must be called once, inside the async runtime.
    ///
    /// # Errors
    /// There are none although an address asks for some, or one is no stream socket.
    pub fn take(
        &self,
        which: &[&str],
        paths: &[&Path],
        secured: Option<&Arc<ServerConfig>>,
    ) -> Result<Vec<Listener>, PassedError> {
        let mut wanted = Vec::new();
        for address in which {
            wanted.extend(self.chosen(address)?);
        }
        let mut listeners = Vec::new();
        for descriptor in FIRST..FIRST.saturating_add(self.count) {
            let failed = |source| PassedError::Descriptor { descriptor, source };
            let socket = corten_sys::spawn::inherited(descriptor).map_err(failed)?;
            if wanted.contains(&descriptor) || path_of(&socket).is_some_and(|path| paths.contains(&path.as_path())) {
                listeners.push(listener(socket, secured).map_err(failed)?);
            }
        }
        Ok(listeners)
    }
}

/// The path that a socket is bound to.
fn path_of(socket: &OwnedFd) -> Option<PathBuf> {
    let address = rustix::net::SocketAddrUnix::try_from(rustix::net::getsockname(socket).ok()?).ok()?;
    address
        .path()
        .map(|path| PathBuf::from(OsStr::from_bytes(path.to_bytes())))
}

impl Listener {
    /// Whether it is bound to `path`.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        match self {
            Self::Unix(listener) => listener.local_addr().is_ok_and(|at| at.as_pathname() == Some(path)),
            Self::Tcp(..) => false,
        }
    }
}

fn listener(socket: OwnedFd, secured: Option<&Arc<ServerConfig>>) -> io::Result<Listener> {
    rustix::io::ioctl_fionbio(&socket, true)?;
    match rustix::net::getsockname(&socket)?.address_family() {
        AddressFamily::UNIX => UnixListener::from_std(socket.into()).map(Listener::Unix),
        AddressFamily::INET | AddressFamily::INET6 => {
            TcpListener::from_std(socket.into()).map(|listener| Listener::Tcp(listener, secured.cloned()))
        }
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
        let path = directory.path().join("s");
        let unix = OwnedFd::from(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert_eq!(path_of(&unix), Some(path.clone()));
        let unix = listener(unix, None).unwrap();
        assert!(unix.is_at(&path) && !unix.is_at(directory.path()));
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(matches!(listener(tcp.into(), None), Ok(Listener::Tcp(_, None))));
        assert!(listener(std::fs::File::open("/dev/null").unwrap().into(), None).is_err());
        assert!(matches!(
            Passed::from_environment().take(&[""], &[], None),
            Err(PassedError::None)
        ));
        assert!(matches!(
            Passed::from_environment()
                .take(&[], &[Path::new("/x")], None)
                .as_deref(),
            Ok([])
        ));
    }

    #[test]
    fn addresses_choose_by_number_and_by_name() {
        let passed = Passed::read("7", "7", "3", "api:metrics:api");
        let chosen = |which: &str| passed.chosen(which).map_err(|error| error.to_string());
        assert_eq!(chosen(""), Ok(vec![3, 4, 5]));
        assert_eq!(chosen("*"), Ok(vec![3, 4, 5]));
        assert_eq!(chosen("4"), Ok(vec![4]));
        assert_eq!(chosen("api"), Ok(vec![3, 5]));
        for (which, text) in [
            ("6", "too few socket"),
            ("2", "too few socket"),
            ("x", "should be a number"),
        ] {
            assert!(chosen(which).unwrap_err().contains(text), "{which}");
        }
        for other in [Passed::read("8", "7", "3", ""), Passed::read("7", "7", "x", "")] {
            assert!(matches!(other.chosen("3"), Err(PassedError::None)));
        }
    }
}
