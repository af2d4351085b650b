//! The networks against the containers that run: leases, links, ports, names.

use std::collections::BTreeMap;

use corten_net::BridgeNetwork;
use corten_net::sandbox::Sandbox;

use crate::core::Core;
use crate::error::{Error, Result};
use crate::network::driver::Driver;
use crate::network::registry::Member;

/// Takes over the places of `running` containers (by their ids) and clears everything else away.
pub(super) fn recover(core: &Core, running: Vec<(String, Member)>) -> Result<()> {
    let mut by_network: BTreeMap<String, Vec<(String, Member)>> = BTreeMap::new();
    for (container, member) in running {
        let network = if member.joined.is_default(core) {
            core.network_id.clone()
        } else {
            member.joined.network.clone()
        };
        by_network.entry(network).or_default().push((container, member));
    }
    let sandboxes = |members: &[(String, Member)]| -> Vec<Sandbox> {
        members
            .iter()
            .map(|(_, member)| member.joined.sandbox.clone())
            .collect()
    };
    let users = core.networks.all();
    let mut places: Vec<(&BridgeNetwork, Vec<Sandbox>)> = Vec::new();
    if let Some(bridge) = &core.bridge {
        let own = by_network.remove(&core.network_id).unwrap_or_default();
        places.push((bridge, sandboxes(&own)));
    }
    for network in &users {
        let members = by_network.remove(&network.record.id).unwrap_or_default();
        match &network.driver {
            Driver::Bridge(bridge) => places.push((bridge, sandboxes(&members))),
            Driver::Macvlan(own) => own.adopt(&sandboxes(&members)),
            Driver::Nothing | Driver::Broken(_) => {}
        }
        network.recover(members)?;
    }
    for (network, members) in by_network {
        tracing::error!(
            network,
            containers = members.len(),
            "the network of running containers is not known"
        );
    }
    let Some(host) = core.networks.opened_host() else {
        return Ok(());
    };
    let report = host
        .recover(&places)
        .map_err(|error| Error::caused("recover the networks", error))?;
    for id in &report.links_missing {
        tracing::warn!(
            container = id.short(),
            "a link of a running container is gone; restart it"
        );
    }
    Ok(())
}
