//! `network ls`: the networks there are.

use corten_api::network::Network;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing};
use crate::output;
use crate::text::{natural, shorten};
use crate::verb::{Arguments, Invocation, Verb, block_on, filters};

const FLAGS: &[Flag] = &[
    Flag::new(
        "filter",
        Kind::Filter,
        "Show only what fulfils the condition (e.g. \"driver=bridge\")",
    )
    .short('f'),
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("no-trunc", Kind::Bool, "Do not shorten"),
    Flag::new("quiet", Kind::Bool, "Only show ids").short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["ls", "list"],
    shortcut: None,
    usage: "[OPTIONS]",
    about: "List networks",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: list,
};

/// A network and how it is to be shown.
struct Shown {
    network: Network,
    full: bool,
}

const LISTING: Listing<Shown> = Listing {
    kind: "*network.networkContext",
    columns: &[
        Column::new("ID", "NETWORK ID", |shown| Some(shown.id())),
        Column::new("Name", "NAME", |shown| Some(shown.network.name.clone())),
        Column::new("Driver", "DRIVER", |shown| Some(shown.network.driver.clone())),
        Column::new("Scope", "SCOPE", |shown| Some(shown.network.scope.clone())),
        Column::new("IPv4", "IPV4", |shown| Some(shown.network.enable_ipv4.to_string())),
        Column::new("IPv6", "IPV6", |shown| Some(shown.network.enable_ipv6.to_string())),
        Column::new("Internal", "INTERNAL", |shown| Some(shown.network.internal.to_string())),
        Column::new("Labels", "LABELS", |shown| Some(shown.labels())),
        Column::new("CreatedAt", "CREATED AT", |shown| Some(shown.created_at())),
    ],
    labels: Some(|shown| &shown.network.labels),
    table: "{{.ID}}\\t{{.Name}}\\t{{.Driver}}\\t{{.Scope}}",
    quiet: "{{.ID}}",
    raw: "network_id: {{.ID}}\\nname: {{.Name}}\\ndriver: {{.Driver}}\\nscope: {{.Scope}}\\n",
};

/// `--format raw --quiet`.
const RAW_QUIET: &str = "network_id: {{.ID}}";

fn list(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let (given, quiet) = (parsed.text("format"), parsed.on("quiet"));
    let client = invocation.client()?;
    let mut networks = block_on(async { Ok(client.list_networks(&filters(parsed)).await?) })?;
    networks.sort_by(|left, right| natural::compare(&left.name, &right.name));
    let format = match given {
        Some("raw") if quiet => RAW_QUIET.to_owned(),
        given => LISTING.template(given, &invocation.config().networks_format, quiet),
    };
    let full = parsed.on("no-trunc");
    let shown: Vec<Shown> = networks.into_iter().map(|network| Shown { network, full }).collect();
    output::print(&LISTING.print(&format, shown)?)
}

impl Shown {
    fn id(&self) -> String {
        if self.full {
            self.network.id.clone()
        } else {
            shorten::id(&self.network.id).to_owned()
        }
    }

    fn labels(&self) -> String {
        let labels = self
            .network
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        labels.collect::<Vec<_>>().join(",")
    }

    /// As Go prints a time: `2026-11-26 06:15:16.979026319 +0000 UTC`.
    fn created_at(&self) -> String {
        let text = self.network.created.to_string();
        format!("{} +0000 UTC", text.trim_end_matches('Z').replacen('T', " ", 1))
    }
}
