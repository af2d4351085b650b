//! The network of a start: the link into the shim's namespace, and what the shim is told of it.

use std::fs;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use corten_shim::protocol::{self, NetworkSetup};
use corten_sys::fault::boundary;
use tokio::sync::mpsc;

use super::failure::shim_error;
use crate::container::run::RunRecord;
use crate::container::{Container, links};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::network;
use crate::shim::{News, ShimError};

/// Waits for the shim's namespace and puts the link into it.
pub(super) async fn connect(
    core: &Arc<Core>,
    container: &Arc<Container>,
    run: &Arc<RunRecord>,
    news: &mut mpsc::Receiver<News>,
) -> Result<()> {
    if run.endpoints.is_empty() {
        return Ok(());
    }
    let pid = loop {
        match news.recv().await {
            Some(News::Event(protocol::Event::NamespaceReady { pid })) => break pid,
            Some(News::Event(_)) => {}
            Some(News::Gone) | None => return Err(shim_error(&ShimError::Gone)),
        }
    };
    let (run, container) = (Arc::clone(run), Arc::clone(container));
    blocking(core, move |core| {
        boundary("start.link");
        let namespace = fs::File::open(format!("/proc/{pid}/ns/net"))
            .map_err(|error| Error::caused("open the container's network namespace", error))?;
        let connected = links::connect(core, container.id.as_str(), &run.endpoints, namespace.as_fd());
        boundary("start.linked");
        connected.and_then(|()| network::opened::start(core, &container, &run.endpoints))
    })
    .await
}

/// Has the bridges take the configured links into service now; without it the kernel does so a moment later,
/// and a packet until then is lost, which no start fails for.
pub(in crate::container) async fn settle(core: &Arc<Core>, run: Arc<RunRecord>) {
    let settled = blocking(core, move |core| links::settle(core, &run.endpoints));
    if let Err(error) = settled.await {
        tracing::debug!(%error, "the container's link was not waited for");
    }
}

/// The descriptor that goes with name servers that are asked from the host.
pub(in crate::container) fn host_namespace(dns: Option<&protocol::Dns>) -> Result<Option<OwnedFd>> {
    let is_needed = dns.is_some_and(|dns| dns.servers.iter().any(|server| server.from_host));
    is_needed
        .then(corten_sys::netns::current)
        .transpose()
        .map_err(|error| Error::caused("open the host's network namespace", error))
}

pub(in crate::container) fn setup(run: &RunRecord, dns: Option<protocol::Dns>) -> NetworkSetup {
    NetworkSetup {
        interfaces: links::interfaces(&run.endpoints),
        gone: Vec::new(),
        ports: run.served().map(port_socket).collect(),
        fresh_ports: 0,
        dns,
    }
}

fn port_socket((protocol, splice_to): (corten_net::Protocol, Option<(IpAddr, u16)>)) -> protocol::PortSocket {
    let protocol = match protocol {
        corten_net::Protocol::Tcp => protocol::Protocol::Tcp,
        corten_net::Protocol::Udp => protocol::Protocol::Udp,
    };
    protocol::PortSocket { protocol, splice_to }
}
