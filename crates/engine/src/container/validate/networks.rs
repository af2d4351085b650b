//! What a creation may ask of networks: which go with no other, what is asked of them, links (pure).

use corten_api::container::{HostConfig, NetworkingConfig};
use corten_net::mac::MacAddress;

use crate::container::effective::NetworkMode;
use crate::error::{Error, Result};

/// What is no network of its own goes with no other. Told before the start, to which Docker leaves it.
pub(super) fn refuse_mixture<'a>(mode: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let alone = |name: &str| matches!(name, "host" | "none") || name.starts_with("container:");
    let mode = if mode.is_empty() { "default" } else { mode };
    let names: Vec<&str> = names.collect();
    // With settings for others alone it is on these alone (observed: dockerd 28.5).
    if mode == "none" && !names.contains(&"none") {
        return Ok(());
    }
    for name in names.into_iter().filter(|name| *name != mode && *name != "default") {
        let why = match (mode, name) {
            ("none", _) | (_, "none") => {
                "container cannot be connected to multiple networks with one of the networks in private (none) mode"
            }
            (mode, _) if alone(mode) => {
                "container sharing network namespace with another container or host cannot be connected to any other network"
            }
            (_, "host") => "cannot connect container to host network - container must be created in host network mode",
            _ => continue,
        };
        return Err(Error::invalid(format!("failed to set up container networking: {why}")));
    }
    Ok(())
}

/// Nothing can be asked of what is no network of its own.
pub(super) fn refuse_networks(networking: Option<&NetworkingConfig>) -> Result<()> {
    let Some(networking) = networking else { return Ok(()) };
    for (name, endpoint) in &networking.endpoints_config {
        let refused = |why: String| Err(Error::invalid(format!("invalid config for network {name}: {why}")));
        let Some(given) = endpoint else {
            return refused("EndpointsConfig is nil".to_owned());
        };
        let mac = &given.mac_address;
        if !mac.is_empty() && mac.parse::<MacAddress>().is_err() {
            return refused(format!("invalid MAC address {mac}"));
        }
        if !matches!(name.as_str(), "host" | "none") && !name.starts_with("container:") {
            continue;
        }
        let Some(endpoint) = endpoint else { continue };
        let address = endpoint.ipam_config.as_ref().is_some_and(|ipam| {
            !ipam.ipv4_address.is_empty() || !ipam.ipv6_address.is_empty() || !ipam.link_local_ips.is_empty()
        });
        if address {
            return Err(Error::invalid(format!(
                "invalid config for network {name}: invalid endpoint settings:\nuser specified IP address is supported on user defined networks only",
            )));
        }
        if !endpoint.aliases.is_empty() {
            return Err(Error::invalid(format!(
                "invalid config for network {name}: invalid endpoint settings:\nnetwork-scoped alias is supported only for containers in user defined networks",
            )));
        }
    }
    Ok(())
}

/// Who has no network of its own has no links either.
pub(super) fn check_links(host: &HostConfig) -> Result<()> {
    if host.network_mode == "container:" {
        return Err(Error::invalid(
            "invalid network mode: invalid container format container:<name|id>",
        ));
    }
    let kind = match NetworkMode::parse(&host.network_mode) {
        NetworkMode::Host => "host type networking",
        NetworkMode::Container(_) => "container type network",
        NetworkMode::Bridge | NetworkMode::None | NetworkMode::Named(_) => return Ok(()),
    };
    if host.links.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "conflicting options: {kind} can't be used with links. This would result in undefined behavior"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_that_go_with_no_other() {
        let shares = "container sharing network namespace with another container or host cannot be connected to any other network";
        let private =
            "container cannot be connected to multiple networks with one of the networks in private (none) mode";
        let host = "cannot connect container to host network - container must be created in host network mode";
        for (mode, names, expected) in [
            ("host", &["host", "n1"][..], Some(shares)),
            ("host", &["host", "none"], Some(private)),
            ("container:x", &["container:x", "n1"], Some(shares)),
            ("none", &["none", "bridge"], Some(private)),
            ("none", &["n1"], None),
            ("bridge", &["bridge", "none"], Some(private)),
            ("n1", &["n1", "host"], Some(host)),
            ("", &["bridge", "host"], Some(host)),
            ("host", &["host"], None),
            ("host", &["default"], None),
            ("n1", &["n1", "n2", "bridge"], None),
            ("", &["n1"], None),
        ] {
            let found = refuse_mixture(mode, names.iter().copied())
                .err()
                .map(|error| error.message);
            let expected = expected.map(|why| format!("failed to set up container networking: {why}"));
            assert_eq!(found, expected, "{mode} {names:?}");
        }
    }
}
