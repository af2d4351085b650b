//! Published ports: from the API's maps to what the network is asked for, and back to what clients are
//! shown (pure).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use corten_api::container::{ContainerConfig, HostConfig, Port, PortBinding};
use corten_api::{List, Map};
use corten_net::port::Protocol;
use corten_net::sandbox::{PortRequest, PublishedPort};

use crate::error::{Error, Result};

/// What the network is asked to publish. Checks every entry, so creation calls it too. Ports of SCTP are left out: the
/// start refuses them, [`refused`] says how.
pub fn requests(config: &ContainerConfig, host: &HostConfig) -> Result<Vec<PortRequest>> {
    let mut requests = Vec::new();
    for (port, bindings) in &host.port_bindings {
        let (container_port, Some(protocol)) = parse(port)? else {
            for binding in bindings {
                request(Protocol::Tcp, 0, binding)?;
            }
            continue;
        };
        if bindings.is_empty() {
            requests.push(PortRequest {
                protocol,
                container_port,
                host_ip: None,
                host_port: None,
            });
        }
        for binding in bindings {
            requests.push(request(protocol, container_port, binding)?);
        }
    }
    if host.publish_all_ports {
        for port in config
            .exposed_ports
            .keys()
            .filter(|port| !host.port_bindings.contains_key(*port))
        {
            let (container_port, Some(protocol)) = parse(port)? else {
                continue;
            };
            requests.push(PortRequest {
                protocol,
                container_port,
                host_ip: None,
                host_port: None,
            });
        }
    }
    Ok(requests)
}

/// The host's address of the first port that is to be published and that the kernel has no protocol for (SCTP).
#[must_use]
pub fn refused(config: &ContainerConfig, host: &HostConfig) -> Option<String> {
    let is_refused = |port: &str| matches!(parse(port), Ok((_, None)));
    let bound = host.port_bindings.iter().find(|(port, _)| is_refused(port));
    if let Some((_, bindings)) = bound {
        let first = bindings.first();
        let text =
            |text: Option<&str>, default: &str| text.filter(|text| !text.is_empty()).unwrap_or(default).to_owned();
        let ip = text(first.map(|binding| binding.host_ip.as_str()), "0.0.0.0");
        let port = text(first.map(|binding| binding.host_port.as_str()), "0");
        return Some(format!("{ip}:{port}"));
    }
    let exposed = host.publish_all_ports && config.exposed_ports.keys().any(|port| is_refused(port));
    exposed.then(|| "0.0.0.0:0".to_owned())
}

fn request(protocol: Protocol, container_port: u16, binding: &PortBinding) -> Result<PortRequest> {
    let host_ip = match binding.host_ip.as_str() {
        "" => None,
        text => Some(
            text.trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .map_err(|_| Error::invalid(format!("invalid IP address: {text}")))?,
        ),
    };
    let wrong = || Error::invalid(format!("invalid port specification: \"{}\"", binding.host_port));
    let host_port = range(&binding.host_port).ok_or_else(wrong)?;
    Ok(PortRequest {
        protocol,
        container_port,
        host_ip,
        host_port,
    })
}

/// `""` and `0`: any; `80`; `8000-8010`. The outer `None` is nonsense.
fn range(text: &str) -> Option<Option<RangeInclusive<u16>>> {
    if text.is_empty() || text == "0" {
        return Some(None);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && first > 0).then_some(Some(first..=last))
}

/// `80`, `80/tcp`, `53/udp`; `9/sctp` has no protocol that could be published.
pub fn parse(port: &str) -> Result<(u16, Option<Protocol>)> {
    let wrong = || Error::invalid(format!("invalid port specification: \"{port}\""));
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        "sctp" => None,
        _ => return Err(wrong()),
    };
    let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    Ok((number, protocol))
}

/// `NetworkSettings.Ports`: exposed ports with null, published ones with their host addresses.
#[must_use]
pub fn shown(config: &ContainerConfig, published: &[PublishedPort]) -> Map<List<PortBinding>> {
    let mut ports: BTreeMap<String, List<PortBinding>> = config
        .exposed_ports
        .keys()
        .map(|port| (with_protocol(port), List::null()))
        .collect();
    for port in published {
        ports
            .entry(format!("{}/{}", port.container_port, port.protocol))
            .or_default()
            .push(PortBinding {
                host_ip: port.host.ip().to_string(),
                // zero: open at the container's own address (observed: dockerd 28.5)
                host_port: Some(port.host.port())
                    .filter(|port| *port != 0)
                    .map(|port| port.to_string())
                    .unwrap_or_default(),
            });
    }
    ports.into()
}

