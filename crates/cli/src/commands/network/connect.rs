//! `network connect`: puts a container on a network.

use corten_api::container::{EndpointIpamConfig, EndpointSettings};
use corten_api::network::NetworkConnectBody;
use corten_api::{List, Map};

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::address;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new(
        "alias",
        Kind::Strings,
        "Add a name that the container has on this network",
    ),
    Flag::new("driver-opt", Kind::Strings, "Options of the network's driver"),
    Flag::new(
        "gw-priority",
        Kind::Integer,
        "The network with the highest one gives the default gateway; may be negative",
    ),
    Flag::new("ip", Kind::Text, "IPv4 address (e.g., \"172.30.100.104\")"),
    Flag::new("ip6", Kind::Text, "IPv6 address (e.g., \"2001:db8::33\")"),
    Flag::new(
        "link",
        Kind::Checked(address::check_link),
        "Link another container to this one",
    ),
    Flag::new("link-local-ip", Kind::Strings, "Add a link-local address"),
];

pub(super) const VERB: Verb = Verb {
    names: &["connect"],
    shortcut: None,
    usage: "[OPTIONS] NETWORK CONTAINER",
    about: "Connect a container to a network",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: connect,
};

fn connect(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let body = NetworkConnectBody {
        container: parsed.arguments[1].clone(),
        endpoint_config: Some(endpoint(parsed)?),
    };
    let client = invocation.client()?;
    block_on(async { Ok(client.connect_network(&parsed.arguments[0], &body).await?) })
}

fn endpoint(parsed: &Parsed) -> Result<EndpointSettings, Failure> {
    let mut options = Map::empty();
    for text in parsed.strings("driver-opt") {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => options.insert(name.to_owned(), value.to_owned()),
            _ => return Err(Failure::new("invalid key/value pair format in driver options")),
        };
    }
    let links = parsed.owned("link");
    Ok(EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: parsed.text_or_empty("ip"),
            ipv6_address: parsed.text_or_empty("ip6"),
            link_local_ips: parsed.strings("link-local-ip").into(),
        }),
        links: if links.is_empty() { List::null() } else { links.into() },
        aliases: parsed.strings("alias").into(),
        driver_opts: options,
        gw_priority: parsed.integer("gw-priority").unwrap_or(0),
        ..EndpointSettings::default()
    })
}
