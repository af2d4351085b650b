//! Connecting a container to a network, and disconnecting it, running or not.
//!
//! The commit point of both is `networks.json`: what the run's record has beyond it is taken away by the next
//! daemon, so a connection that was cut short is undone and a disconnection finished.
//! ```text
//! connect      lease, run.json, link, names, inside, files, networks.json
//! disconnect   networks.json, ports, names, link, address, inside, files, run.json
//! ```

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use corten_api::container::EndpointSettings;
use corten_shim::protocol::Dns;
use corten_sys::fault::boundary;

use super::Owner;
use super::rewire::{Change, rewire, shim_pid, without_host_end};
use crate::container::effective::NetworkMode;
use crate::container::links::{self, Allotment};
use crate::container::phase::Phase;
use crate::container::run::{Joined, RunRecord};
use crate::container::wiring::{self, Asked};
use crate::container::{Container, start};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::network::place::{self, Place};
use crate::network::{driver_opts, files, registry};
use crate::shim::ShimHandle;

impl Owner {
    /// Puts the container on one more network.
    pub(super) async fn connect_network(&mut self, network: String, settings: EndpointSettings) -> Result<()> {
        let place = connectable(&self.core, &self.container, &network)?;
        place.check(&settings)?;
        if matches!(self.life.phase, Phase::Removing(_) | Phase::Dead(_)) {
            return Err(Error::conflict(format!(
                "container {} is marked for removal and cannot be connected or disconnected to the network",
                self.container.id
            )));
        }
        let asked = Asked {
            network: place.name().to_owned(),
            settings,
        };
        let mut endpoints = self.container.wiring().to_vec();
        endpoints.retain(|other| !is_at(&self.core, other, &place));
        endpoints.push(asked.clone());
        match self.run.as_ref().map(|run| Arc::clone(&run.record)) {
            Some(run) if self.life.phase.running().is_some() => {
                let connected = self.connect_running(run, &place, asked, endpoints).await;
                connected.map_err(plainly)
            }
            Some(_) | None => self.record_wiring(endpoints).await,
        }
    }

    async fn connect_running(
        &mut self,
        run: Arc<RunRecord>,
        place: &Place,
        asked: Asked,
        endpoints: Vec<Asked>,
    ) -> Result<()> {
        if run.endpoints.iter().any(|joined| is_joined(&self.core, joined, place)) {
            return Err(Error::forbidden(format!(
                "endpoint with name {} already exists in network {}",
                self.container.name(),
                place.name()
            )));
        }
        let (container, leasing) = (Arc::clone(&self.container), place.clone());
        let has_links = !asked.settings.links.is_empty();
        let former = Arc::clone(&run);
        let (wired, joined, sockets) = blocking(&self.core, move |core| {
            boundary("connect.lease");
            lease(core, &container, &leasing, &asked, &former)
        })
        .await?;
        let wired = Arc::new(wired);
        let connected = match self
            .connect_joined(&run, Arc::clone(&wired), joined.clone(), sockets)
            .await
        {
            Ok(()) => self.record_wiring(endpoints).await,
            failed => failed,
        };
        // what the new place calls others is asked for only now
        let connected = match connected {
            Ok(()) if has_links => self.rewire(&wired, Change::default()).await.map(drop),
            done => done,
        };
        if let Err(error) = connected {
            self.undo_connection(run, wired, joined).await;
            return Err(error);
        }
        self.publish_networks("connect", std::slice::from_ref(&joined));
        self.adopt_run(wired);
        Ok(())
    }

