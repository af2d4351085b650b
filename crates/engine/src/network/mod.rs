//! Networks: the three that exist without being made (`bridge`, `host`, `none`), and those that users make.
//!
//! A container's side of it is [`crate::container::wiring`] (what was asked for) and
//! [`crate::container::links`] (what it has). The packets are `corten-net`'s, the names are served by the shims
//! out of the tables that [`names`] writes.

pub(crate) mod create;
pub(crate) mod dns;
pub(crate) mod driver;
pub(crate) mod driver_opts;
pub(crate) mod endpoints;
pub(crate) mod files;
pub(crate) mod filter;
pub(crate) mod link;
pub(crate) mod linked;
pub(crate) mod names;
pub(crate) mod opened;
pub(crate) mod options;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod registry;
pub(crate) mod remove;
pub(crate) mod settings;
pub(crate) mod show;
pub(crate) mod vigil;

use std::fmt::Display;

use corten_net::Subnet;

use crate::core::Core;

pub(crate) use show::{inspect, list};

/// The drivers that `info` lists, as Docker sorts them.
pub(crate) const DRIVERS: &[&str] = &["bridge", "host", "ipvlan", "macvlan", "null"];

/// The name of the predefined network that `reference` means, if it means one.
pub(crate) fn builtin(core: &Core, reference: &str) -> Option<&'static str> {
    match reference {
        "bridge" if core.bridge.is_some() => Some("bridge"),
        "host" => Some("host"),
        "none" => Some("none"),
        id if id == core.network_id && core.bridge.is_some() => Some("bridge"),
        id => ["host", "none"]
            .into_iter()
            .find(|name| id.len() == 64 && show::derived_id(core, name) == id),
    }
}

/// The subnets that networks have.
fn taken_subnets(core: &Core) -> Vec<Subnet> {
    let mut taken = Vec::new();
    if let Some(bridge) = &core.bridge {
        taken.extend(bridge.subnet4());
        taken.extend(bridge.subnet6().map(|(subnet, _)| subnet));
    }
    for network in core.networks.all() {
        if !network.record.config_only {
            taken.extend(network.record.subnets.iter().map(|entry| entry.subnet));
        }
    }
    taken
}

/// Several complaints as Docker lists them.
fn listed<T: Display>(failures: &[T]) -> String {
    if let [only] = failures {
        return only.to_string();
    }
    let lines: Vec<String> = failures.iter().map(|failure| format!("* {failure}")).collect();
    lines.join("\n")
}