fn with_protocol(port: &str) -> String {
    if port.contains('/') {
        port.to_owned()
    } else {
        format!("{port}/tcp")
    }
}

/// The `Ports` of a list: published ones with their host address, exposed ones without.
#[must_use]
pub fn listed(config: &ContainerConfig, published: &[PublishedPort]) -> Vec<Port> {
    let mut ports: Vec<Port> = published
        .iter()
        .map(|port| Port {
            ip: port.host.ip().to_string(),
            private_port: port.container_port,
            public_port: port.host.port(),
            kind: port.protocol.to_string(),
        })
        .collect();
    for port in config.exposed_ports.keys() {
        let Ok((number, protocol)) = parse(port) else { continue };
        let kind = protocol.map_or_else(|| "sctp".to_owned(), |protocol| protocol.to_string());
        if !ports
            .iter()
            .any(|other| other.private_port == number && other.kind == kind)
        {
            ports.push(Port {
                private_port: number,
                kind,
                ..Port::default()
            });
        }
    }
    ports.sort_by(|one, other| {
        (one.private_port, &one.kind, &one.ip).cmp(&(other.private_port, &other.kind, &other.ip))
    });
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(port: &str, ip: &str, host_port: &str) -> HostConfig {
        let binding = PortBinding {
            host_ip: ip.to_owned(),
            host_port: host_port.to_owned(),
        };
        let port_bindings = [(port.to_owned(), List::from(vec![binding]))].into_iter().collect();
        HostConfig {
            port_bindings,
            ..HostConfig::default()
        }
    }

    #[test]
    fn bindings() {
        let config = ContainerConfig::default();
        let asked = requests(&config, &host("80/tcp", "127.0.0.1", "8000-8010")).unwrap();
        assert_eq!(
            (asked[0].container_port, asked[0].host_port.clone()),
            (80, Some(8000..=8010))
        );
        assert_eq!(requests(&config, &host("53/udp", "", "0")).unwrap()[0].host_port, None);
        for (port, ip, host_port) in [
            ("0/tcp", "", "1"),
            ("x", "", "1"),
            ("80/foo", "", "1"),
            ("80", "a", "1"),
            ("80", "", "9-8"),
            ("80", "", "70000"),
        ] {
            assert!(
                requests(&config, &host(port, ip, host_port)).is_err(),
                "{port} {ip} {host_port}"
            );
        }
    }

    #[test]
    fn sctp_can_be_exposed_and_is_refused_by_the_start() {
        let config = ContainerConfig {
            exposed_ports: [("9/sctp".to_owned(), corten_api::Empty {})].into_iter().collect(),
            ..ContainerConfig::default()
        };
        let exposed = HostConfig::default();
        assert_eq!(
            (requests(&config, &exposed).unwrap().len(), refused(&config, &exposed)),
            (0, None)
        );
        assert_eq!(listed(&config, &[])[0].kind, "sctp");
        let bound = host("80/sctp", "", "8080");
        assert!(requests(&config, &bound).unwrap().is_empty());
        assert_eq!(refused(&config, &bound).as_deref(), Some("0.0.0.0:8080"));
        assert!(requests(&config, &host("80/sctp", "", "9-8")).is_err());
        let all = HostConfig {
            publish_all_ports: true,
            ..HostConfig::default()
        };
        assert_eq!(refused(&config, &all).as_deref(), Some("0.0.0.0:0"));
    }

    #[test]
    fn publish_all_leaves_bound_ports_alone() {
        let exposed_ports = [
            ("80/tcp".to_owned(), corten_api::Empty {}),
            ("81/tcp".to_owned(), corten_api::Empty {}),
        ];
        let config = ContainerConfig {
            exposed_ports: exposed_ports.into_iter().collect(),
            ..ContainerConfig::default()
        };
        let host = HostConfig {
            publish_all_ports: true,
            ..host("80/tcp", "", "8080")
        };
        let asked = requests(&config, &host).unwrap();
        assert_eq!(
            asked.iter().map(|port| port.container_port).collect::<Vec<_>>(),
            [80, 81]
        );
        assert_eq!(shown(&config, &[]).get("81/tcp"), Some(&List::null()));
        assert_eq!(listed(&config, &[]).len(), 2);
    }
}
