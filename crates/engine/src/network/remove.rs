//! Removing networks: firewall, bridge, record, in this order. A daemon that dies half way makes the bridge
//! again from the record, and the network is as before.

use std::sync::{Arc, PoisonError};

use corten_api::Filters;
use corten_api::network::NetworkPruneReport;
use corten_base::Timestamp;
use corten_sys::fault::boundary;

use super::create::publish;
use super::driver::Driver;
use super::record::NetworkRecord;
use super::registry::Network;
use super::{filter, settings};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::event::Subject;

/// Removes the network that `reference` means.
pub(crate) fn remove(core: &Core, reference: &str) -> Result<()> {
    let builtin = super::builtin(core, reference);
    if let Some(name) = builtin.filter(|name| settings::is_predefined(name)) {
        return Err(Error::forbidden(format!(
            "{name} is a pre-defined network and cannot be removed"
        )));
    }
    let network = core.networks.find(reference)?;
    remove_one(core, &network)
}

/// Removes all that nobody is on and that the filters let through.
pub(crate) fn prune(core: &Core, filters: &Filters) -> Result<NetworkPruneReport> {
    filters
        .accept_only(&["label", "label!", "until"])
        .map_err(|error| Error::invalid(error.to_string()))?;
    let until = crate::prune::until(filters, Timestamp::now())?;
    let mut deleted = Vec::new();
    for network in core.networks.all() {
        let record = &network.record;
        let old = until.is_none_or(|until| record.created < until);
        if !old || !filter::labels(filters, &record.labels) || !network.joined().is_empty() {
            continue;
        }
        match remove_one(core, &network) {
            Ok(()) => deleted.push(record.name.clone()),
            Err(error) => tracing::warn!(network = record.name, %error, "an unused network is not pruned"),
        }
    }
    let reclaimed = [("reclaimed", "0".to_owned())];
    core.events
        .publish(Subject::Network(""), "prune", &reclaimed, Timestamp::now());
    Ok(NetworkPruneReport {
        networks_deleted: if deleted.is_empty() {
            corten_api::List::null()
        } else {
            deleted.into()
        },
    })
}

fn remove_one(core: &Core, network: &Arc<Network>) -> Result<()> {
    let networks = &core.networks;
    let _one_at_a_time = networks.changing.lock().unwrap_or_else(PoisonError::into_inner);
    if networks.by_id(&network.record.id).is_none() {
        return Err(Error::not_found(format!("network {} not found", network.record.name)));
    }
    if let Some(user) = networks
        .all()
        .iter()
        .find(|other| network.record.config_only && other.record.config_from == network.record.name)
    {
        return Err(Error::forbidden(format!(
            "configuration network {:?} is in use by {}",
            network.record.name, user.record.name
        )));
    }
    network.close()?;
    delete(core, network).inspect_err(|_| network.reopen())?;
    networks.remove(network);
    publish(core, network, "destroy");
    Ok(())
}

fn delete(core: &Core, network: &Network) -> Result<()> {
    boundary("network.remove-bridge");
    if let Driver::Bridge(bridge) = &network.driver {
        bridge
            .delete()
            .map_err(|error| Error::internal(crate::error::chain(&error)))?;
    }
    if let Driver::Macvlan(network) = &network.driver {
        let deleted = network.delete();
        deleted.map_err(|error| Error::internal(crate::error::chain(&error)))?;
    }
    boundary("network.remove-names");
    let names = network.names.delete();
    names.map_err(|error| Error::caused("delete the network's name table", error))?;
    boundary("network.remove-record");
    let deleted = NetworkRecord::delete(core.networks.records(), &network.record.id);
    deleted.map_err(|error| Error::caused("delete the network's record", error))?;
    boundary("network.removed");
    Ok(())
}
