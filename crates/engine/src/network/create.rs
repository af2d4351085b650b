//! Making a network: record, bridge, firewall, in this order; undone in the reverse one.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

use corten_api::network::{NetworkCreateBody, NetworkCreateResponse};
use corten_base::id::hex;
use corten_base::{Digest, Timestamp};
use corten_net::Subnet;
use corten_net::pool::{self, Family};
use corten_net::sandbox::OpenError;
use corten_sys::fault::boundary;

use super::driver::{Driver, bridge_name};
use super::options::BridgeOptions;
use super::record::{NetworkRecord, SubnetRecord};
use super::registry::Network;
use super::{settings, taken_subnets};
use crate::core::{Core, random_bytes};
use crate::error::{Error, Result};
use crate::event::Subject;

/// Makes it.
pub(crate) fn create(core: &Core, body: &NetworkCreateBody) -> Result<NetworkCreateResponse> {
    let mut body = body.clone();
    add_defaults(core, &mut body);
    let mut record = settings::check(&body)?;
    let _one_at_a_time = core.networks.changing.lock().unwrap_or_else(PoisonError::into_inner);
    if core.networks.by_name(&record.name).is_some() {
        return Err(Error::conflict(format!(
            "network with name {} already exists",
            record.name
        )));
    }
    adopt_configuration(core, &mut record)?;
    record.id = hex(&random_bytes());
    record.created = Timestamp::now();
    if record.driver == "bridge" {
        check_bridge_name(core, &record)?;
    }
    if record.driver != "null" {
        choose_subnets(core, &mut record)?;
    }
    let warning = overlap_warning(core, &record);
    let id = record.id.clone();
    let network = make(core, record)?;
    publish(core, &network, "create");
    Ok(NetworkCreateResponse { id, warning })
}

/// An event about a network.
pub(super) fn publish(core: &Core, network: &Network, action: &str) {
    let attributes = [
        ("name", network.record.name.clone()),
        ("type", network.record.driver.clone()),
    ];
    let subject = Subject::Network(&network.record.id);
    core.events.publish(subject, action, &attributes, Timestamp::now());
}

/// Options that the daemon is configured to give to networks of a driver.
fn add_defaults(core: &Core, body: &mut NetworkCreateBody) {
    let driver = match body.driver.as_str() {
        "" | "default" => "bridge",
        driver => driver,
    };
    let Some(defaults) = core.config.network_options.get(driver) else {
        return;
    };
    if body.config_from.is_some() || body.config_only {
        return;
    }
    let mut options = body.options.clone().into_entries();
    // what the body itself says of a family is not shown as if it were the default's
    let is_said = |key: &str| match key {
        settings::ENABLE4 => body.enable_ipv4.is_some(),
        settings::ENABLE6 => body.enable_ipv6.is_some(),
        _ => false,
    };
    for (key, value) in defaults.iter().filter(|(key, _)| !is_said(key)) {
        options.entry(key.clone()).or_insert_with(|| value.clone());
    }
    body.options = options.into();
}

fn make(core: &Core, record: NetworkRecord) -> Result<Arc<Network>> {
    let networks = &core.networks;
    let id = record.id.clone();
    boundary("network.record");
    let undo_record = |error: Error| {
        if let Err(left) = NetworkRecord::delete(networks.records(), &id) {
            tracing::error!(error = %left, "the record of a network that was not made is left");
        }
        error
    };
    let written = record.write(networks.records());
    written.map_err(|error| undo_record(Error::caused("record the network", error)))?;
    boundary("network.bridge");
    let driver = networks.make(&record).map_err(undo_record)?;
    boundary("network.firewall");
    if let Driver::Bridge(bridge) = &driver
        && let Err(error) = bridge.host().add(bridge)
    {
        if let Err(left) = bridge.delete() {
            tracing::error!(error = %left, "the bridge of a network that was not made is left");
        }
        return Err(undo_record(Error::internal(crate::error::chain(&error))));
    }
    boundary("network.made");
    let network = Arc::new(Network::new(record, driver, networks.tables()));
    networks.insert(Arc::clone(&network));
    Ok(network)
}

