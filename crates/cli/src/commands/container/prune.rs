//! `container prune`: removes stopped containers.

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
    about: "Remove all stopped containers",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: prune,
};

const QUESTION: &str = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?";

fn prune(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let filters = invocation.prune_filters(parsed);
    if !confirmed(parsed, QUESTION)? {
        return Ok(());
    }
    let client = invocation.client()?;
    block_on(stopped(&client, &filters))?.print()
}

/// Removes them without asking.
pub(in crate::commands) async fn stopped(client: &Client, filters: &Filters) -> Result<Pruned, Failure> {
    let report = client.prune_containers(filters).await?;
    Ok(Pruned::new(
        "Deleted Containers:",
        report.containers_deleted,
        report.space_reclaimed,
    ))
}
