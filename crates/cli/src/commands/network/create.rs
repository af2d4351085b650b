//! `network create`: makes a network.

use corten_api::network::{ConfigReference, Ipam, NetworkCreateBody};

use super::address_plan::{Wishes, plan};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::pair;
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("attachable", Kind::Bool, "Let containers join a swarm network by hand"),
    Flag::new(
        "aux-address",
        Kind::Map,
        "IPv4 or IPv6 addresses in other use, not given to containers",
    )
    .default("map[]"),
    Flag::new("config-from", Kind::Text, "Network whose configuration is copied"),
    Flag::new(
        "config-only",
        Kind::Bool,
        "Only keep the configuration, for other networks",
    ),
    Flag::new("driver", Kind::Text, "Driver of the network")
        .short('d')
        .default("\"bridge\""),
    Flag::new("gateway", Kind::Strings, "IPv4 or IPv6 gateway of the subnet"),
    Flag::new("ingress", Kind::Bool, "Make the network of the swarm's published ports"),
    Flag::new("internal", Kind::Bool, "Leave no way out of the network"),
    Flag::new(
        "ip-range",
        Kind::Strings,
        "Part of the subnet that containers get addresses from",
    ),
    Flag::new("ipam-driver", Kind::Text, "Driver that manages the addresses").default("\"default\""),
    Flag::new("ipam-opt", Kind::Map, "Option of that driver").default("map[]"),
    Flag::new("ipv4", Kind::Bool, "Whether containers get IPv4 addresses").default("true"),
    Flag::new("ipv6", Kind::Bool, "Whether containers get IPv6 addresses"),
    Flag::new("label", Kind::Checked(pair::check_label), "Label the network"),
    Flag::new("opt", Kind::Map, "Option of the network's driver")
        .short('o')
        .default("map[]"),
    Flag::new("scope", Kind::Text, "Where the network is known"),
    Flag::new("subnet", Kind::Strings, "Subnet of the network, in CIDR form"),
];

pub(super) const VERB: Verb = Verb {
    names: &["create"],
    shortcut: None,
    usage: "[OPTIONS] NETWORK",
    about: "Create a network",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: create,
};

fn create(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let body = body(parsed)?;
    let client = invocation.client()?;
    let made = block_on(async { Ok(client.create_network(&body).await?) })?;
    output::line(&made.id)
}

fn body(parsed: &Parsed) -> Result<NetworkCreateBody, Failure> {
    let wishes = Wishes {
        subnets: parsed.strings("subnet"),
        ranges: parsed.strings("ip-range"),
        gateways: parsed.strings("gateway"),
        other: pair::map(parsed.list("aux-address")).into_entries(),
    };
    let pools = plan(wishes).map_err(|error| Failure::new(error.to_string()))?;
    let config_from = parsed.text("config-from").filter(|name| !name.is_empty());
    Ok(NetworkCreateBody {
        name: parsed.arguments[0].clone(),
        driver: parsed.text("driver").unwrap_or("bridge").to_owned(),
        scope: parsed.text_or_empty("scope"),
        enable_ipv4: parsed.bool("ipv4"),
        enable_ipv6: parsed.bool("ipv6"),
        ipam: Some(Ipam {
            driver: parsed.text("ipam-driver").unwrap_or("default").to_owned(),
            options: pair::map(parsed.list("ipam-opt")),
            config: pools.into(),
        }),
        internal: parsed.on("internal"),
        attachable: parsed.on("attachable"),
        ingress: parsed.on("ingress"),
        config_only: parsed.on("config-only"),
        config_from: config_from.map(|name| ConfigReference {
            network: name.to_owned(),
        }),
        options: pair::map(parsed.list("opt")),
        labels: pair::map(parsed.list("label")),
    })
}
