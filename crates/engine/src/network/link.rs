//! Links (`--link`) of containers on the default network: the other's address in `/etc/hosts`, and variables that
//! tell its ports and environment. On user-defined networks a link is an alias of the name server's instead.
//! Observed: dockerd 28.5.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use corten_api::container::HostConfig;
use corten_base::ContainerId;
use corten_net::Protocol;

use super::linked::{self, Declared};
use super::opened;
use crate::container::effective::NetworkMode;
use crate::container::run::{Joined, RunRecord};
use crate::container::{Container, ports};
use crate::core::Core;
use crate::error::{Error, ErrorKind, Result};

/// `CONTAINER[:ALIAS]`, as given or as `inspect` shows it (`/db:/web/alias`): the container and the alias.
pub(crate) fn parse(text: &str) -> Result<(&str, &str)> {
    if text.is_empty() {
        return Err(Error::internal("empty string specified for links"));
    }
    let (container, alias) = text.split_once(':').unwrap_or((text, text));
    if alias.is_empty() || alias.contains(':') {
        return Err(Error::internal(format!("bad format for links: {text}")));
    }
    let own = container.strip_prefix('/').unwrap_or(container);
    Ok((own, alias.rsplit('/').next().unwrap_or(alias)))
}

/// Checks the links of a container that is created under `name`, and writes them as Docker shows them. Returns the
/// containers that they mean.
pub(crate) fn resolve(core: &Core, host: &mut HostConfig, name: &str) -> Result<Vec<ContainerId>> {
    if NetworkMode::parse(&host.network_mode) != NetworkMode::Bridge {
        return Ok(Vec::new());
    }
    let mut ids = Vec::new();
    for link in host.links.iter_mut() {
        let (container, alias) = parse(link)?;
        let found = core.containers.find(container).map_err(|error| Error {
            // sic: to clients, "not found" as the answer to a creation means the image
            kind: ErrorKind::InvalidParameter,
            message: format!("could not get container for {container}: {}", error.message),
        })?;
        *link = format!("/{}:/{name}/{alias}", found.name());
        ids.push(found.id.clone());
    }
    Ok(ids)
}

/// One link of a container that starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    child: ContainerId,
    alias: String,
    address: IpAddr,
    /// The names behind the address in `/etc/hosts`.
    names: String,
    environment: Vec<String>,
}

/// The links of a container on the default network; none elsewhere.
pub(crate) fn links(core: &Core, container: &Container) -> Result<Vec<Link>> {
    let declared = linked::declared(container);
    declared.iter().map(|link| one(core, container, link)).collect()
}

fn one(core: &Core, container: &Container, link: &Declared) -> Result<Link> {
    let alias = link.alias.as_str();
    let child = core.containers.find(&link.child)?;
    let view = child.look();
    let path = format!("/{}/{alias}", container.name());
    let Some(run) = view.run.as_ref().filter(|_| view.life.phase.running().is_some()) else {
        return Err(Error::internal(format!(
            "Cannot link to a non running container: /{} AS {path}",
            child.name()
        )));
    };
    let place = run.endpoints.iter().find(|joined| joined.is_default(core));
    let address = place.and_then(|joined| joined.sandbox.addresses().first().copied());
    let address = address
        .ok_or_else(|| Error::internal(format!("container {} not attached to default bridge network", child.id)))?;
    Ok(Link {
        names: host_names(&child, alias),
        environment: environment(&child, alias, &path, address),
        child: child.id.clone(),
        alias: alias.to_owned(),
        address,
    })
}

/// The alias, the host name, the name; each once.
fn host_names(child: &Container, alias: &str) -> String {
    let (hostname, name) = (&child.effective.config.hostname, child.name());
    let mut names = vec![alias];
    for other in [hostname.as_str(), name.as_str()] {
        if !other.is_empty() && !names.contains(&other) {
            names.push(other);
        }
    }
    names.join(" ")
}

fn environment(child: &Container, alias: &str, path: &str, address: IpAddr) -> Vec<String> {
    variables(alias, path, address, &exposed(child), &child.effective.config.env)
}

