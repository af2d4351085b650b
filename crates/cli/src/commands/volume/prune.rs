//! `volume prune`: removes local volumes that no container uses.

use corten_api::Filters;
use corten_client::Client;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::pruned::{FORCE, Pruned, confirmed};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("all", Kind::Bool, "Remove all unused volumes, named ones too").short('a'),
    Flag::new(
        "filter",
        Kind::Filter,
        "Remove only what fulfils the condition (e.g. \"label=x\")",
    ),
    FORCE,
];

pub(super) const VERB: Verb = Verb {
    names: &["prune"],
    shortcut: None,
    usage: "[OPTIONS]",
    about: "Remove unused local volumes",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: prune,
};

const ANONYMOUS: &str = "WARNING! This will remove anonymous local volumes not used by at least one container.\n\
                         Are you sure you want to continue?";
const ALL: &str = "WARNING! This will remove all local volumes not used by at least one container.\n\
                   Are you sure you want to continue?";

fn prune(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let all = parsed.on("all");
    let mut filters = invocation.prune_filters(parsed);
    if all {
        if let Some(value) = filters.get("all").next() {
            return Err(Failure::new(format!(
                "conflicting options: cannot specify both --all and --filter all={value}"
            )));
        }
        filters.add("all", "true");
    }
    if !confirmed(parsed, if all { ALL } else { ANONYMOUS })? {
        return Ok(());
    }
    let client = invocation.client()?;
    block_on(unused(&client, &filters))?.print()
}

/// Removes them without asking.
pub(in crate::commands) async fn unused(client: &Client, filters: &Filters) -> Result<Pruned, Failure> {
    let report = client.prune_volumes(filters).await?;
    Ok(Pruned::new(
        "Deleted Volumes:",
        report.volumes_deleted,
        report.space_reclaimed,
    ))
}
