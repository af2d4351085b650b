//! `ps`: the containers there are.

use corten_api::container::ContainerSummary;
use corten_base::{Timestamp, size};
use corten_client::ListOptions;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Layout, Row, print_rows};
use crate::output;
use crate::text::zone::Zone;
use crate::text::{elapsed, ports, shorten};
use crate::verb::{Arguments, Invocation, Verb, block_on, filters};

const FLAGS: &[Flag] = &[
    Flag::new("all", Kind::Bool, "Show all containers, not only running ones").short('a'),
    Flag::new("filter", Kind::Filter, "Show only what fulfils the condition").short('f'),
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("last", Kind::Integer, "Show the n newest containers, running or not")
        .short('n')
        .default("-1"),
    Flag::new("latest", Kind::Bool, "Show the newest container, running or not").short('l'),
    Flag::new("no-trunc", Kind::Bool, "Do not shorten"),
    Flag::new("quiet", Kind::Bool, "Only show ids").short('q'),
    Flag::new("size", Kind::Bool, "Show the size of files").short('s'),
];

pub(super) const VERB: Verb = Verb {
    names: &["ls", "list", "ps"],
    shortcut: Some("ps"),
    usage: "[OPTIONS]",
    about: "List containers",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: list,
};

const COLUMNS: [&str; 7] = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"];
const COLUMNS_WITH_SIZE: [&str; 8] = [
    "ID",
    "Image",
    "Command",
    "RunningFor",
    "Status",
    "Ports",
    "Names",
    "Size",
];
const HEADS: [(&str, &str); 15] = [
    ("ID", "CONTAINER ID"),
    ("Names", "NAMES"),
    ("Image", "IMAGE"),
    ("Command", "COMMAND"),
    ("CreatedAt", "CREATED AT"),
    ("RunningFor", "CREATED"),
    ("Ports", "PORTS"),
    ("State", "STATE"),
    ("Status", "STATUS"),
    ("Size", "SIZE"),
    ("Labels", "LABELS"),
    ("Mounts", "MOUNTS"),
    ("LocalVolumes", "LOCAL VOLUMES"),
    ("Networks", "NETWORKS"),
    ("Platform", "PLATFORM"),
];

fn list(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let format = match parsed.text("format") {
        Some(format) => format.to_owned(),
        None if parsed.on("quiet") => String::new(),
        None => invocation.config().ps_format,
    };
    let last = parsed.integer("last").unwrap_or(-1);
    let options = ListOptions {
        all: parsed.on("all"),
        limit: if parsed.on("latest") && last == -1 {
            Some(1)
        } else {
            Some(last).filter(|last| *last > 0)
        },
        size: parsed.on("size") || format.contains(".Size") || format.contains("{{json .}}"),
        filters: filters(parsed),
    };
    let client = invocation.client()?;
    let containers = block_on(async { Ok(client.list_containers(&options).await?) })?;
    let view = View {
        now: Timestamp::now(),
        zone: Zone::local(),
        full: parsed.on("no-trunc"),
    };
    let rows: Vec<Row> = containers.iter().map(|container| row(container, &view)).collect();
    if parsed.on("quiet") && format.is_empty() {
        return output::print(
            &rows
                .iter()
                .map(|row| format!("{}\n", row.get("ID").unwrap_or_default()))
                .collect::<String>(),
        );
    }
    let columns: &[&str] = if parsed.on("size") {
        &COLUMNS_WITH_SIZE
    } else {
        &COLUMNS
    };
    output::print(&print_rows(
        Layout {
            format: &format,
            columns,
            heads: &HEADS,
        },
        &rows,
    )?)
}

struct View {
    now: Timestamp,
    zone: Zone,
    full: bool,
}

fn row(container: &ContainerSummary, view: &View) -> Row {
    let full = view.full;
    let created = Timestamp::from_unix(container.created, 0);
    let shortened = |text: &str, width| {
        if full {
            text.to_owned()
        } else {
            shorten::ellipsis(text, width)
        }
    };
    let labels: Vec<String> = container
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mounts = container.mounts.iter().map(|mount| {
        shortened(
            if mount.name.is_empty() {
                &mount.source
            } else {
                &mount.name
            },
            15,
        )
    });
    let local = container.mounts.iter().filter(|mount| mount.driver == "local").count();
    let networks: Vec<&str> = container.network_settings.networks.keys().map(String::as_str).collect();
    Row::new([
        (
            "ID",
            if full {
                container.id.clone()
            } else {
                shorten::id(&container.id).to_owned()
            },
        ),
        ("Names", names(container, full)),
        ("Image", image(container, full)),
        ("Command", format!("{:?}", shortened(&container.command, 20))),
        ("CreatedAt", view.zone.clock(created)),
        ("RunningFor", elapsed::ago(view.now, created)),
        ("Ports", ports::join(&container.ports)),
        ("State", container.state.clone()),
        ("Status", container.status.clone()),
        ("Size", sizes(container)),
        ("Labels", labels.join(",")),
        ("Mounts", mounts.collect::<Vec<_>>().join(",")),
        ("LocalVolumes", local.to_string()),
        ("Networks", networks.join(",")),
    ])
    .with_null("Platform")
}

/// Links to a container look like names with a slash inside; they are shown in full lists only.
fn names(container: &ContainerSummary, full: bool) -> String {
    let names = container
        .names
        .iter()
        .map(|name| name.strip_prefix('/').unwrap_or(name));
    names
        .filter(|name| full || !name.contains('/'))
        .collect::<Vec<_>>()
        .join(",")
}

fn image(container: &ContainerSummary, full: bool) -> String {
    let image = &container.image;
    if image.is_empty() {
        return "<no image>".to_owned();
    }
    if full {
        return image.clone();
    }
    let id = shorten::id(&container.image_id);
    if !id.is_empty() && id == shorten::id(image) {
        return id.to_owned();
    }
    match image.split_once('@') {
        Some((named, _)) => named.to_owned(),
        None => image.clone(),
    }
}

fn sizes(container: &ContainerSummary) -> String {
    let text = |bytes: i64| size::human_digits(u64::try_from(bytes).unwrap_or(0), 3);
    match container.size_root_fs {
        0 => text(container.size_rw),
        all => format!("{} (virtual {})", text(container.size_rw), text(all)),
    }
}