/// What a container says that it listens on, TCP before UDP of the same number.
pub(super) fn exposed(child: &Container) -> Vec<(u16, Protocol)> {
    let exposed = child.effective.config.exposed_ports.keys().filter_map(|port| {
        let (number, protocol) = ports::parse(port).ok()?;
        Some((number, protocol?))
    });
    let mut exposed: Vec<(u16, Protocol)> = exposed.collect();
    exposed.sort_by_key(|&(port, protocol)| (port, protocol == Protocol::Udp));
    exposed
}

/// The variables of a link (pure). The first TCP port is the one that `ALIAS_PORT` tells.
fn variables(
    alias: &str,
    path: &str,
    address: IpAddr,
    exposed: &[(u16, Protocol)],
    environment: &[String],
) -> Vec<String> {
    let alias = alias.replace('-', "_").to_uppercase();
    let mut variables = vec![format!("{alias}_NAME={path}")];
    let first = exposed.iter().find(|(_, protocol)| *protocol == Protocol::Tcp);
    if let Some((port, protocol)) = first.or(exposed.first()) {
        variables.push(format!("{alias}_PORT={protocol}://{address}:{port}"));
    }
    for (port, last, protocol) in ranges(exposed) {
        if last == port {
            continue;
        }
        let prefix = format!("{alias}_PORT_{port}_{}", protocol.to_string().to_uppercase());
        variables.push(format!("{prefix}_START={protocol}://{address}:{port}"));
        variables.push(format!("{prefix}_END={protocol}://{address}:{last}"));
        variables.push(format!("{prefix}_PORT_START={port}"));
        variables.push(format!("{prefix}_PORT_END={last}"));
    }
    for (port, protocol) in exposed {
        let prefix = format!("{alias}_PORT_{port}_{}", protocol.to_string().to_uppercase());
        variables.push(format!("{prefix}={protocol}://{address}:{port}"));
        variables.push(format!("{prefix}_ADDR={address}"));
        variables.push(format!("{prefix}_PORT={port}"));
        variables.push(format!("{prefix}_PROTO={protocol}"));
    }
    for variable in environment {
        if let Some((name, value)) = variable
            .split_once('=')
            .filter(|(name, _)| !matches!(*name, "HOME" | "PATH"))
        {
            variables.push(format!("{alias}_ENV_{name}={value}"));
        }
    }
    variables
}

/// Ports in a row: first, last, protocol.
fn ranges(exposed: &[(u16, Protocol)]) -> Vec<(u16, u16, Protocol)> {
    let mut ranges: Vec<(u16, u16, Protocol)> = Vec::new();
    for &(port, protocol) in exposed {
        match ranges.iter_mut().rev().find(|(_, _, other)| *other == protocol) {
            Some((_, last, _)) if *last + 1 == port => *last = port,
            Some(_) | None => ranges.push((port, port, protocol)),
        }
    }
    ranges
}

impl Link {
    /// What the linking container gets for variables.
    pub(crate) fn environment(&self) -> &[String] {
        &self.environment
    }

    /// Name and address for `/etc/hosts`.
    pub(crate) fn host(&self) -> (String, IpAddr) {
        (self.names.clone(), self.address)
    }
}

/// Parents and what they call a child; the names behind its address in their `/etc/hosts`.
type Parents = HashMap<(ContainerId, String), String>;

/// Which running containers link to which: asked when a linked container starts again with another address.
#[derive(Debug, Default)]
pub(crate) struct LinkIndex {
    /// By child: parents and what they call it, with the names behind the child's address in their `/etc/hosts`.
    parents: Mutex<HashMap<ContainerId, Parents>>,
}

impl LinkIndex {
    /// A container with these links starts, or was found running.
    pub(crate) fn enter(&self, parent: &ContainerId, links: &[Link]) {
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        for link in links {
            let of = parents.entry(link.child.clone()).or_default();
            of.insert((parent.clone(), link.alias.clone()), link.names.clone());
        }
    }

