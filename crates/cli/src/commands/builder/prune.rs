//! `builder prune`: removes records of the builder's cache.

use corten_api::Filters;
use corten_base::size;
use corten_client::Client;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::pruned::{FILTER, FORCE, Pruned, confirmed};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new(
        "all",
        Kind::Bool,
        "Remove all that no build uses, not just what is dangling",
    )
    .short('a'),
    FILTER,
    FORCE,
    Flag::new("keep-storage", Kind::Bytes, "Leave this much of it"),
];

pub(super) const VERB: Verb = Verb {
    names: &["prune"],
    shortcut: None,
    usage: "",
    about: "Remove build cache",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: prune,
};

const DANGLING: &str = "WARNING! This will remove all dangling build cache. Are you sure you want to continue?";
const ALL: &str = "WARNING! This will remove all build cache. Are you sure you want to continue?";

fn prune(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let (all, filters) = (parsed.on("all"), invocation.prune_filters(parsed));
    let keep = parsed.text("keep-storage");
    let keep = keep.map_or(0, |text| size::parse_binary(text).expect("checked when it was read"));
    if !confirmed(parsed, if all { ALL } else { DANGLING })? {
        return Ok(());
    }
    let client = invocation.client()?;
    block_on(cache(&client, all, keep, &filters))?.print()
}

/// Removes them without asking, all but `keep` bytes.
pub(in crate::commands) async fn cache(
    client: &Client,
    all: bool,
    keep: u64,
    filters: &Filters,
) -> Result<Pruned, Failure> {
    let report = client.prune_builds(all, keep, filters).await?;
    Ok(Pruned::new(
        "Deleted build cache objects:",
        report.caches_deleted,
        report.space_reclaimed,
    ))
}
