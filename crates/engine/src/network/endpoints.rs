//! What `inspect` and lists show of a container's places on networks.

use corten_api::container::EndpointSettings;
use corten_api::{List, Map};

use super::{place, show};
use crate::container::links::dns_names;
use crate::container::phase::Phase;
use crate::container::run::Joined;
use crate::container::wiring::{self, Asked};
use crate::container::{Container, View};
use crate::core::Core;

/// By the names of the networks.
pub(crate) fn shown(core: &Core, container: &Container, view: &View) -> Map<EndpointSettings> {
    let run = view.run.as_deref();
    let mut endpoints = Map::empty();
    if container.effective.config.network_disabled {
        return endpoints;
    }
    let fresh = matches!(view.life.phase, Phase::Created(_));
    let mode = show::mode_name(&container.effective.network).filter(|name| *name != "bridge");
    if let Some(name) = mode.filter(|_| container.wiring().is_empty()) {
        let mut endpoint = EndpointSettings::default();
        if !fresh {
            endpoint.network_id = show::derived_id(core, name);
        }
        if let Some(run) = run {
            endpoint.endpoint_id.clone_from(&run.endpoint);
        }
        endpoints.insert(name.to_owned(), endpoint);
        return endpoints;
    }
    let at_creation = if fresh {
        wiring::at_creation(container)
    } else {
        Vec::new()
    };
    for asked in container.wiring().iter() {
        let named = !at_creation.contains(asked);
        let (name, endpoint) = one(core, container, asked, run.map(|run| &*run.endpoints), (fresh, named));
        endpoints.insert(name, endpoint);
    }
    endpoints
}

/// The same for lists, which tell less.
pub(crate) fn listed(core: &Core, container: &Container, view: &View) -> Map<EndpointSettings> {
    let shown = shown(core, container, view).into_entries();
    let listed = shown.into_iter().map(|(name, endpoint)| {
        let less = EndpointSettings {
            links: List::null(),
            aliases: List::null(),
            driver_opts: Map::null(),
            dns_names: List::null(),
            ..endpoint
        };
        (name, less)
    });
    listed.collect()
}

fn one(
    core: &Core,
    container: &Container,
    asked: &Asked,
    run: Option<&[Joined]>,
    (fresh, named): (bool, bool),
) -> (String, EndpointSettings) {
    let mut endpoint = asked.settings.clone();
    // Asked for, it shows until the first start; what ended has none (observed: dockerd 28.5).
    if !fresh {
        endpoint.mac_address = String::new();
    }
    let Ok(place) = place::find(core, &asked.network) else {
        return (asked.network.clone(), endpoint);
    };
    // names are given by the first start, or by being connected
    if named {
        endpoint.dns_names = match &place {
            place::Place::Default(..) => List::null(),
            place::Place::User(_) => dns_names(container, &asked.settings).into(),
        };
    }
    if !fresh {
        place.id().clone_into(&mut endpoint.network_id);
    }
    let joined = run.and_then(|run| {
        run.iter()
            .find(|joined| joined.network == place.id() || (joined.network.is_empty() && place.id() == core.network_id))
    });
    if let Some(joined) = joined {
        fill(&mut endpoint, joined);
    }
    (place.name().to_owned(), endpoint)
}

fn fill(endpoint: &mut EndpointSettings, joined: &Joined) {
    let sandbox = &joined.sandbox;
    endpoint.endpoint_id.clone_from(&joined.endpoint);
    endpoint.mac_address = sandbox.mac.to_string();
    if let Some(address) = sandbox.address4 {
        endpoint.ip_address = address.to_string();
        endpoint.ip_prefix_len = i64::from(sandbox.prefix4);
    }
    endpoint.gateway = sandbox.gateway4.map(|gateway| gateway.to_string()).unwrap_or_default();
    if let Some((address, prefix, gateway)) = sandbox.address6 {
        endpoint.global_ipv6_address = address.to_string();
        endpoint.global_ipv6_prefix_len = i64::from(prefix);
        endpoint.ipv6_gateway = gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
    }
}