    /// A container has ended.
    pub(crate) fn leave(&self, parent: &ContainerId) {
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        parents.retain(|_, of| {
            of.retain(|(other, _), _| other != parent);
            !of.is_empty()
        });
    }

    /// A link is removed: the names that stand for it in the parent's `/etc/hosts`, if it runs.
    pub(crate) fn unlink(&self, parent: &ContainerId, alias: &str) -> Option<String> {
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (parent.clone(), alias.to_owned());
        let names = parents.values_mut().find_map(|of| of.remove(&key));
        parents.retain(|_, of| !of.is_empty());
        names
    }

    /// Whether anybody links to it.
    pub(crate) fn has_parents(&self, child: &ContainerId) -> bool {
        let parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        parents.contains_key(child)
    }

    fn of(&self, child: &ContainerId) -> Vec<(ContainerId, String)> {
        let parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        let of = parents.get(child).into_iter().flatten();
        of.map(|((id, _), names)| (id.clone(), names.clone())).collect()
    }
}

/// A container that others link to has started: its address is theirs to know. Blocks.
pub(crate) fn child_started(core: &Core, child: &Container, run: &RunRecord) {
    let default = |joined: &&Joined| joined.is_default(core);
    let Some(joined) = run.endpoints.iter().find(default) else {
        return;
    };
    let Some(address) = joined.sandbox.addresses().first().copied() else {
        return;
    };
    for (parent, names) in core.links.of(&child.id) {
        let path = core.run_directory(&parent).join("hosts");
        if let Err(error) = linked::readdress(&path, &names, Some(address)) {
            tracing::error!(container = parent.short(), %error, "a linked container's new address is not told");
        }
        opened::again(core, &parent, child, run);
    }
}

/// The links of a container that an earlier daemon started; those whose other end is gone are left out.
pub(crate) fn adopted(core: &Core, container: &Arc<Container>) {
    let declared = linked::declared(container);
    let links: Vec<Link> = declared
        .iter()
        .filter_map(|link| one(core, container, link).ok())
        .collect();
    core.links.enter(&container.id, &links);
    opened::adopted(core, container);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_as_given_and_as_shown() {
        assert_eq!(parse("db").unwrap(), ("db", "db"));
        assert_eq!(parse("db:mysql").unwrap(), ("db", "mysql"));
        assert_eq!(parse("/db:/web/mysql").unwrap(), ("db", "mysql"));
        for bad in [":", "a:", "a:b:c"] {
            assert_eq!(parse(bad).unwrap_err().message, format!("bad format for links: {bad}"));
        }
        assert_eq!(parse("").unwrap_err().message, "empty string specified for links");
    }

    #[test]
    fn variables_as_docker_makes_them() {
        let tcp = Protocol::Tcp;
        let exposed = [(53, Protocol::Udp), (80, tcp), (81, tcp), (443, tcp)];
        let environment = ["A=b", "HOME=/x", "EMPTY=", "bare"].map(str::to_owned);
        let all = variables(
            "my-sql",
            "/wp/my-sql",
            IpAddr::from([172, 17, 0, 2]),
            &exposed,
            &environment,
        );
        let has = |variable: &str| all.iter().any(|own| own == variable);
        for variable in [
            "MY_SQL_NAME=/wp/my-sql",
            "MY_SQL_PORT=tcp://172.17.0.2:80",
            "MY_SQL_PORT_80_TCP_START=tcp://172.17.0.2:80",
            "MY_SQL_PORT_80_TCP_END=tcp://172.17.0.2:81",
            "MY_SQL_PORT_80_TCP_PORT_START=80",
            "MY_SQL_PORT_80_TCP_PORT_END=81",
            "MY_SQL_PORT_81_TCP_ADDR=172.17.0.2",
            "MY_SQL_PORT_443_TCP=tcp://172.17.0.2:443",
            "MY_SQL_PORT_53_UDP_PROTO=udp",
            "MY_SQL_ENV_A=b",
            "MY_SQL_ENV_EMPTY=",
        ] {
            assert!(has(variable), "{variable} is not in {all:?}");
        }
        assert_eq!(all.len(), 2 + 4 + 4 * 4 + 2);
    }
}
