//! Where an engine listens: `unix:///path` or `tcp://host:port`, as `-H` and `DOCKER_HOST` write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The port of an engine's plain TCP socket when none is named.
const TCP_PORT: u16 = 2375;

/// An engine's address. Written as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A unix socket's path.
    Unix(PathBuf),
    /// A host name or address (IPv6 without its brackets), and a port.
    Tcp(String, u16),
}

/// The text names no engine's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseHostError {
    /// No `scheme://`.
    #[error("unable to parse docker host `{0}`")]
    NoScheme(String),
    /// A transport that this client does not speak.
    #[error("the transport {0}:// is not supported yet")]
    Scheme(String),
    /// Not a transport at all.
    #[error("invalid bind address format: {0}")]
    Unknown(String),
    /// A port that is not a number below 65536.
    #[error("parse \"{0}\": invalid port \"{1}\" after host")]
    Port(String, String),
}

impl FromStr for Host {
    type Err = ParseHostError;
    fn from_str(text: &str) -> Result<Self, ParseHostError> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| ParseHostError::NoScheme(text.to_owned()))?;
        match scheme {
            "unix" => Ok(Self::Unix(PathBuf::from(rest))),
            "tcp" | "http" => tcp(text, rest),
            "ssh" | "https" | "npipe" | "fd" => Err(ParseHostError::Scheme(scheme.to_owned())),
            _ => Err(ParseHostError::Unknown(text.to_owned())),
        }
    }
}

fn tcp(whole: &str, rest: &str) -> Result<Host, ParseHostError> {
    let authority = rest.split('/').next().unwrap_or_default();
    let (name, port) = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => (&authority[..colon], &authority[colon + 1..]),
        _ => (authority, ""),
    };
    let port = match port {
        "" => TCP_PORT,
        digits => digits
            .parse()
            .map_err(|_| ParseHostError::Port(whole.to_owned(), format!(":{digits}")))?,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    Ok(Host::Tcp(
        if name.is_empty() { "localhost" } else { name }.to_owned(),
        port,
    ))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(name, port) if name.contains(':') => write!(f, "tcp://[{name}]:{port}"),
            Self::Tcp(name, port) => write!(f, "tcp://{name}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_addresses() {
        for (text, written) in [
            ("unix:///run/corten/corten.sock", "unix:///run/corten/corten.sock"),
            ("tcp://10.0.0.1:2376", "tcp://10.0.0.1:2376"),
            ("tcp://engine", "tcp://engine:2375"),
            ("tcp://[::1]:80", "tcp://[::1]:80"),
            ("tcp://:2375", "tcp://localhost:2375"),
        ] {
            assert_eq!(
                text.parse::<Host>().map(|host| host.to_string()).as_deref(),
                Ok(written)
            );
        }
        assert_eq!("here".parse::<Host>(), Err(ParseHostError::NoScheme("here".to_owned())));
        assert_eq!("ssh://a".parse::<Host>(), Err(ParseHostError::Scheme("ssh".to_owned())));
        assert!("tcp://1.2.3.4:x".parse::<Host>().is_err());
    }
}