    /// Makes the link and configures it.
    async fn connect_joined(
        &self,
        former: &Arc<RunRecord>,
        wired: Arc<RunRecord>,
        joined: Joined,
        sockets: Vec<OwnedFd>,
    ) -> Result<()> {
        let pid = shim_pid(self.shim()?).await?;
        let (container, record, fresh) = (Arc::clone(&self.container), Arc::clone(&wired), joined.clone());
        let former = Arc::clone(former);
        blocking(&self.core, move |core| {
            boundary("connect.record");
            let directory = core.run_directory(&container.id);
            let failed = |error| Error::caused("record the run", error);
            record.write(&directory).map_err(failed)?;
            boundary("connect.link");
            let namespace = File::open(format!("/proc/{pid}/ns/net"))
                .map_err(|error| Error::caused("open the container's network namespace", error))?;
            links::withdraw(core, &former.endpoints, &record.endpoints)?;
            boundary("connect.withdrawn");
            links::connect(
                core,
                container.id.as_str(),
                std::slice::from_ref(&fresh),
                namespace.as_fd(),
            )?;
            links::republish(core, &former.endpoints, &record.endpoints)
        })
        .await?;
        boundary("connect.inside");
        let change = Change {
            come: Some(&joined),
            sockets,
            ..Change::default()
        };
        let dns = self.rewire(&wired, change).await?;
        start::settle(&self.core, Arc::clone(&wired)).await;
        boundary("connect.files");
        self.update_files(wired, joined.sandbox.addresses(), Vec::new(), dns)
            .await
    }

    async fn undo_connection(&self, run: Arc<RunRecord>, wired: Arc<RunRecord>, joined: Joined) {
        let (container, former) = (Arc::clone(&self.container), Arc::clone(&run));
        let addresses = joined.sandbox.addresses();
        let gone = without_host_end(&joined);
        let undone = blocking(&self.core, move |core| {
            links::disconnect(core, container.id.as_str(), &joined)?;
            links::withdraw(core, &wired.endpoints, &former.endpoints)?;
            links::republish(core, &wired.endpoints, &former.endpoints)?;
            former
                .write(&core.run_directory(&container.id))
                .map_err(|error| Error::caused("record the run", error))
        });
        let undone = match undone.await {
            Ok(()) => self.rewire(&run, Change::without(gone)).await.map(drop),
            failed => failed,
        };
        let undone = undone.and(self.update_files(run, Vec::new(), addresses, None).await);
        if let Err(error) = undone {
            tracing::error!(container = self.container.id.short(), %error, "a failed connection is not undone completely");
        }
    }

    /// Takes the container off a network.
    pub(super) async fn disconnect_network(&mut self, network: String) -> Result<()> {
        let place = disconnectable(&self.core, &self.container, &network)?;
        let mut endpoints = self.container.wiring().to_vec();
        let before = endpoints.len();
        endpoints.retain(|other| !is_at(&self.core, other, &place));
        if endpoints.len() == before {
            return Err(not_connected(&self.container, place.name()));
        }
        self.record_wiring(endpoints).await?;
        let run = self.run.as_ref().map(|run| Arc::clone(&run.record));
        let Some(run) = run.filter(|_| self.life.phase.running().is_some()) else {
            return Ok(());
        };
        let at = run
            .endpoints
            .iter()
            .position(|joined| is_joined(&self.core, joined, &place));
        let Some(at) = at else { return Ok(()) };
        let mut wired = RunRecord::clone(&run);
        let left = wired.endpoints.remove(at);
        let container = Arc::clone(&self.container);
        let (wired, sockets) = blocking(&self.core, move |core| {
            boundary("disconnect.ports");
            let sockets = share_out_what_is_left(core, &container, &mut wired);
            Ok((wired, sockets))
        })
        .await?;
        let wired = Arc::new(wired);
        self.disconnect_joined(&run, Arc::clone(&wired), left.clone(), sockets)
            .await?;
        self.publish_networks("disconnect", std::slice::from_ref(&left));
        self.adopt_run(wired);
        Ok(())
    }

