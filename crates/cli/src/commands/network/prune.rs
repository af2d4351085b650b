//! `network prune`: removes networks that no container is on.

use corten_api::Filters;
use corten_client::Client;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::prompt;
use crate::pruned::Pruned;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new(
        "filter",
        Kind::Filter,
        "Remove only what fulfils the condition (e.g. \"until=24h\")",
    ),
    Flag::new("force", Kind::Bool, "Do not ask first").short('f'),
];

pub(super) const VERB: Verb = Verb {
    names: &["prune"],
    shortcut: None,
    usage: "[OPTIONS]",
    about: "Remove all unused networks",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: prune,
};

const QUESTION: &str = "WARNING! This will remove all custom networks not used by at least one container.\n\
                        Are you sure you want to continue?";

fn prune(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let filters = invocation.prune_filters(parsed);
    if !parsed.on("force") && !prompt::confirm(QUESTION)? {
        return Ok(());
    }
    let client = invocation.client()?;
    block_on(unused(&client, &filters))?.print_list()
}

/// Removes them without asking.
pub(in crate::commands) async fn unused(client: &Client, filters: &Filters) -> Result<Pruned, Failure> {
    let report = client.prune_networks(filters).await?;
    Ok(Pruned::new("Deleted Networks:", report.networks_deleted, 0))
}
