//! `system prune`: removes all that nobody uses.

use corten_api::Filters;
use corten_client::Client;

use crate::commands::{builder, container, image, network, volume};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::pruned::{FORCE, Pruned, confirmed, total};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new(
        "all",
        Kind::Bool,
        "Remove all images that no container uses, named ones too",
    )
    .short('a'),
    Flag::new(
        "filter",
        Kind::Filter,
        "Remove only what fulfils the condition (e.g. \"label=<key>=<value>\")",
    ),
    FORCE,
    Flag::new("volumes", Kind::Bool, "Remove anonymous volumes too"),
];

pub(super) const VERB: Verb = Verb {
    names: &["prune"],
    shortcut: None,
    usage: "[OPTIONS]",
    about: "Remove unused data",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: prune,
};

/// What is to go.
struct Wanted {
    all: bool,
    volumes: bool,
    filters: Filters,
}

fn prune(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let wanted = Wanted {
        all: parsed.on("all"),
        volumes: parsed.on("volumes"),
        filters: invocation.prune_filters(parsed),
    };
    if wanted.volumes && wanted.filters.contains("until") {
        return Err(Failure::new(
            "ERROR: The \"until\" filter is not supported with \"--volumes\"",
        ));
    }
    if !confirmed(parsed, &question(&wanted))? {
        return Ok(());
    }
    let client = invocation.client()?;
    block_on(everything(&client, &wanted))
}

fn question(wanted: &Wanted) -> String {
    let mut items = vec![
        "all stopped containers",
        "all networks not used by at least one container",
    ];
    if wanted.volumes {
        items.push("all anonymous volumes not used by at least one container");
    }
    if wanted.all {
        items.push("all images without at least one container associated to them");
        items.push("all build cache");
    } else {
        items.push("all dangling images");
        items.push("unused build cache");
    }
    let mut text = "WARNING! This will remove:\n".to_owned();
    for item in items {
        text.push_str(&format!("  - {item}\n"));
    }
    let mut filters: Vec<String> = ["label", "label!", "until"]
        .iter()
        .flat_map(|name| wanted.filters.get(name).map(move |value| format!("{name}={value}")))
        .collect();
    filters.sort();
    if !filters.is_empty() {
        text.push_str("\n  Items to be pruned will be filtered with:\n");
        for filter in filters {
            text.push_str(&format!("  - {filter}\n"));
        }
    }
    text + "\nAre you sure you want to continue?"
}

/// Containers first: what only they used is free then.
async fn everything(client: &Client, wanted: &Wanted) -> Result<(), Failure> {
    let filters = &wanted.filters;
    let mut bytes = 0;
    let mut report = |pruned: Pruned| {
        bytes += pruned.bytes;
        pruned.print_list()
    };
    report(container::prune::stopped(client, filters).await?)?;
    report(network::prune::unused(client, filters).await?)?;
    if wanted.volumes {
        report(volume::prune::unused(client, filters).await?)?;
    }
    report(image::prune::unused(client, wanted.all, filters).await?)?;
    report(builder::prune::cache(client, wanted.all, 0, filters).await?)?;
    total(bytes)
}