    async fn disconnect_joined(
        &self,
        former: &Arc<RunRecord>,
        wired: Arc<RunRecord>,
        left: Joined,
        sockets: Vec<OwnedFd>,
    ) -> Result<()> {
        let (container, record, leaving) = (Arc::clone(&self.container), Arc::clone(&wired), left.clone());
        let former = Arc::clone(former);
        blocking(&self.core, move |core| {
            boundary("disconnect.link");
            links::disconnect(core, container.id.as_str(), &leaving)?;
            boundary("disconnect.shift");
            links::withdraw(core, &former.endpoints, &record.endpoints)?;
            links::republish(core, &former.endpoints, &record.endpoints)
        })
        .await?;
        boundary("disconnect.inside");
        let change = Change {
            sockets,
            ..Change::without(without_host_end(&left))
        };
        self.rewire(&wired, change).await?;
        boundary("disconnect.files");
        self.update_files(Arc::clone(&wired), Vec::new(), left.sandbox.addresses(), None)
            .await?;
        let directory = self.core.run_directory(&self.container.id);
        blocking(&self.core, move |_core| {
            boundary("disconnect.record");
            let failed = |error| Error::caused("record the run", error);
            wired.write(&directory).map_err(failed)
        })
        .await
    }

    /// The networks know the container by its new name from now on. One that cannot be told goes by the old one
    /// until the next start.
    pub(super) async fn rename_on_networks(&mut self, old: &str, new: &str) {
        let Some(run) = self.run.as_ref().map(|run| Arc::clone(&run.record)) else {
            return;
        };
        if run.endpoints.iter().all(|joined| joined.names.is_empty()) {
            return;
        }
        let mut wired = RunRecord::clone(&run);
        for name in wired.endpoints.iter_mut().flat_map(|joined| &mut joined.names) {
            if name == old {
                new.clone_into(name);
            }
        }
        let wired = Arc::new(wired);
        let (container, record) = (Arc::clone(&self.container), Arc::clone(&wired));
        let told = blocking(&self.core, move |core| {
            boundary("rename.networks");
            let failed = |error| Error::caused("record the run", error);
            record.write(&core.run_directory(&container.id)).map_err(failed)?;
            links::rename(core, &container, &record.endpoints)
        });
        match told.await {
            Ok(()) => self.adopt_run(wired),
            Err(error) => {
                tracing::error!(container = self.container.id.short(), %error, "a network does not know the new name");
            }
        }
    }

    /// Tells the shim what the container has now.
    async fn rewire(&self, run: &RunRecord, change: Change<'_>) -> Result<Option<Dns>> {
        rewire(&self.core, &self.container, self.shim()?, run, change).await
    }

    fn shim(&self) -> Result<&ShimHandle> {
        let run = self.run.as_ref().map(|run| &run.shim);
        run.ok_or_else(|| Error::conflict(format!("container {} is not running", self.container.id)))
    }

    /// Mends the files of the container's resolver in place.
    async fn update_files(
        &self,
        run: Arc<RunRecord>,
        come: Vec<std::net::IpAddr>,
        gone: Vec<std::net::IpAddr>,
        dns: Option<Dns>,
    ) -> Result<()> {
        let container = Arc::clone(&self.container);
        blocking(&self.core, move |core| {
            files::update(core, &container, &run, &come, &gone, dns.is_some())
        })
        .await
    }

    /// Records what is asked for from now on: the commit point.
    async fn record_wiring(&self, endpoints: Vec<Asked>) -> Result<()> {
        let directory = self.core.container_directory(&self.container.id);
        let written = endpoints.clone();
        blocking(&self.core, move |_core| {
            boundary("wiring.write");
            let failed = |error| Error::caused("record the container's networks", error);
            wiring::write(&directory, &written).map_err(failed)?;
            boundary("wiring.written");
            Ok(())
        })
        .await?;
        self.container.set_wiring(endpoints);
        Ok(())
    }

    fn adopt_run(&mut self, wired: Arc<RunRecord>) {
        if let Some(run) = &mut self.run {
            run.record = wired;
        }
        self.publish();
    }
}

/// Without what a start says in front (observed: dockerd 28.5).
fn plainly(error: Error) -> Error {
    match error.message.strip_prefix("failed to set up container networking: ") {
        Some(message) => Error {
            message: message.to_owned(),
            ..error
        },
        None => error,
    }
}

