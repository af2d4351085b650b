//! `-p [address:][host-port:]port[/protocol]` with ranges, its `key=value` form, and `--expose`.

use std::net::IpAddr;

use corten_api::container::PortBinding;
use corten_api::{Empty, List, Map};

/// A published or exposed port is not written as it must be; Docker's texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortError {
    #[error("invalid IP address: {0}")]
    Address(String),
    #[error("no port specified: {0}<empty>")]
    NoPort(String),
    #[error("invalid containerPort: {0}")]
    ContainerPort(String),
    #[error("invalid hostPort: {0}")]
    HostPort(String),
    #[error("invalid ranges specified for container and host Ports: {container} and {host}")]
    Ranges { container: String, host: String },
    #[error("invalid proto: {0}")]
    Protocol(String),
    #[error("invalid publish opts format (should be name=value but got '{0}')")]
    Field(String),
    #[error("invalid port format for --expose: {0}")]
    ExposeForm(String),
    #[error("invalid range format for --expose: {text}, error: {reason}")]
    ExposeRange { text: String, reason: String },
}

/// The ports of a container, by `port/protocol`.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    /// Ports the container offers: published and exposed ones.
    pub(crate) exposed: Map<Empty>,
    /// Where published ones are reached.
    pub(crate) bindings: Map<List<PortBinding>>,
}

impl Ports {
    /// Reads all `-p` and `--expose` values.
    pub(crate) fn parse<'a>(
        published: impl Iterator<Item = &'a str>,
        exposed: impl Iterator<Item = &'a str>,
    ) -> Result<Self, PortError> {
        let mut ports = Self {
            exposed: Map::empty(),
            bindings: Map::empty(),
        };
        for text in published {
            ports.publish(text)?;
        }
        for text in exposed {
            ports.expose(text)?;
        }
        Ok(ports)
    }

    fn publish(&mut self, text: &str) -> Result<(), PortError> {
        let standard = if text.contains('=') {
            from_fields(text)?
        } else {
            text.to_owned()
        };
        for (port, binding) in publish(&standard)? {
            self.exposed.insert(port.clone(), Empty {});
            self.bindings.entry(port).or_default().push(binding);
        }
        Ok(())
    }

    fn expose(&mut self, text: &str) -> Result<(), PortError> {
        if text.contains(':') {
            return Err(PortError::ExposeForm(text.to_owned()));
        }
        let (port, protocol) = split_protocol(text);
        let (first, last) = range(port).map_err(|reason| PortError::ExposeRange {
            text: text.to_owned(),
            reason,
        })?;
        for port in first..=last {
            self.exposed.insert(format!("{port}/{protocol}"), Empty {});
        }
        Ok(())
    }
}

fn publish(text: &str) -> Result<Vec<(String, PortBinding)>, PortError> {
    let parts: Vec<&str> = text.split(':').collect();
    let (address, host, container) = match parts.as_slice() {
        [container] => (String::new(), "", *container),
        [host, container] => (String::new(), *host, *container),
        [address @ .., host, container] => (address.join(":"), *host, *container),
        [] => (String::new(), "", ""),
    };
    let (container, protocol) = split_protocol(container);
    let address = check_address(&address)?;
    if container.is_empty() {
        return Err(PortError::NoPort(text.to_owned()));
    }
    let (first, last) = range(container).map_err(|_| PortError::ContainerPort(container.to_owned()))?;
    let hosts = if host.is_empty() {
        None
    } else {
        Some(range(host).map_err(|_| PortError::HostPort(host.to_owned()))?)
    };
    if let Some((from, to)) = hosts
        && to - from != last - first
        && first != last
    {
        return Err(PortError::Ranges {
            container: container.to_owned(),
            host: host.to_owned(),
        });
    }
    let protocol = protocol.to_ascii_lowercase();
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(PortError::Protocol(protocol));
    }
    let binding = |index: u16| {
        let host_port = match hosts {
            None => String::new(),
            Some((from, to)) if first == last && from != to => format!("{from}-{to}"),
            Some((from, _)) => (from + index).to_string(),
        };
        PortBinding {
            host_ip: address.clone(),
            host_port,
        }
    };
    Ok((0..=last - first)
        .map(|index| (format!("{}/{protocol}", first + index), binding(index)))
        .collect())
}

