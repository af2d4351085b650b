//! Links (`--link`) on a default network whose containers may not talk to each other (`icc=false`): the ports that the
//! linked container exposes are open to the one that links to it. Observed: dockerd 28.5.

use corten_base::ContainerId;
use corten_net::network::{LinkError, Linked};
use corten_net::sandbox::Sandbox;
use corten_sys::fault::boundary;

use super::link;
use super::linked;
use crate::container::Container;
use crate::container::run::{Joined, RunRecord};
use crate::core::Core;
use crate::error::{Error, Result};

/// A container starts, and has its places: it may use those it links to. Blocks.
pub(crate) fn start(core: &Core, container: &Container, joined: &[Joined]) -> Result<()> {
    for link in linked::declared(container) {
        boundary("link.open");
        let child = core.containers.find(&link.child)?;
        let run = child.look().run.clone();
        let of_child = run.as_ref().map_or(&[][..], |run| &run.endpoints);
        between(core, joined, (&child, of_child)).map_err(refused)?;
        boundary("link.opened");
    }
    Ok(())
}

/// A linked container has started again, at the places of this run. Blocks.
pub(super) fn again(core: &Core, parent: &ContainerId, child: &Container, of_child: &RunRecord) {
    let Ok(parent) = core.containers.find(parent.as_str()) else {
        return;
    };
    let Some(run) = parent.look().run.clone() else { return };
    if let Err(error) = between(core, &run.endpoints, (child, &of_child.endpoints)) {
        tracing::error!(container = child.id.short(), %error, "a linked container cannot be reached");
    }
}

/// A link was removed. Blocks.
pub(crate) fn removed(core: &Core, parent: &Container, alias: &str) -> Result<()> {
    let Some(child) = linked::of_creation(parent).into_iter().find(|link| link.alias == alias) else {
        return Ok(());
    };
    if linked::declared(parent).iter().any(|link| link.child == child.child) {
        return Ok(()); // by another name
    }
    let Ok(child) = core.containers.find(&child.child) else {
        return Ok(());
    };
    let (Some(bridge), Some(run)) = (&core.bridge, parent.look().run.clone()) else {
        return Ok(());
    };
    boundary("unlink.close");
    let Some(of_child) = child.look().run.clone() else {
        return Ok(());
    };
    match (place(core, &run.endpoints), place(core, &of_child.endpoints)) {
        (Some(parent), Some(child)) => bridge.close_link(Linked { parent, child }).map_err(refused),
        (Some(_), None) | (None, Some(_) | None) => Ok(()),
    }
}

/// What a container that an earlier daemon started links to, and does not link to any more.
pub(super) fn adopted(core: &Core, container: &Container) {
    let Some(run) = container.look().run.clone() else {
        return;
    };
    let failed = |error: Error| {
        tracing::error!(container = container.id.short(), %error, "a link is not as it should be");
    };
    for link in linked::of_creation(container) {
        removed(core, container, &link.alias).unwrap_or_else(failed);
    }
    start(core, container, &run.endpoints).unwrap_or_else(failed);
}

fn between(
    core: &Core,
    parent: &[Joined],
    (child, of_child): (&Container, &[Joined]),
) -> std::result::Result<(), LinkError> {
    let (Some(bridge), Some(parent), Some(place)) = (&core.bridge, place(core, parent), place(core, of_child)) else {
        return Ok(());
    };
    let exposed = link::exposed(child);
    let ports: Vec<_> = exposed.into_iter().map(|(port, protocol)| (protocol, port)).collect();
    let linked = Linked { parent, child: place };
    bridge.open_link(linked, &ports)
}

fn place<'a>(core: &Core, joined: &'a [Joined]) -> Option<&'a Sandbox> {
    let joined = joined.iter().find(|joined| joined.is_default(core))?;
    Some(&joined.sandbox)
}

fn refused(error: LinkError) -> Error {
    Error::caused("open or close a link", error)
}
