//! `network prune`: removes networks that no container is on.

use corten_api::Filters;
use corten_client::Client;

use crate::failure::Failure;
use crate::flag::{Flag, Parsed, Rules};
use crate::pruned::{FILTER, FORCE, Pruned, confirmed};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[FILTER, FORCE];

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
    if !confirmed(parsed, QUESTION)? {
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
