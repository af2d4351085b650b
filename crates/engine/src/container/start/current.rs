//! What holds for a container as of now: with the limits it was given since, the names of the one whose network it
//! joins, and the variables that links give.

use std::borrow::Cow;

use crate::container::Container;
use crate::container::effective::{Effective, NetworkMode};
use crate::core::Core;
use crate::error::Result;
/// What holds, with the variables that links give; the container's own come over them.
pub(crate) fn with_environment<'a>(effective: Cow<'a, Effective>, environment: &[String]) -> Cow<'a, Effective> {
    if environment.is_empty() {
        return effective;
    }
    let mut effective = effective.into_owned();
    let own = std::mem::take(&mut effective.config.env);
    effective.config.env = environment.iter().chain(own.iter()).cloned().collect();
    Cow::Owned(effective)
}

/// What holds, with the names of the container whose network it joins.
pub(crate) fn named_as_joined<'a>(core: &Core, container: &'a Container) -> Result<Cow<'a, Effective>> {
    let NetworkMode::Container(reference) = &container.effective.network else {
        return Ok(limited_now(container));
    };
    let other = core.containers.find(reference)?;
    let mut effective = limited_now(container).into_owned();
    effective.config.hostname.clone_from(&other.effective.config.hostname);
    effective
        .config
        .domainname
        .clone_from(&other.effective.config.domainname);
    Ok(Cow::Owned(effective))
}

/// What holds, with the limits of today.
fn limited_now(container: &Container) -> Cow<'_, Effective> {
    if container.changes().limits.is_none() {
        return Cow::Borrowed(&container.effective);
    }
    let mut effective = container.effective.clone();
    effective.host = container.host_now();
    Cow::Owned(effective)
}
