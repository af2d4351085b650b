//! After a restart of the daemon: what is in the kernel against what the records say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use corten_base::ContainerId;

use crate::firewall::Publication;
use crate::sandbox::Sandbox;

/// What is in the kernel of one network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Host ends of links on the bridge.
    pub links: Vec<String>,
    /// Published ports.
    pub published: Vec<Publication>,
}

/// What makes the kernel agree with the records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Links of no container that runs: delete.
    pub links_to_delete: Vec<String>,
    /// Ports that no record publishes, or that lead elsewhere: unpublish, before the others are published.
    pub ports_to_remove: Vec<Publication>,
    /// Ports that a record publishes and the kernel does not: publish.
    pub ports_to_add: Vec<Publication>,
    /// Running containers whose link is gone; nothing but a restart of theirs helps.
    pub links_missing: Vec<ContainerId>,
}

/// What [`crate::Host::recover`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Links of containers that no longer run, deleted.
    pub links_removed: Vec<String>,
    /// How many ports that no record publishes were unpublished.
    pub ports_removed: usize,
    /// How many ports that a record publishes were published again.
    pub ports_added: usize,
    /// Running containers whose link is gone; nothing but a restart of theirs helps.
    pub links_missing: Vec<ContainerId>,
}

/// Compares.
#[must_use]
pub fn compare(found: &Found, running: &[Sandbox]) -> Difference {
    let owners: BTreeMap<_, _> = running
        .iter()
        .map(|sandbox| (&sandbox.link, &sandbox.container))
        .collect();
    let links: BTreeSet<_> = found.links.iter().collect();
    let wanted: BTreeSet<_> = running.iter().flat_map(Sandbox::publications).collect();
    let published: BTreeSet<_> = found.published.iter().copied().collect();
    Difference {
        links_to_delete: links
            .iter()
            .filter(|link| !owners.contains_key(*link))
            .map(|link| (*link).clone())
            .collect(),
        ports_to_remove: published.difference(&wanted).copied().collect(),
        ports_to_add: wanted.difference(&published).copied().collect(),
        links_missing: owners
            .iter()
            .filter(|(link, _)| !links.contains(*link))
            .map(|(_, id)| (*id).clone())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::port::Protocol;
    use crate::sandbox::{PublishedPort, Way};
    use crate::{MacAddress, endpoint};

    fn sandbox(number: u8, host_port: u16) -> Sandbox {
        let container = ContainerId::from_random([number; 32]);
        Sandbox {
            link: endpoint::host_name(&container),
            container,
            interface: "eth0".to_owned(),
            mac: MacAddress([2, 0, 0, 0, 0, number]),
            address4: Some(Ipv4Addr::new(172, 17, 0, number)),
            prefix4: 16,
            gateway4: Some(Ipv4Addr::new(172, 17, 0, 1)),
            address6: None,
            ports: vec![PublishedPort {
                protocol: Protocol::Tcp,
                host: SocketAddr::from(([0, 0, 0, 0], host_port)),
                container_port: 80,
                way: Way::Translate,
            }],
            direct: Vec::new(),
            link_local: Vec::new(),
        }
    }

    fn found(sandboxes: &[&Sandbox]) -> Found {
        Found {
            links: sandboxes.iter().map(|sandbox| sandbox.link.clone()).collect(),
            published: sandboxes.iter().flat_map(|sandbox| sandbox.publications()).collect(),
        }
    }

    #[test]
    fn agreement_is_no_difference() {
        let (one, two) = (sandbox(2, 8080), sandbox(3, 8081));
        assert_eq!(compare(&found(&[&one, &two]), &[two, one]), Difference::default());
        assert_eq!(compare(&Found::default(), &[]), Difference::default());
    }

    #[test]
    fn the_dead_are_removed_and_the_living_restored() {
        let (alive, dead, unlinked) = (sandbox(2, 8080), sandbox(3, 8081), sandbox(4, 8082));
        let mut kernel = found(&[&alive, &dead]);
        kernel.published.retain(|port| port.host.port() != 8080);
        let difference = compare(&kernel, &[alive.clone(), unlinked.clone()]);
        assert_eq!(difference.links_to_delete, std::slice::from_ref(&dead.link));
        assert_eq!(difference.ports_to_remove, dead.publications());
        assert_eq!(
            difference.ports_to_add,
            [alive.publications(), unlinked.publications()].concat()
        );
        assert_eq!(difference.links_missing, [unlinked.container]);
    }

    #[test]
    fn a_port_that_leads_elsewhere_is_moved() {
        let (old, new) = (sandbox(2, 8080), sandbox(3, 8080));
        let difference = compare(&found(&[&old]), std::slice::from_ref(&new));
        assert_eq!(difference.ports_to_remove, old.publications());
        assert_eq!(difference.ports_to_add, new.publications());
    }
}
