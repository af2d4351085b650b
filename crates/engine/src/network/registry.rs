//! Which networks there are: the default one, and those that users made.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use corten_base::file::write_atomic;
use corten_net::firewall::plan::Open;
use corten_net::sandbox::{BridgeNetworkConfig, OpenError};
use corten_net::{BridgeNetwork, Host, HostConfig, MacvlanNetwork, Means};
use corten_shim::names::Entry;

use super::driver::{Driver, bridge_config, macvlan_config};
use super::names::NameTable;
use super::record::NetworkRecord;
use crate::Config;
use crate::container::run::Joined;
use crate::error::{Error, Result};

/// The file beside the records that names the default bridge, where dockerd's name stands for several.
const DEFAULT_BRIDGE: &str = "default-bridge";

/// One user-defined network.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) record: NetworkRecord,
    pub(crate) driver: Driver,
    pub(crate) names: NameTable,
    members: Mutex<Members>,
}

/// Who is on it.
#[derive(Debug, Default)]
struct Members {
    /// By container id.
    joined: BTreeMap<String, Member>,
    /// It is being removed: nobody joins any more.
    closed: bool,
}

/// One container on a network.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The container's name.
    pub(crate) container: String,
    /// Its place.
    pub(crate) joined: Joined,
}

/// All networks of one engine.
pub(crate) struct Networks {
    records: PathBuf,
    tables: PathBuf,
    /// Remembers what forwarding the host did not have before.
    guarded: PathBuf,
    shared: HostConfig,
    host: Mutex<Option<Arc<Host>>>,
    index: RwLock<Index>,
    /// Creations and removals one after the other: they choose subnets.
    pub(super) changing: Mutex<()>,
}

#[derive(Default)]
struct Index {
    networks: BTreeMap<String, Arc<Network>>,
    names: HashMap<String, String>,
}

impl Network {
    pub(super) fn new(record: NetworkRecord, driver: Driver, tables: &Path) -> Self {
        Self {
            names: NameTable::new(tables, &record.id, &record.name),
            record,
            driver,
            members: Mutex::default(),
        }
    }

    /// A container has got a place here.
    pub(crate) fn join(&self, container: &str, name: &str, joined: &Joined) -> Result<()> {
        let mut members = self.members();
        if members.closed {
            return Err(Error::not_found(format!("network {} not found", self.record.name)));
        }
        let member = Member {
            container: name.to_owned(),
            joined: joined.clone(),
        };
        members.joined.insert(container.to_owned(), member);
        Ok(())
    }

    /// A container has gone.
    pub(crate) fn leave(&self, container: &str) {
        self.members().joined.remove(container);
    }

    /// Those who are on it.
    pub(crate) fn joined(&self) -> BTreeMap<String, Member> {
        self.members().joined.clone()
    }

    /// Lets nobody join any more; fails while somebody is there.
    pub(super) fn close(&self) -> Result<()> {
        let mut members = self.members();
        if members.joined.is_empty() {
            members.closed = true;
            return Ok(());
        }
        let endpoints: Vec<String> = members
            .joined
            .values()
            .map(|member| {
                let id = member.joined.endpoint.get(..12).unwrap_or_default();
                format!("name:\"{}\" id:\"{id}\"", member.container)
            })
            .collect();
        Err(Error::forbidden(format!(
            "error while removing network: network {} has active endpoints ({})",
            self.record.name,
            endpoints.join(", ")
        )))
    }

    /// Takes [`Self::close`] back.
    pub(super) fn reopen(&self) {
        self.members().closed = false;
    }

