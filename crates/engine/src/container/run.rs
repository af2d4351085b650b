//! What belongs to one run of a container, recorded in `<run>/containers/<id>/` before it exists:
//! ```text
//! run.json    [`RunRecord`]: what a later daemon needs to take the run over, or to clean up after it
//! plan.json   the compiled container without its filter: what exec sessions are compiled from
//! ```

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use corten_base::file::write_atomic;
use corten_net::Protocol;
use corten_net::sandbox::{PublishedPort, Sandbox};
use corten_runtime::plan::{Cgroup, Plan};
use serde::{Deserialize, Serialize};

use crate::core::Core;

/// The files' names.
pub(crate) const RUN: &str = "run.json";
/// See [`RUN`].
pub(crate) const PLAN: &str = "plan.json";

/// The version written. Version 1 had one `sandbox`, on the default network.
const VERSION: u32 = 2;

/// A container's place on one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Joined {
    /// Full id of the network; empty: the default one.
    pub(crate) network: String,
    /// Its name.
    pub(crate) name: String,
    /// Id of the endpoint.
    pub(crate) endpoint: String,
    /// What the network's name table knows the container by.
    pub(crate) names: Vec<String>,
    /// Who of several gives the way out: the highest.
    pub(crate) priority: i64,
    /// Settings of its interface: files below `/proc/sys/net`, and values.
    #[serde(default)]
    pub(crate) sysctls: Vec<(String, String)>,
    /// Addresses, link and ports.
    pub(crate) sandbox: Sandbox,
}

impl Joined {
    /// Whether packets leave the network by it.
    pub(crate) fn is_way_out(&self) -> bool {
        self.sandbox.gateway4.is_some() || matches!(self.sandbox.address6, Some((.., Some(_))))
    }

    /// Whether it is on the default network.
    pub(crate) fn is_default(&self, core: &Core) -> bool {
        self.network.is_empty() || self.network == core.network_id
    }
}

/// `run.json`, format 2.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RunRecord {
    /// Format.
    pub(crate) version: u32,
    /// Its places, in the order of its interfaces.
    pub(crate) endpoints: Vec<Joined>,
    /// The host ports that its keeper holds, in the order of their sockets, as they were when they came. One that no place
    /// publishes now stays reserved.
    pub(crate) held: Vec<PublishedPort>,
    /// Its only place, in format 1.
    #[serde(skip_serializing)]
    sandbox: Option<Sandbox>,
    /// Variables that its links gave it, for exec sessions too.
    pub(crate) link_environment: Vec<String>,
    /// Its control groups, as far as removing them needs it.
    pub(crate) cgroup: Cgroup,
    /// Id of the endpoint of a container on the host's network or none, for `inspect`; in format 1 of any.
    pub(crate) endpoint: String,
}