/// Takes over the configuration of another network (`--config-from`).
fn adopt_configuration(core: &Core, record: &mut NetworkRecord) -> Result<()> {
    if record.config_from.is_empty() {
        return Ok(());
    }
    let from = &record.config_from;
    let found = core.networks.by_name(from).filter(|found| found.record.config_only);
    let found = found.ok_or_else(|| Error::not_found(format!("configuration network {from:?} does not exist")))?;
    let own = &found.record;
    record.subnets.clone_from(&own.subnets);
    record.options.clone_from(&own.options);
    record.ipv4 = own.ipv4;
    record.ipv6 = own.ipv6;
    record.internal |= own.internal;
    for (key, value) in &own.labels {
        record.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    Ok(())
}

fn check_bridge_name(core: &Core, record: &NetworkRecord) -> Result<()> {
    let options = BridgeOptions::parse(&record.options)?;
    let name = bridge_name(record, &options);
    let conflict = |id: &str| {
        Error::forbidden(format!(
            "cannot create network {} ({name}): conflicts with network {id} ({name}): networks have same bridge name",
            record.id
        ))
    };
    if core.bridge.as_ref().is_some_and(|bridge| bridge.bridge() == name) {
        return Err(conflict(&core.network_id));
    }
    for other in core.networks.all() {
        if matches!(&other.driver, Driver::Bridge(bridge) if bridge.bridge() == name) {
            return Err(conflict(&other.record.id));
        }
    }
    Ok(())
}

/// Refuses subnets that other networks have, and chooses those that the user did not.
fn choose_subnets(core: &Core, record: &mut NetworkRecord) -> Result<()> {
    let taken = taken_subnets(core);
    for entry in &record.subnets {
        if taken.iter().any(|other| other.overlaps(&entry.subnet)) {
            return Err(Error::forbidden(
                "invalid pool request: Pool overlaps with other one on this address space",
            ));
        }
    }
    let configured = core
        .config
        .bridge
        .as_ref()
        .map(|bridge| bridge.pools.clone())
        .unwrap_or_default();
    if record.ipv4 && record.subnet(true).is_none() {
        let pools = pool::of_family(&configured, Family::V4);
        record.subnets.push(chosen(core, &pools, &taken)?);
    }
    if record.ipv6 && record.subnet(false).is_none() {
        let mut pools = pool::of_family(&configured, Family::V6);
        if pools.is_empty() {
            pools.push((own_prefix(core), 64));
        }
        record.subnets.push(chosen(core, &pools, &taken)?);
    }
    Ok(())
}

fn chosen(core: &Core, pools: &[(Subnet, u8)], taken: &[Subnet]) -> Result<SubnetRecord> {
    let chosen = core.networks.host()?.choose_subnet(pools, taken);
    let subnet = chosen.map_err(|error| match error {
        OpenError::NoPool => Error::forbidden(
            "all predefined address pools have been fully subnetted: remove networks that are not needed \
             (docker network prune), give this one a subnet (--subnet), or configure default-address-pools",
        ),
        other => Error::internal(crate::error::chain(&other)),
    })?;
    Ok(SubnetRecord {
        subnet,
        requested: false,
        range: None,
        gateway: Some(pool::first_address(subnet)),
        auxiliary: std::collections::BTreeMap::new(),
    })
}

/// The installation's own unique local prefix (RFC 4193).
fn own_prefix(core: &Core) -> Subnet {
    let digest = Digest::of(core.id.as_bytes()).hex();
    let number = u64::from_str_radix(digest.get(..10).unwrap_or("0"), 16).unwrap_or(0);
    let bits = 0xfd << 120 | u128::from(number) << 80;
    Subnet::new(IpAddr::from(bits.to_be_bytes()), 48)
}

/// Docker makes such a network silently, and the host loses its way to whom it had it to.
fn overlap_warning(core: &Core, record: &NetworkRecord) -> String {
    // a macvlan's subnet is that of its parent
    let host = core.networks.opened_host().filter(|_| record.driver == "bridge");
    let Some(host) = host else { return String::new() };
    let requested = record.subnets.iter().filter(|entry| entry.requested);
    let clashes = requested.filter_map(|entry| {
        let other = host.overlapping(entry.subnet).ok().flatten()?;
        Some(format!(
            "subnet {} overlaps {other}, which the host reaches already: packets for it may go astray",
            entry.subnet
        ))
    });
    clashes.collect::<Vec<_>>().join("; ")
}
