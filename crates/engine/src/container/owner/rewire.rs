//! Telling a container's keeper what its network is from now on, while the container runs.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use corten_shim::protocol::{Dns, FailureKind, Reply, Request};

use crate::container::run::{Joined, RunRecord};
use crate::container::{Container, start};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::network::files;
use crate::shim::{ShimError, ShimHandle};

/// What is new to a shim.
#[derive(Default)]
pub(super) struct Change<'a> {
    /// A place that it has to configure.
    pub(super) come: Option<&'a Joined>,
    /// Interfaces that it has to delete.
    pub(super) gone: Vec<String>,
    /// Sockets of the last ones of its ports.
    pub(super) sockets: Vec<OwnedFd>,
}

impl Change<'_> {
    /// Interfaces have gone, nothing else.
    pub(super) fn without(gone: Vec<String>) -> Self {
        Self {
            gone,
            ..Self::default()
        }
    }
}

/// Tells a shim what its container has now.
pub(super) async fn rewire(
    core: &Arc<Core>,
    container: &Arc<Container>,
    shim: &ShimHandle,
    run: &RunRecord,
    change: Change<'_>,
) -> Result<Option<Dns>> {
    let (planned, record) = (Arc::clone(container), run.clone());
    let dns = blocking(core, move |core| Ok(files::dns(core, &planned, &record))).await?;
    let mut setup = start::setup(run, dns.clone());
    setup.gone = change.gone;
    setup.fresh_ports = change.sockets.len();
    for interface in &mut setup.interfaces {
        interface.configured = change
            .come
            .is_none_or(|fresh| fresh.sandbox.interface != interface.name);
    }
    let mut sockets = change.sockets;
    sockets.extend(start::host_namespace(dns.as_ref())?);
    match shim.ask(Request::Rewire(setup), sockets).await {
        // Its end came first: nobody is left inside to be told, and the outside goes with the run.
        Err(ShimError::Failed(failure)) if failure.kind == FailureKind::NotRunning => {}
        told => {
            told.map_err(|error| {
                Error::internal(format!(
                    "failed to set up container networking: the container's keeper: {error}"
                ))
            })?;
        }
    }
    Ok(dns)
}

/// After a daemon that died half way: the inside and the files of a container without what was taken away.
pub(crate) async fn mend(
    core: &Arc<Core>,
    container: &Arc<Container>,
    shim: &ShimHandle,
    run: Arc<RunRecord>,
    gone: &[Joined],
) -> Result<()> {
    let inside = gone.iter().flat_map(without_host_end).collect();
    rewire(core, container, shim, &run, Change::without(inside)).await?;
    let gone: Vec<_> = gone.iter().flat_map(|joined| joined.sandbox.addresses()).collect();
    let container = Arc::clone(container);
    blocking(core, move |core| {
        files::update(core, &container, &run, &[], &gone, false)
    })
    .await
}

/// The interface of a place that has no end outside to be deleted by.
pub(super) fn without_host_end(joined: &Joined) -> Vec<String> {
    let sandbox = &joined.sandbox;
    let is_alone = sandbox.link.is_empty();
    is_alone.then(|| sandbox.interface.clone()).into_iter().collect()
}

/// The keeper's process.
pub(super) async fn shim_pid(shim: &ShimHandle) -> Result<u32> {
    let failed =
        |why: &dyn std::fmt::Display| Error::internal(format!("the container's keeper does not answer: {why}"));
    match shim.request(Request::State, Vec::new()).await {
        Ok(Reply::State(state)) => Ok(state.shim_pid),
        Ok(_) => Err(failed(&"it said something else")),
        Err(error) => Err(failed(&error)),
    }
}