impl RunRecord {
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        write_atomic(&directory.join(RUN), &serde_json::to_vec(self)?)
    }

    pub(crate) fn read(directory: &Path) -> io::Result<Option<Self>> {
        let read: Option<Self> = super::record::read(&directory.join(RUN))?;
        Ok(read.map(Self::current))
    }

    /// The plan of the run whose directory this is.
    pub(crate) fn read_plan(directory: &Path) -> io::Result<Option<Plan>> {
        super::record::read(&directory.join(PLAN))
    }

    /// Writes the plan. It only has to last as long as the run.
    pub(crate) fn write_plan(directory: &Path, plan: &Plan) -> io::Result<()> {
        std::fs::write(directory.join(PLAN), serde_json::to_vec(plan)?)
    }

    /// A new record.
    pub(crate) fn new(endpoint: String, endpoints: Vec<Joined>) -> Self {
        Self {
            version: VERSION,
            endpoint,
            held: ports(&endpoints),
            endpoints,
            ..Self::default()
        }
    }

    /// What format 1 said, in today's words.
    fn current(mut self) -> Self {
        if let Some(sandbox) = self.sandbox.take() {
            self.endpoints.push(Joined {
                sysctls: Vec::new(),
                network: String::new(),
                name: "bridge".to_owned(),
                endpoint: std::mem::take(&mut self.endpoint),
                names: Vec::new(),
                priority: 0,
                sandbox,
            });
        }
        if self.held.is_empty() {
            self.held = ports(&self.endpoints);
        }
        self.version = VERSION;
        self
    }

    /// The container's own addresses, in the order of its interfaces, IPv4 first.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        let all = self.endpoints.iter().flat_map(|joined| joined.sandbox.addresses());
        all.collect()
    }

    /// Its published ports.
    pub(crate) fn published(&self) -> Vec<PublishedPort> {
        let all = self.endpoints.iter().map(|joined| &joined.sandbox);
        let open = all.flat_map(|sandbox| &sandbox.direct).filter(|port| {
            let same = |other: &&PublishedPort| other.host.ip() == port.host.ip();
            let held = |other: &&PublishedPort| other.container_port == port.container_port;
            !self.ports().filter(same).any(|other| held(&other))
        });
        let mut published: Vec<_> = open.chain(self.ports()).cloned().collect();
        // IPv4 first, whichever is the host's (observed: dockerd 28.5)
        published.sort_by_key(|port| (port.container_port, port.protocol == Protocol::Udp, port.host.is_ipv6()));
        published
    }

    /// Those of its published ports that are the host's.
    fn ports(&self) -> impl Iterator<Item = &PublishedPort> {
        self.endpoints.iter().flat_map(|joined| &joined.sandbox.ports)
    }

    /// What its keeper is to do with each port that it holds: serve it for this address and port inside, or (`None`) hold it.
    /// One that the keeper listened on when it came is served for the rest of the run; while no place has it, it leads
    /// nowhere.
    pub(crate) fn served(&self) -> impl Iterator<Item = (Protocol, Option<(IpAddr, u16)>)> {
        self.held.iter().map(|held| {
            let now = self.ports().find(|port| port.is_same_as(held));
            let now = now.and_then(|port| port.way.splice_to());
            let served = held.way.splice_to().map(|_| now.unwrap_or(NOWHERE));
            (held.protocol, served)
        })
    }
}

/// Connections to it are refused.
const NOWHERE: (IpAddr, u16) = (IpAddr::V4(Ipv4Addr::BROADCAST), 9);

fn ports(endpoints: &[Joined]) -> Vec<PublishedPort> {
    let all = endpoints.iter().flat_map(|joined| &joined.sandbox.ports);
    all.cloned().collect()
}

/// The control groups without what is only needed to make them.
pub(crate) fn for_removal(cgroup: &Cgroup) -> Cgroup {
    let mut cgroup = cgroup.clone();
    cgroup.device_program = Vec::new();
    for directory in &mut cgroup.directories {
        directory.writes = Vec::new();
    }
    cgroup
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read() {
        let text = r#"{"version":1,"sandbox":{"container":"CID","link":"veth0","interface":"eth0",
            "mac":"02:00:00:00:00:01","address4":"172.17.0.2","prefix4":16,"gateway4":"172.17.0.1","address6":null,
            "ports":[]},"endpoint":"e1","cgroup":CGROUP}"#;
        let cgroup = serde_json::to_string(&Cgroup::default()).unwrap();
        let text = text.replace("CID", &"01".repeat(32)).replace("CGROUP", &cgroup);
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(RUN), text).unwrap();
        let run = RunRecord::read(directory.path()).unwrap().unwrap();
        assert_eq!((run.endpoints.len(), run.endpoints[0].endpoint.as_str()), (1, "e1"));
        assert_eq!(run.addresses(), [IpAddr::from([172, 17, 0, 2])]);
        run.write(directory.path()).unwrap();
        assert_eq!(RunRecord::read(directory.path()).unwrap().unwrap(), run);
    }
}
