//! What all networks of one daemon share: the firewall's table, the socket that makes links, the host's
//! ports, the deletion of links and the forgetting of connections.
//!
//! At the daemon's start every network's bridge is made first, then [`Host::admit`] writes the table for all
//! of them at once, so that no running container is without its rules for a moment. Later networks come
//! and go one by one.

mod announce;
mod claim;
mod forget;
mod guarded;
pub(crate) mod port_ledger;
mod sweep;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use corten_sys::netlink::{self, Route};
use corten_sys::nftables::Netfilter;

pub use claim::ClaimError;

pub(crate) use announce::{Announcer, Owner};
pub(crate) use claim::{Claim, numbered};
pub(crate) use sweep::sweep;

use forget::Forgetter;
use guarded::Memory;
use port_ledger::PortLedger;
use sweep::Sweeper;

use crate::firewall::Firewall;
use crate::firewall::foreign::{self, Obstacle};
use crate::firewall::ownership::{self, Ownership};
use crate::forwarding::{self, Version};
use crate::network::OpenError;
use crate::recovery::{self, Found, Recovered};
use crate::sandbox::Sandbox;
use crate::{BridgeNetwork, Means, Subnet, address, endpoint, pool};

/// What a daemon decides about all its networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// The daemon's nftables table, `corten`; daemons side by side need different ones.
    pub table: String,
    /// What may be used.
    pub means: Means,
    /// Turn `ip_forward` on when a network needs it (Docker's `ip-forward`).
    pub forward: bool,
    /// What was not forwarded before stays so when forwarding is turned on (not Docker's `ip-forward-no-drop`).
    pub keep_closed: bool,
    /// What containers publish is open at their own addresses too (Docker's `allow-direct-routing`).
    pub direct: bool,
}

/// The shared parts.
#[derive(Debug)]
pub struct Host {
    config: HostConfig,
    pub(crate) firewall: Firewall,
    ownership: Ownership,
    kernel: Mutex<Route>,
    /// Which versions were guarded when this daemon opened, or have been since: not read again, as by then somebody may
    /// have removed the guard.
    guarded: Mutex<Vec<Version>>,
    /// Remembers them where somebody removes the guard while no daemon runs.
    memory: OnceLock<Memory>,
    pub(crate) ports: PortLedger,
    pub(crate) sweeper: Sweeper,
    pub(crate) announcer: Announcer,
    pub(crate) forgetter: Forgetter,
    _claim: Claim,
}

impl Host {
    /// Claims the table and opens the sockets. Nothing is changed in the kernel.
    ///
    /// # Errors
    /// Another daemon has the table, or the kernel has no netlink or nftables.
    pub fn open(config: HostConfig) -> Result<Arc<Self>, OpenError> {
        let claim = Claim::table(&config.table)?;
        let firewall = Firewall::open(&config.table, config.means)?;
        let guarded = firewall.with_kernel(forwarding::guarded)?;
        Ok(Arc::new(Self {
            kernel: Mutex::new(Route::open().map_err(netlink::Error::from)?),
            firewall,
            ownership: Ownership::new(&config.table, config.means.any_rules()),
            guarded: Mutex::new(guarded),
            memory: OnceLock::new(),
            ports: PortLedger::default(),
            sweeper: Sweeper::default(),
            announcer: Announcer::default(),
            forgetter: Forgetter::open().map_err(netlink::Error::from)?,
            _claim: claim,
            config,
        }))
    }

    /// Keeps in this file, which is to go when the host starts anew, what is guarded; what it says is guarded again by the
    /// next [`Self::mend`].
    pub fn remember_in(&self, file: PathBuf) {
        let memory = Memory::new(file);
        let mut guarded = self.guarded();
        for version in memory.read() {
            if !guarded.contains(&version) {
                guarded.push(version);
            }
        }
        memory.write(&guarded);
        drop(self.memory.set(memory));
    }

