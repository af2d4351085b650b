//! Addresses as `-H` takes them.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `unix:///path`.
    Unix(PathBuf),
    /// `tcp://host:port`, as `host:port`.
    Tcp(String),
    /// `fd://which`: sockets that the service manager passed (see `passed`).
    Passed(String),
}

/// The text is not an address. Texts: observed, dockerd 28.5.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressError {
    /// Not of any form.
    #[error("invalid bind address ({0}): unsupported proto '{1}'")]
    Protocol(String, String),
    /// `tcp://` with more than a host and a port.
    #[error("invalid bind address ({0}): should not contain a path element")]
    Path(String),
    /// `tcp://` without a port that makes sense.
    #[error("invalid bind address ({0}): parse {0:?}: invalid port \":{1}\" after host")]
    Port(String, String),
}

/// Port of `tcp://` addresses without one.
const TCP_PORT: u16 = 2375;

/// The same where TLS is spoken.
const TLS_PORT: u16 = 2376;

/// Path of `unix://` without one.
const UNIX_PATH: &str = "/run/docker.sock";

impl Address {
    /// The path of a unix socket.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Tcp(_) | Self::Passed(_) => None,
        }
    }

    /// Which passed sockets it means.
    pub(super) fn passed(&self) -> Option<&str> {
        match self {
            Self::Passed(which) => Some(which),
            Self::Unix(_) | Self::Tcp(_) => None,
        }
    }

    /// Reads an address. `tls` decides the port where none is named.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(text: &str, tls: bool) -> Result<Self, ParseAddressError> {
        let text = text.trim();
        match text.split_once("://") {
            Some(("unix", path)) => Ok(Self::Unix(if path.is_empty() { UNIX_PATH } else { path }.into())),
            Some(("fd", which)) => Ok(Self::Passed(which.to_owned())),
            Some(("tcp", rest)) => tcp(rest, text, tls),
            Some((other, _)) => Err(ParseAddressError::Protocol(text.to_owned(), other.to_owned())),
            None => tcp(text, text, tls),
        }
    }

    /// Whether the host part means this machine only. Names other than `localhost` are not looked up.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let Self::Tcp(address) = self else { return true };
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Passed(which) => write!(f, "fd://{which}"),
        }
    }
}

fn tcp(rest: &str, whole: &str, tls: bool) -> Result<Address, ParseAddressError> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('/') {
        return Err(ParseAddressError::Path(whole.to_owned()));
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port
                .parse::<u16>()
                .map_err(|_| ParseAddressError::Port(whole.to_owned(), port.to_owned()))?;
            (host, port)
        }
        Some(_) | None => (rest, if tls { TLS_PORT } else { TCP_PORT }),
    };
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    Ok(Address::Tcp(format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, String> {
        Address::parse(text, false).map_err(|error| error.to_string())
    }

    #[test]
    fn forms() {
        let unix = |path: &str| Ok(Address::Unix(path.into()));
        let tcp = |at: &str| Ok(Address::Tcp(at.to_owned()));
        assert_eq!(parse("unix:///a/b.sock"), unix("/a/b.sock"));
        assert_eq!(parse("fd://"), Ok(Address::Passed(String::new())));
        assert_eq!(parse("fd://api"), Ok(Address::Passed("api".to_owned())));
        assert_eq!(parse("unix://"), unix("/run/docker.sock"));
        assert_eq!(parse("tcp://0.0.0.0:1234"), tcp("0.0.0.0:1234"));
        assert_eq!(parse("tcp://"), tcp("127.0.0.1:2375"));
        assert_eq!(parse("tcp://:7"), tcp("127.0.0.1:7"));
        assert_eq!(parse("tcp://[::1]"), tcp("[::1]:2375"));
        assert_eq!(parse("[::1]:5"), tcp("[::1]:5"));
        assert_eq!(parse("localhost:5"), tcp("localhost:5"));
        let secured = Address::parse("tcp://0.0.0.0", true);
        assert_eq!(
            secured.map(|address| address.to_string()).as_deref(),
            Ok("tcp://0.0.0.0:2376")
        );
    }

    #[test]
    fn what_is_no_address_is_refused_in_docker_s_words() {
        for (bad, text) in [
            (
                "bogus://x",
                "invalid bind address (bogus://x): unsupported proto 'bogus'",
            ),
            (
                "vsock://1:2",
                "invalid bind address (vsock://1:2): unsupported proto 'vsock'",
            ),
            (
                "tcp://a:b",
                "invalid bind address (tcp://a:b): parse \"tcp://a:b\": invalid port \":b\" after host",
            ),
            (
                "tcp://a:1/p",
                "invalid bind address (tcp://a:1/p): should not contain a path element",
            ),
            ("/x", "invalid bind address (/x): should not contain a path element"),
        ] {
            assert_eq!(parse(bad), Err(text.to_owned()));
        }
        assert!(parse("tcp://a:99999").is_err());
    }

    #[test]
    fn which_addresses_only_this_machine_reaches() {
        for (text, expected) in [
            ("tcp://127.0.0.1:1", true),
            ("tcp://[::1]:1", true),
            ("tcp://localhost", true),
            ("tcp://0.0.0.0", false),
            ("tcp://[::]:1", false),
            ("tcp://example", false),
            ("unix:///x", true),
        ] {
            assert_eq!(parse(text).map(|address| address.is_loopback()), Ok(expected), "{text}");
        }
    }
}
