//! `image prune`: removes images that nobody uses.

use corten_api::Filters;
use corten_api::image::ImageDeleteItem;
use corten_client::Client;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::pruned::{FILTER, FORCE, Pruned, confirmed};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new(
        "all",
        Kind::Bool,
        "Remove all images that no container uses, named ones too",
    )
    .short('a'),
    FILTER,
    FORCE,
];

pub(super) const VERB: Verb = Verb {
    names: &["prune"],
    shortcut: None,
    usage: "[OPTIONS]",
    about: "Remove unused images",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: prune,
};

const DANGLING: &str = "WARNING! This will remove all dangling images.\nAre you sure you want to continue?";
const ALL: &str = "WARNING! This will remove all images without at least one container associated to them.\n\
                   Are you sure you want to continue?";

fn prune(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let (all, filters) = (parsed.on("all"), invocation.prune_filters(parsed));
    if !confirmed(parsed, if all { ALL } else { DANGLING })? {
        return Ok(());
    }
    let client = invocation.client()?;
    block_on(unused(&client, all, &filters))?.print()
}

/// Removes them without asking.
pub(in crate::commands) async fn unused(client: &Client, all: bool, filters: &Filters) -> Result<Pruned, Failure> {
    let mut filters = filters.clone();
    filters.add("dangling", if all { "false" } else { "true" });
    let report = client.prune_images(&filters).await?;
    let lines = report.images_deleted.into_iter().map(|item| match item {
        ImageDeleteItem::Deleted(id) => format!("deleted: {id}"),
        ImageDeleteItem::Untagged(name) => format!("untagged: {name}"),
    });
    Ok(Pruned::new("Deleted Images:", lines, report.space_reclaimed))
}