fn check_address(text: &str) -> Result<String, PortError> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if !bare.is_empty() && bare.parse::<IpAddr>().is_err() {
        return Err(PortError::Address(bare.to_owned()));
    }
    Ok(bare.to_owned())
}

fn split_protocol(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        None => (text, if text.is_empty() { "" } else { "tcp" }),
        Some(("", _)) => ("", ""),
        Some((port, "")) => (port, "tcp"),
        Some((port, protocol)) => (port, protocol),
    }
}

fn range(text: &str) -> Result<(u16, u16), String> {
    if text.is_empty() {
        return Err("empty string specified for ports".to_owned());
    }
    let number = |digits: &str| {
        digits.parse::<u16>().map_err(|_| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let what = if is_number {
                "value out of range"
            } else {
                "invalid syntax"
            };
            format!("strconv.ParseUint: parsing {digits:?}: {what}")
        })
    };
    let (first, last) = match text.split_once('-') {
        None => (number(text)?, number(text)?),
        Some((first, last)) => (number(first)?, number(last)?),
    };
    if last < first {
        return Err(format!("invalid range specified for port: {text}"));
    }
    Ok((first, last))
}

/// `published=8080,target=80,protocol=tcp` in the short form.
fn from_fields(text: &str) -> Result<String, PortError> {
    let (mut published, mut target, mut protocol) = ("", "", "tcp");
    for field in text.split(',') {
        let (key, value) = field
            .split_once('=')
            .ok_or_else(|| PortError::Field(field.to_owned()))?;
        match key {
            "published" => published = value,
            "target" => target = value,
            "protocol" => protocol = value,
            _ => {}
        }
    }
    Ok(format!("{published}:{target}/{protocol}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(text: &str) -> Result<String, String> {
        let ports = Ports::parse([text].into_iter(), [].into_iter()).map_err(|error| error.to_string())?;
        let all = ports.bindings.iter().flat_map(|(port, bindings)| {
            bindings
                .iter()
                .map(move |binding| format!("{}:{}>{port}", binding.host_ip, binding.host_port))
        });
        Ok(all.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn every_form() {
        for (text, expected) in [
            ("80", ":>80/tcp"),
            ("8080:80", ":8080>80/tcp"),
            ("8080:80/udp", ":8080>80/udp"),
            ("127.0.0.1:8080:80", "127.0.0.1:8080>80/tcp"),
            ("127.0.0.1::80", "127.0.0.1:>80/tcp"),
            ("[::1]:8080:80", "::1:8080>80/tcp"),
            ("::1:8080:80", "::1:8080>80/tcp"),
            ("8000-8002:80", ":8000-8002>80/tcp"),
            ("8000-8001:80-81", ":8000>80/tcp :8001>81/tcp"),
            ("80-81", ":>80/tcp :>81/tcp"),
            ("published=8080,target=80,protocol=udp", ":8080>80/udp"),
        ] {
            assert_eq!(bindings(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn errors_are_dockers() {
        for (text, expected) in [
            ("x", "invalid containerPort: x"),
            ("x:80", "invalid hostPort: x"),
            ("1.2.3:80:80", "invalid IP address: 1.2.3"),
            ("80:", "no port specified: 80:<empty>"),
            (
                "1-3:80-81",
                "invalid ranges specified for container and host Ports: 80-81 and 1-3",
            ),
            ("80/icmp", "invalid proto: icmp"),
            ("id=host", "no port specified: :/tcp<empty>"),
            ("99999:80", "invalid hostPort: 99999"),
        ] {
            assert_eq!(bindings(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn exposed_ports() {
        let ports = Ports::parse([].into_iter(), ["80", "90-91/udp"].into_iter()).unwrap();
        assert_eq!(ports.exposed.keys().collect::<Vec<_>>(), ["80/tcp", "90/udp", "91/udp"]);
        assert!(Ports::parse([].into_iter(), ["1:2"].into_iter()).is_err());
    }
}
