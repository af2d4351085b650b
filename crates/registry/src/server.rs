//! Where a registry is: a host and port, out of what people write (`host`, `host:port`, `https://host/v1/`), and
//! whether it may be spoken to without proof (pure).

use std::net::IpAddr;

/// The host that `docker.io` means.
const HUB: &str = "registry-1.docker.io";

/// A registry's host, perhaps with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// As in an address.
    pub host: String,
}

/// Whom nothing has to be proven by: registries on this machine, and those that the daemon was told of.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// Names with or without port, and subnets.
    pub insecure: &'a [String],
}

/// The text names no server. Displays as Docker's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse server address: parse \"https://{text}\": {reason}")]
pub struct ServerError {
    text: String,
    reason: String,
}

impl Server {
    /// Reads what a client calls the server; nothing means Docker Hub.
    ///
    /// # Errors
    /// It cannot be in an address.
    pub fn parse(given: &str) -> Result<Self, ServerError> {
        let bare = given.split_once("://").map_or(given, |(_, rest)| rest);
        let host = bare.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some(wrong) = host
            .chars()
            .find(|c| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}".contains(*c))
        {
            return Err(ServerError {
                text: bare.to_owned(),
                reason: format!("invalid character {:?} in host name", wrong.to_string()),
            });
        }
        let host = match host {
            "" | "docker.io" | "index.docker.io" => HUB,
            host => host,
        };
        Ok(Self { host: host.to_owned() })
    }

    /// The addresses that are tried, in this order: without proof also in plain text.
    pub(crate) fn schemes(&self, trust: Trust<'_>) -> &'static [&'static str] {
        if self.is_insecure(trust) {
            &["https", "http"]
        } else {
            &["https"]
        }
    }

    /// Whether its certificate may be anybody's.
    #[must_use]
    pub fn is_insecure(&self, trust: Trust<'_>) -> bool {
        let (name, _) = self.split(0);
        let address: Option<IpAddr> = name.parse().ok();
        let is_local = name == "localhost" || address.is_some_and(|address| address.is_loopback());
        is_local
            || trust.insecure.iter().any(|entry| {
                *entry == self.host || *entry == name || address.is_some_and(|address| contains(entry, address))
            })
    }

    /// Name and port.
    pub(crate) fn split(&self, default_port: u16) -> (&str, u16) {
        let outside = self.host.rfind(']').map_or(0, |at| at + 1);
        let tail = self.host.get(outside..).unwrap_or_default();
        let (name, port) = match tail.rsplit_once(':') {
            Some((before, port)) => (
                self.host.get(..outside + before.len()).unwrap_or_default(),
                port.parse().ok(),
            ),
            None => (self.host.as_str(), None),
        };
        (
            name.trim_start_matches('[').trim_end_matches(']'),
            port.unwrap_or(default_port),
        )
    }
}

/// Whether a subnet, `10.0.0.0/8`, has the address.
fn contains(subnet: &str, address: IpAddr) -> bool {
    let Some((network, length)) = subnet.split_once('/') else {
        return false;
    };
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    let (network, address, all) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    length <= all && (length == 0 || network >> (all - length) == address >> (all - length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers() {
        for (given, host) in [
            ("", HUB),
            ("docker.io", HUB),
            ("https://index.docker.io/v1/", HUB),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("http://127.0.0.1:5000/v1/", "127.0.0.1:5000"),
            ("https://reg.example/x?y", "reg.example"),
        ] {
            assert_eq!(Server::parse(given).unwrap().host, host, "{given}");
        }
        assert_eq!(
            Server::parse("bad host:5000").unwrap_err().to_string(),
            "unable to parse server address: parse \"https://bad host:5000\": invalid character \" \" in host name"
        );
    }

    #[test]
    fn who_needs_no_proof() {
        let insecure = [
            "reg.example".to_owned(),
            "10.0.0.0/8".to_owned(),
            "other:5000".to_owned(),
        ];
        let trust = Trust { insecure: &insecure };
        for (host, want) in [
            ("127.0.0.1:5000", true),
            ("[::1]:5000", true),
            ("localhost", true),
            ("reg.example:443", true),
            ("10.1.2.3", true),
            ("11.1.2.3", false),
            ("other:5000", true),
            ("other", false),
        ] {
            assert_eq!(Server::parse(host).unwrap().is_insecure(trust), want, "{host}");
        }
    }

    #[test]
    fn names_and_ports() {
        for (host, name, port) in [
            ("a", "a", 443),
            ("a:1", "a", 1),
            ("[::1]:2", "::1", 2),
            ("[::1]", "::1", 443),
        ] {
            assert_eq!(Server::parse(host).unwrap().split(443), (name, port));
        }
    }
}