    /// Takes these containers for all that are on it, and writes the name table.
    pub(crate) fn recover(&self, running: Vec<(String, Member)>) -> Result<()> {
        let entries = running
            .iter()
            .map(|(container, member)| entry(container, &member.joined))
            .collect();
        self.members().joined = running.into_iter().collect();
        self.names
            .replace(entries)
            .map_err(|error| Error::caused(format!("write {}", self.names.path().display()), error))
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the name table says of a container.
pub(crate) fn entry(container: &str, joined: &Joined) -> Entry {
    Entry {
        key: container.to_owned(),
        addresses: joined.sandbox.addresses(),
        names: joined.names.clone(),
    }
}

impl Networks {
    /// Opens the default network and those that are recorded. One that cannot be set up again is kept and
    /// says why when somebody wants to join it.
    pub(crate) fn open(config: &Config, id: &str) -> Result<(Self, Option<Arc<BridgeNetwork>>), OpenError> {
        let (records, tables) = (config.data.join("networks"), config.run.join("networks"));
        for directory in [&records, &tables] {
            // reading it tells what is wrong
            drop(fs::create_dir_all(directory));
        }
        let (recorded, failures) = NetworkRecord::read_all(&records).unwrap_or_else(|error| (Vec::new(), vec![error]));
        for error in failures {
            tracing::error!(%error, "a network's record is not readable");
        }
        let shared = shared(config.bridge.as_ref(), config.means, id);
        let mut networks = Self {
            records,
            tables,
            guarded: config.run.join("forwarding"),
            shared,
            host: Mutex::default(),
            index: RwLock::default(),
            changing: Mutex::default(),
        };
        let memory = networks.records.join(DEFAULT_BRIDGE);
        let default = config.bridge.clone().map(|bridge| open_default(bridge, &memory));
        let default = default.transpose()?;
        let default = default.map(|(host, bridge)| {
            host.remember_in(networks.guarded.clone());
            networks.host = Mutex::new(Some(host));
            Arc::new(bridge)
        });
        networks.open_recorded(recorded, default.as_deref())?;
        Ok((networks, default))
    }

    fn open_recorded(&self, recorded: Vec<NetworkRecord>, default: Option<&BridgeNetwork>) -> Result<(), OpenError> {
        for record in recorded {
            let driver = self.make(&record).unwrap_or_else(|error| {
                tracing::error!(network = record.name, %error, "a network cannot be set up");
                Driver::Broken(error.message)
            });
            self.insert(Arc::new(Network::new(record, driver, &self.tables)));
        }
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(host) = host else { return Ok(()) };
        let all = self.all();
        let users = all.iter().filter_map(|network| match &network.driver {
            Driver::Bridge(bridge) => Some(&**bridge),
            Driver::Macvlan(_) | Driver::Nothing | Driver::Broken(_) => None,
        });
        host.admit(&default.into_iter().chain(users).collect::<Vec<_>>())
    }

    /// Makes what carries a network's packets; the firewall does not know it yet.
    pub(super) fn make(&self, record: &NetworkRecord) -> Result<Driver> {
        match record.driver.as_str() {
            "bridge" => {
                let config = bridge_config(record, &self.shared)?;
                let host = self.host()?;
                let made = BridgeNetwork::make(&host, config);
                let bridge = made.map_err(|error| Error::internal(crate::error::chain(&error)))?;
                Ok(Driver::Bridge(Arc::new(bridge)))
            }
            "macvlan" | "ipvlan" => {
                let made = MacvlanNetwork::make(&self.host()?, macvlan_config(record)?);
                let network = made.map_err(|error| Error::internal(corten_base::errno::words(&error)))?;
                Ok(Driver::Macvlan(Arc::new(network)))
            }
            "null" => Ok(Driver::Nothing),
            driver => Err(Error::not_found(format!("plugin {driver:?} not found"))),
        }
    }

    /// What all networks share; opened with the first network that needs it.
    pub(crate) fn host(&self) -> Result<Arc<Host>> {
        let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = &*host {
            return Ok(Arc::clone(host));
        }
        let opened = Host::open(self.shared.clone()).map_err(|error| Error::internal(crate::error::chain(&error)))?;
        opened.remember_in(self.guarded.clone());
        *host = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// [`Self::host`], if any network has needed it.
    pub(crate) fn opened_host(&self) -> Option<Arc<Host>> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where records are.
    pub(super) fn records(&self) -> &Path {
        &self.records
    }

    /// Where name tables are.
    pub(super) fn tables(&self) -> &Path {
        &self.tables
    }

    /// Adds a network.
    pub(super) fn insert(&self, network: Arc<Network>) {
        let mut index = self.write();
        index
            .names
            .insert(network.record.name.clone(), network.record.id.clone());
        index.networks.insert(network.record.id.clone(), network);
    }

    /// Forgets a network.
    pub(super) fn remove(&self, network: &Network) {
        let mut index = self.write();
        index.networks.remove(&network.record.id);
        index.names.remove(&network.record.name);
    }

    /// The network of a full id.
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Network>> {
        self.read().networks.get(id).cloned()
    }

    /// The network of a name.
    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Network>> {
        let index = self.read();
        let id = index.names.get(name)?;
        index.networks.get(id).cloned()
    }

    /// The user-defined network that `reference` means: full id, name, then unique prefix of an id.
    pub(crate) fn find(&self, reference: &str) -> Result<Arc<Network>> {
        if let Some(found) = self.by_id(reference).or_else(|| self.by_name(reference)) {
            return Ok(found);
        }
        let missing = || Error::not_found(format!("network {reference} not found"));
        if reference.is_empty() {
            return Err(missing());
        }
        let index = self.read();
        let from = (Bound::Included(reference), Bound::Unbounded);
        let mut matches = index
            .networks
            .range::<str, _>(from)
            .take_while(|(id, _)| id.starts_with(reference))
            .map(|(_, found)| found);
        let found = matches.next().ok_or_else(missing)?;
        let further = matches.count();
        if further > 0 {
            return Err(Error::invalid(format!(
                "network {reference} is ambiguous ({} matches found based on ID prefix)",
                further + 1
            )));
        }
        Ok(Arc::clone(found))
    }

    /// All user-defined networks, by id.
    pub(crate) fn all(&self) -> Vec<Arc<Network>> {
        self.read().networks.values().cloned().collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The default network, on the bridge that this data root had before where the name is one of several.
fn open_default(mut config: BridgeNetworkConfig, memory: &Path) -> Result<(Arc<Host>, BridgeNetwork), OpenError> {
    let is_numbered = config.or_next;
    config.remembered = fs::read_to_string(memory).ok().filter(|_| is_numbered);
    let before = config.remembered.clone();
    let opened = BridgeNetwork::first(config)?;
    let now = opened.1.bridge();
    if is_numbered
        && before.as_deref() != Some(now)
        && let Err(error) = write_atomic(memory, now.as_bytes())
    {
        tracing::error!(path = %memory.display(), %error, "the default bridge will not be known again");
    }
    Ok(opened)
}

/// The firewall's table belongs to one daemon: named after the default bridge, else after the installation.
fn shared(default: Option<&BridgeNetworkConfig>, means: Means, id: &str) -> HostConfig {
    match default {
        Some(default) => HostConfig {
            table: default.table.clone(),
            means,
            forward: default.forward,
            keep_closed: default.keep_closed,
            direct: default.four.crossing.open == Open::Published,
        },
        None => HostConfig {
            table: format!("corten-{}", id.get(..12).unwrap_or(id)),
            means,
            forward: true,
            keep_closed: true,
            direct: false,
        },
    }
}
