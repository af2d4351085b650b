//! Where an engine listens: `unix:///path`, `tcp://host:port` or `ssh://user@host:port/path`, as `-H` and
//! `DOCKER_HOST` write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The port of an engine's plain TCP socket when none is named.
const TCP_PORT: u16 = 2375;

/// The same where TLS is spoken.
const TLS_PORT: u16 = 2376;

/// An engine's address. Written as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A unix socket's path.
    Unix(PathBuf),
    /// A host name or address (IPv6 without its brackets), and a port.
    Tcp(String, u16),
    /// A machine that is reached by ssh.
    Ssh(SshHost),
}

/// What `ssh` is told about the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshHost {
    /// Whom to be there; none: what `ssh` thinks.
    pub user: Option<String>,
    /// Its name, an address, or an alias of `ssh`'s configuration.
    pub name: String,
    /// Its port; none: what `ssh` thinks.
    pub port: Option<u16>,
    /// The engine's socket there; none: the usual one.
    pub path: Option<String>,
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
    /// Not an address for `ssh`.
    #[error("ssh host connection is not valid: invalid SSH URL: {0}")]
    Ssh(String),
    /// A port that is not a number below 65536.
    #[error("parse \"{0}\": invalid port \"{1}\" after host")]
    Port(String, String),
}

impl FromStr for Host {
    type Err = ParseHostError;
    fn from_str(text: &str) -> Result<Self, ParseHostError> {
        Self::parse_for(text, false)
    }
}

impl Host {
    /// Reads an address. `tls` decides the port where none is named.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse_for(text: &str, tls: bool) -> Result<Self, ParseHostError> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| ParseHostError::NoScheme(text.to_owned()))?;
        match scheme {
            "unix" => Ok(Self::Unix(PathBuf::from(rest))),
            "tcp" | "http" => tcp(text, rest, tls),
            "ssh" => ssh(text, rest).map(Self::Ssh),
            "fd" => Err(ParseHostError::NoScheme(text.to_owned())),
            "https" | "npipe" => Err(ParseHostError::Scheme(scheme.to_owned())),
            _ => Err(ParseHostError::Unknown(text.to_owned())),
        }
    }
}

fn tcp(whole: &str, rest: &str, tls: bool) -> Result<Host, ParseHostError> {
    let authority = rest.split('/').next().unwrap_or_default();
    let (name, port) = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => (&authority[..colon], &authority[colon + 1..]),
        _ => (authority, ""),
    };
    let port = match port {
        "" if tls => TLS_PORT,
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

/// Refuses what `ssh` would not be told anyway.
fn ssh(whole: &str, rest: &str) -> Result<SshHost, ParseHostError> {
    let refused = |why: String| Err(ParseHostError::Ssh(why));
    if let Some((_, fragment)) = rest.split_once('#') {
        return refused(format!("fragments are not allowed: {fragment:?}"));
    }
    if let Some((_, query)) = rest.split_once('?') {
        return refused(format!("query parameters are not allowed: {query:?}"));
    }
    let (authority, path) = match rest.find('/') {
        Some(slash) => (&rest[..slash], Some(rest[slash..].to_owned())),
        None => (rest, None),
    };
    let (user, machine) = match authority.rsplit_once('@') {
        Some((user, machine)) => (Some(user), machine),
        None => (None, authority),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return refused("plain-text password is not supported".to_owned());
    }
    let (name, port) = match machine.rfind(':') {
        Some(colon) if !machine[colon..].contains(']') => (&machine[..colon], Some(&machine[colon + 1..])),
        _ => (machine, None),
    };
    let wrong_port = |port: &str| ParseHostError::Port(whole.to_owned(), format!(":{port}"));
    let port = port.filter(|port| !port.is_empty());
    let port = port
        .map(|port| port.parse().map_err(|_| wrong_port(port)))
        .transpose()?;
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if name.is_empty() {
        return refused("hostname is empty".to_owned());
    }
    Ok(SshHost {
        user: user.filter(|user| !user.is_empty()).map(str::to_owned),
        name: name.to_owned(),
        port,
        path,
    })
}

impl fmt::Display for SshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.name.contains(':') {
            write!(f, "[{}]", self.name)?;
        } else {
            f.write_str(&self.name)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.path.as_deref().unwrap_or_default())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(name, port) if name.contains(':') => write!(f, "tcp://[{name}]:{port}"),
            Self::Tcp(name, port) => write!(f, "tcp://{name}:{port}"),
            Self::Ssh(host) => host.fmt(f),
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
            ("ssh://me@far:22/run/x.sock", "ssh://me@far:22/run/x.sock"),
            ("ssh://far", "ssh://far"),
            ("ssh://[::1]:7", "ssh://[::1]:7"),
        ] {
            assert_eq!(
                text.parse::<Host>().map(|host| host.to_string()).as_deref(),
                Ok(written)
            );
        }
        assert_eq!("here".parse::<Host>(), Err(ParseHostError::NoScheme("here".to_owned())));
        assert!("tcp://1.2.3.4:x".parse::<Host>().is_err());
        assert_eq!(
            Host::parse_for("tcp://far", true),
            Ok(Host::Tcp("far".to_owned(), 2376))
        );
        assert_eq!(Host::parse_for("tcp://far:1", true), Ok(Host::Tcp("far".to_owned(), 1)));
    }

    #[test]
    fn ssh_addresses_are_refused_in_docker_s_words() {
        for (text, why) in [
            ("ssh://", "hostname is empty"),
            ("ssh://u:p@h", "plain-text password is not supported"),
            ("ssh://h?x=1", "query parameters are not allowed: \"x=1\""),
            ("ssh://h#f", "fragments are not allowed: \"f\""),
        ] {
            let error = text.parse::<Host>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("ssh host connection is not valid: invalid SSH URL: {why}")
            );
        }
        let error = "ssh://h:bad".parse::<Host>().unwrap_err().to_string();
        assert_eq!(error, "parse \"ssh://h:bad\": invalid port \":bad\" after host");
    }
}
