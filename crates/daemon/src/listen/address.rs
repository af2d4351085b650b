//! Addresses as `-H` takes them.

use std::path::PathBuf;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `unix:///path`.
    Unix(PathBuf),
    /// `tcp://host:port`, without TLS.
    Tcp(String),
    /// `fd://`: the sockets that the service manager passed.
    Passed,
}

/// The text is not an address. Texts: observed, dockerd 28.5.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressError {
    /// Not of any form.
    #[error("invalid bind address ({0}): unsupported proto")]
    Protocol(String),
    /// A form that Docker has and we do not build yet.
    #[error("-H {0} is not implemented yet")]
    NotBuilt(String),
    /// `tcp://` without a port that makes sense.
    #[error("invalid bind address ({0}): invalid port")]
    Port(String),
}

/// Port of `tcp://` addresses without one.
const TCP_PORT: u16 = 2375;

/// Path of `unix://` without one.
const UNIX_PATH: &str = "/run/docker.sock";

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// It is not one, or of a kind that is not built yet.
    pub fn parse(text: &str) -> Result<Self, ParseAddressError> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix://") {
            return Ok(Self::Unix(if path.is_empty() { UNIX_PATH } else { path }.into()));
        }
        if text == "fd://" {
            return Ok(Self::Passed);
        }
        if text.starts_with("fd://") || text.starts_with("npipe://") || text.starts_with("vsock://") {
            return Err(ParseAddressError::NotBuilt(text.to_owned()));
        }
        match text.split_once("://") {
            Some(("tcp", rest)) => tcp(rest, text),
            Some(_) => Err(ParseAddressError::Protocol(text.to_owned())),
            None => tcp(text, text),
        }
    }
}

fn tcp(rest: &str, whole: &str) -> Result<Address, ParseAddressError> {
    let bad = || ParseAddressError::Port(whole.to_owned());
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().map_err(|_| bad())?),
        Some(_) | None => (rest, TCP_PORT),
    };
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    Ok(Address::Tcp(format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let unix = |path: &str| Ok(Address::Unix(path.into()));
        let tcp = |at: &str| Ok(Address::Tcp(at.to_owned()));
        assert_eq!(Address::parse("unix:///a/b.sock"), unix("/a/b.sock"));
        assert_eq!(Address::parse("fd://"), Ok(Address::Passed));
        assert_eq!(Address::parse("unix://"), unix("/run/docker.sock"));
        assert_eq!(Address::parse("tcp://0.0.0.0:1234"), tcp("0.0.0.0:1234"));
        assert_eq!(Address::parse("tcp://"), tcp("127.0.0.1:2375"));
        assert_eq!(Address::parse("tcp://:7"), tcp("127.0.0.1:7"));
        assert_eq!(Address::parse("tcp://[::1]"), tcp("[::1]:2375"));
        assert_eq!(Address::parse("[::1]:5"), tcp("[::1]:5"));
        assert_eq!(Address::parse("localhost:5"), tcp("localhost:5"));
        for bad in [
            "bogus://x",
            "tcp://a:b",
            "tcp://a:99999",
            "fd://3",
            "npipe:////./pipe/x",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
