//! What a container's embedded name server is told.

use std::net::SocketAddr;

use corten_net::files::resolv::Server;
use corten_shim::protocol::{Dns, NameServer};

use super::{link, place};
use crate::container::Container;
use crate::container::run::Joined;
use crate::core::Core;

/// Port of name servers.
const PORT: u16 = 53;

/// Tables, aliases and servers; `None` for a container that is on no user-defined network. `servers` are what
/// the container's `resolv.conf` would have named.
pub(crate) fn plan(core: &Core, container: &Container, joined: &[Joined], servers: &[Server]) -> Option<Dns> {
    if !is_needed(core, joined) {
        return None;
    }
    let places: Vec<_> = joined.iter().filter_map(|joined| place::of(core, joined)).collect();
    let tables = places.iter().filter_map(|place| place.name_table());
    let mut aliases = Vec::new();
    for asked in container.wiring().iter() {
        aliases.extend(asked.settings.links.iter().map(|link| alias(core, link)));
    }
    aliases.extend(container.effective.host.links.iter().map(|link| alias(core, link)));
    let has_way_out = joined.iter().any(Joined::is_way_out);
    // One that is asked from inside may be a neighbour on a network without a way out; elsewhere it is not reached.
    let is_asked = |server: &&Server| has_way_out || !server.from_host;
    let servers = servers.iter().filter(is_asked).map(|server| NameServer {
        address: SocketAddr::new(server.address, PORT),
        from_host: server.from_host,
    });
    Some(Dns {
        tables: tables.map(std::path::Path::to_path_buf).collect(),
        aliases,
        servers: servers.collect(),
    })
}

/// Whether a container has an embedded name server.
pub(crate) fn is_needed(core: &Core, joined: &[Joined]) -> bool {
    joined.iter().any(|joined| !joined.is_default(core))
}

/// `CONTAINER[:ALIAS]` (checked before): what the alias is called in the tables.
fn alias(core: &Core, link: &str) -> (String, String) {
    let (container, alias) = link::parse(link).unwrap_or((link, link));
    let name = match core.containers.find(container) {
        // a name of the table's that a renaming does not change
        Ok(found) => found.id.short().to_owned(),
        Err(_) => container.to_owned(),
    };
    (alias.to_owned(), name)
}