/// Leases a place on one more network; what a container's run is with it, the place, and sockets of ports that it has got
/// beyond those that it held.
fn lease(
    core: &Core,
    container: &Container,
    place: &Place,
    asked: &Asked,
    run: &RunRecord,
) -> Result<(RunRecord, Joined, Vec<OwnedFd>)> {
    let wanted = links::Wanted {
        interface: driver_opts::choose_name(&asked.settings, place.interface_prefix(), &run.endpoints, &[])?,
        asked,
        place,
    };
    let leased = links::lease_one(core, container, &wanted)?;
    let mut wired = run.clone();
    wired.endpoints.push(leased.clone());
    let allotted = Allotment::of(container, &run.held).allot(core, &mut wired.endpoints);
    let allotted = allotted.inspect_err(|_| {
        links::keep_ports(core, &run.endpoints, &wired.endpoints);
        links::abandon(core, container, &[leased]);
    })?;
    wired.held.extend(allotted.ports);
    let joined = wired.endpoints.last().cloned();
    let joined = joined.ok_or_else(|| Error::internal("a place is lost"))?;
    Ok((wired, joined, allotted.sockets))
}

/// Shares a container's ports out among the places that it keeps. It goes on whatever is taken: what it held it has.
fn share_out_what_is_left(core: &Core, container: &Container, wired: &mut RunRecord) -> Vec<OwnedFd> {
    let allotment = Allotment::of(container, &wired.held);
    let allotted = allotment.allot(core, &mut wired.endpoints).or_else(|error| {
        tracing::error!(container = container.id.short(), %error, "some ports are not published any more");
        let reserve = false;
        Allotment { reserve, ..allotment }.allot(core, &mut wired.endpoints)
    });
    let allotted = allotted.unwrap_or_default();
    wired.held.extend(allotted.ports);
    allotted.sockets
}

fn connectable(core: &Core, container: &Container, network: &str) -> Result<Place> {
    match &container.effective.network {
        NetworkMode::Host | NetworkMode::Container(_) => {
            return Err(Error::invalid(
                "container sharing network namespace with another container or host cannot be connected to any other network",
            ));
        }
        NetworkMode::None => return Err(private()),
        NetworkMode::Bridge | NetworkMode::Named(_) => {}
    }
    match crate::network::builtin(core, network) {
        Some("host") => Err(Error::invalid(
            "cannot connect container to host network - container must be created in host network mode",
        )),
        Some("none") => Err(private()),
        Some(_) | None => place::find(core, network),
    }
}

fn private() -> Error {
    Error::invalid("container cannot be connected to multiple networks with one of the networks in private (none) mode")
}

fn disconnectable(core: &Core, container: &Container, network: &str) -> Result<Place> {
    match crate::network::builtin(core, network) {
        Some("host") if container.effective.network == NetworkMode::Host => Err(Error::forbidden(
            "cannot disconnect container from host network - container was created in host network mode",
        )),
        Some(name @ ("host" | "none")) => Err(not_connected(container, name)),
        Some(_) | None => place::find(core, network),
    }
}

fn not_connected(container: &Container, network: &str) -> Error {
    Error::internal(format!(
        "container {} is not connected to network {network}",
        container.id
    ))
}

/// Whether what is asked for is a place on this network.
fn is_at(core: &Core, asked: &Asked, place: &Place) -> bool {
    asked.network == place.name() || place::find(core, &asked.network).is_ok_and(|other| other.id() == place.id())
}

fn is_joined(core: &Core, joined: &Joined, place: &Place) -> bool {
    place::of(core, joined).is_some_and(|other| other.id() == place.id())
}

/// Places of a run that nobody asks for (any more): what a daemon that died half way left.
pub(crate) fn strays(core: &Core, run: &RunRecord, asked: &[Asked]) -> Vec<Joined> {
    let wanted = |joined: &&Joined| {
        let place = place::of(core, joined);
        place.is_some_and(|place| asked.iter().any(|asked| is_at(core, asked, &place)))
    };
    run.endpoints.iter().filter(|joined| !wanted(joined)).cloned().collect()
}

/// A member of a network, for its list.
pub(crate) fn member(container: &Container, joined: &Joined) -> registry::Member {
    registry::Member {
        container: container.name(),
        joined: joined.clone(),
    }
}