    /// Writes again the tables that somebody removed; says which.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn mend(&self) -> Result<Vec<String>, OpenError> {
        let (table, mut mended) = (&self.config.table, Vec::new());
        if self.firewall.mend()? {
            mended.push(format!("inet {table}"));
        }
        if self.owning(Ownership::mend)? {
            mended.push(format!("bridge {table}"));
        }
        let guarded = self.guarded().clone();
        if self.firewall.with_kernel(|kernel| forwarding::mend(kernel, &guarded))? {
            mended.push(format!("inet {}", forwarding::GUARD_TABLE));
        }
        Ok(mended)
    }

    /// Writes the table for exactly these networks, keeping what was published, and turns forwarding on if it
    /// is off and we may.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn admit(&self, networks: &[&BridgeNetwork]) -> Result<(), OpenError> {
        self.firewall
            .set_networks(networks.iter().map(|network| network.plan()).collect())?;
        networks.iter().try_for_each(|network| self.forward_for(network))
    }

    /// Adds one network to the table.
    ///
    /// # Errors
    /// The kernel refuses; the table is as before.
    pub fn add(&self, network: &BridgeNetwork) -> Result<(), OpenError> {
        self.firewall.add_network(network.plan())?;
        let gateways = network.own_addresses();
        self.owning(|ownership, kernel| ownership.add_gateways(kernel, &gateways))?;
        self.forward_for(network)
    }

    /// Takes one network out of the table; that it is not in it is fine.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn drop_network(&self, network: &BridgeNetwork) -> Result<(), OpenError> {
        let gateways = network.own_addresses();
        self.owning(|ownership, kernel| ownership.remove_gateways(kernel, &gateways))?;
        Ok(self.firewall.remove_network(network.bridge())?)
    }

    /// Changes who may answer for which address.
    pub(crate) fn owning<T>(&self, act: impl FnOnce(&Ownership, &mut Netfilter) -> T) -> T {
        self.firewall.with_kernel(|kernel| act(&self.ownership, kernel))
    }

    /// Settings of other people's firewalls that keep packets from containers on this bridge.
    #[must_use]
    pub fn obstacles(&self, bridge: &str) -> Vec<Obstacle> {
        self.firewall
            .with_kernel(|kernel| foreign::find(kernel, &self.config.table, bridge))
    }

    /// The first subnet of the pools of this family that overlaps neither what the host uses nor `taken`.
    ///
    /// # Errors
    /// No pool has one left, or the kernel refuses.
    pub fn choose_subnet(&self, pools: &[(Subnet, u8)], taken: &[Subnet]) -> Result<Subnet, OpenError> {
        let mut occupied = address::occupied(&mut self.kernel(), 0)?;
        occupied.extend(taken);
        pool::choose(pools, &occupied).ok_or(OpenError::NoPool)
    }

    /// A subnet that the host reaches already and that overlaps this one.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn overlapping(&self, subnet: Subnet) -> Result<Option<Subnet>, netlink::Error> {
        let occupied = address::occupied(&mut self.kernel(), 0)?;
        Ok(occupied.into_iter().find(|other| other.overlaps(&subnet)))
    }

    /// Takes over the containers that run: the leases, links and ports of these networks. Everything else on
    /// their bridges and in the table is removed.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn recover(&self, networks: &[(&BridgeNetwork, Vec<Sandbox>)]) -> Result<Recovered, OpenError> {
        let mut links = Vec::new();
        let mut running = Vec::new();
        let all = self.kernel().links()?;
        for (network, sandboxes) in networks {
            network.adopt(sandboxes);
            let index = network.index();
            let ports = all.iter().filter(|link| link.master == index && link.kind == "veth");
            links.extend(
                ports
                    .map(|link| link.name.clone())
                    .filter(|name| endpoint::is_host_name(name)),
            );
            running.extend(sandboxes.iter().cloned());
        }
        if !running.is_empty() {
            self.firewall.adopt_containers();
        }
        let gateways = networks
            .iter()
            .flat_map(|(network, _)| network.own_addresses())
            .collect();
        let owners = networks
            .iter()
            .flat_map(|(network, sandboxes)| sandboxes.iter().map(|sandbox| network.owner(sandbox)));
        self.recover_owners(gateways, &owners.collect::<Vec<_>>())?;
        let published = self.firewall.published()?;
        let difference = recovery::compare(&Found { links, published }, &running);
        self.firewall.unpublish(&difference.ports_to_remove)?;
        self.firewall.publish(&difference.ports_to_add)?;
        let mut kernel = self.kernel();
        for link in &difference.links_to_delete {
            endpoint::retire(&mut kernel, link)?;
        }
        endpoint::sweep(&mut kernel)?;
        Ok(Recovered {
            ports_removed: difference.ports_to_remove.len(),
            ports_added: difference.ports_to_add.len(),
            links_removed: difference.links_to_delete,
            links_missing: difference.links_missing,
        })
    }

    /// Who answers for which address; and what links opened, as far as both ends still run. All other ports of networks
    /// whose containers may not talk to each other are isolated: their links may have gone while no daemon was there.
    fn recover_owners(&self, gateways: Vec<IpAddr>, owners: &[ownership::Owner]) -> Result<(), OpenError> {
        let runs = |address| {
            let is_its = |owner: &&ownership::Owner| owner.addresses.contains(&IpAddr::V4(address));
            owners.iter().filter(|owner| owner.closed).any(|owner| is_its(&owner))
        };
        let mut links = self.firewall.links();
        links.retain(|link| runs(link.parent) && runs(link.child));
        self.firewall.keep_links(links.clone())?;
        let kept = links.clone();
        self.owning(|ownership, kernel| ownership.replace(kernel, gateways, owners, links))?;
        let mut kernel = self.kernel();
        for owner in owners.iter().filter(|owner| owner.closed) {
            let is_linked = |address: &IpAddr| kept.iter().any(|link| link.concerns(*address));
            let isolated = !owner.addresses.iter().any(is_linked);
            // One that is gone is told of below.
            drop(kernel.isolate_port(&owner.link, isolated));
        }
        Ok(())
    }

    /// Removes the table, and turns forwarding off if it was us who turned it on and no Corten daemon has a
    /// bridge. For a daemon that is uninstalled, and for tests.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn remove(&self) -> Result<(), OpenError> {
        let mut kernel = self.kernel();
        endpoint::sweep(&mut kernel)?;
        self.firewall.remove()?;
        self.owning(|ownership, kernel| ownership.delete(kernel))?;
        self.firewall
            .with_kernel(|netfilter| forwarding::restore(&mut kernel, netfilter))?;
        self.change_guarded(Vec::clear);
        Ok(())
    }

    /// What may be used.
    #[must_use]
    pub fn means(&self) -> Means {
        self.config.means
    }

    pub(crate) fn kernel(&self) -> MutexGuard<'_, Route> {
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns IPv6 forwarding off again after the last network that had it, if it was us who turned it on.
    pub(crate) fn close6(&self) -> Result<(), OpenError> {
        let mut kernel = self.kernel();
        if self
            .firewall
            .with_kernel(|netfilter| forwarding::restore6(&mut kernel, netfilter))?
        {
            self.change_guarded(|guarded| guarded.retain(|&version| version != Version::V6));
        }
        Ok(())
    }

    fn guarded(&self) -> MutexGuard<'_, Vec<Version>> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_guarded(&self, change: impl FnOnce(&mut Vec<Version>)) {
        let mut guarded = self.guarded();
        change(&mut guarded);
        if let Some(memory) = self.memory.get() {
            memory.write(&guarded);
        }
    }

    fn forward_for(&self, network: &BridgeNetwork) -> Result<(), OpenError> {
        if !self.config.forward || network.is_internal() {
            return Ok(());
        }
        let means = self.config.means;
        let four = network.subnet4().map(|_| (Version::V4, means.rules4));
        let six = network.subnet6().map(|_| (Version::V6, means.rules6));
        let mut kernel = self.kernel();
        for (version, has_rules) in four.into_iter().chain(six) {
            let keep_closed = self.config.keep_closed && has_rules;
            let turned_on =
                |netfilter: &mut Netfilter| forwarding::ensure(&mut kernel, netfilter, version, keep_closed);
            let is_new = self.firewall.with_kernel(turned_on)?;
            if is_new && !self.guarded().contains(&version) {
                self.change_guarded(|guarded| guarded.push(version));
            }
        }
        Ok(())
    }
}
