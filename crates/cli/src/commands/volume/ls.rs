//! `volume ls`: the volumes there are.

use corten_api::volume::Volume;
use corten_base::size;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing};
use crate::output;
use crate::text::natural;
use crate::verb::{Arguments, Invocation, Verb, block_on, filters};

const FLAGS: &[Flag] = &[
    Flag::new("cluster", Kind::Bool, "Show cluster volumes alone, with their columns"),
    Flag::new(
        "filter",
        Kind::Filter,
        "Show only what fulfils the condition (e.g. \"dangling=true\")",
    )
    .short('f'),
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("quiet", Kind::Bool, "Only show names").short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["ls", "list"],
    shortcut: None,
    usage: "[OPTIONS]",
    about: "List volumes",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: list,
};

/// What nobody has measured, or what only cluster volumes have.
fn unknown() -> Option<String> {
    Some("N/A".to_owned())
}

/// Shared with `system df -v`, whose volumes know their size and their users.
pub(in crate::commands) const LISTING: Listing<Volume> = Listing {
    kind: "*formatter.volumeContext",
    columns: &[
        Column::new("Name", "VOLUME NAME", |volume| Some(volume.name.clone())),
        Column::new("Driver", "DRIVER", |volume| Some(volume.driver.clone())),
        Column::new("Scope", "SCOPE", |volume| Some(volume.scope.clone())),
        Column::new("Availability", "AVAILABILITY", |_| unknown()),
        Column::new("Mountpoint", "MOUNTPOINT", |volume| Some(volume.mountpoint.clone())),
        Column::new("Labels", "LABELS", |volume| Some(labels(volume))),
        Column::new("Links", "LINKS", |volume| match &volume.usage_data {
            Some(usage) => Some(usage.ref_count.to_string()),
            None => unknown(),
        }),
        Column::new("Size", "SIZE", |volume| match &volume.usage_data {
            Some(usage) => Some(size::human(u64::try_from(usage.size).unwrap_or(0))),
            None => unknown(),
        }),
        Column::new("Group", "GROUP", |_| unknown()),
        Column::new("Status", "STATUS", |_| unknown()),
    ],
    labels: Some(|volume| &volume.labels),
    table: "{{.Driver}}\\t{{.Name}}",
    quiet: "{{.Name}}",
    raw: "name: {{.Name}}\\ndriver: {{.Driver}}\\n",
};

/// `--format raw --quiet`.
const RAW_QUIET: &str = "name: {{.Name}}";
/// `--cluster`.
const CLUSTER: &str = "table {{.Name}}\\t{{.Group}}\\t{{.Driver}}\\t{{.Availability}}\\t{{.Status}}";

fn list(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let (given, quiet) = (
        parsed.text("format").filter(|format| !format.is_empty()),
        parsed.on("quiet"),
    );
    let client = invocation.client()?;
    let listed = block_on(async { Ok(client.list_volumes(&filters(parsed)).await?) })?;
    let mut volumes = listed.volumes.into_vec();
    if parsed.on("cluster") {
        // None of an engine without a swarm is one.
        volumes.clear();
    }
    volumes.sort_by(|left, right| natural::compare(&left.name, &right.name));
    let format = match given {
        Some("raw") if quiet => RAW_QUIET.to_owned(),
        None if parsed.on("cluster") && !quiet => CLUSTER.to_owned(),
        given => LISTING.template(given, &invocation.config().volumes_format, quiet),
    };
    output::print(&LISTING.print(&format, volumes)?)
}

fn labels(volume: &Volume) -> String {
    let labels = volume.labels.iter().map(|(name, value)| format!("{name}={value}"));
    labels.collect::<Vec<_>>().join(",")
}
