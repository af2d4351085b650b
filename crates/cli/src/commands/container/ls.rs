//! `ps`: the containers there are.

use std::rc::Rc;

use corten_api::container::ContainerSummary;
use corten_base::size;
use corten_client::ListOptions;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing, TemplateError, View};
use crate::output;
use crate::text::{ports, shorten};
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

const LISTING: Listing<Shown> = Listing {
    kind: "*formatter.ContainerContext",
    columns: &[
        Column::new("ID", "CONTAINER ID", |shown| Some(shown.view.id(&shown.container.id))),
        Column::new("Names", "NAMES", |shown| Some(shown.names())),
        Column::new("Image", "IMAGE", |shown| Some(shown.image())),
        Column::new("Command", "COMMAND", |shown| {
            Some(format!("{:?}", shown.view.shortened(&shown.container.command, 20)))
        }),
        Column::new("CreatedAt", "CREATED AT", |shown| {
            Some(shown.view.clock(shown.container.created))
        }),
        Column::new("RunningFor", "CREATED", |shown| {
            Some(shown.view.ago(shown.container.created))
        }),
        Column::new("Ports", "PORTS", |shown| Some(ports::join(&shown.container.ports))),
        Column::new("State", "STATE", |shown| Some(shown.container.state.clone())),
        Column::new("Status", "STATUS", |shown| Some(shown.container.status.clone())),
        Column::new("Size", "SIZE", |shown| Some(sizes(&shown.container))),
        Column::new("Labels", "LABELS", |shown| Some(labels(&shown.container))),
        Column::new("Mounts", "MOUNTS", |shown| Some(shown.mounts())),
        Column::new("LocalVolumes", "LOCAL VOLUMES", |shown| {
            Some(local_volumes(&shown.container))
        }),
        Column::new("Networks", "NETWORKS", |shown| Some(networks(&shown.container))),
        Column::new("Platform", "PLATFORM", |_| None),
    ],
    labels: Some(|shown| &shown.container.labels),
    table: "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}",
    quiet: "{{.ID}}",
    raw: "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\n\
          state: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}\n\
          labels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n",
};

fn list(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let quiet = parsed.on("quiet");
    let given = parsed.text("format").filter(|format| !format.is_empty());
    if quiet && given.is_some() {
        crate::speech::tell("WARNING: Ignoring custom format, because both --format and --quiet are set.");
    }
    let config = invocation.config();
    let template = given.unwrap_or(&config.ps_format);
    let asks_size = asks_size(template)? && !quiet && !parsed.is_set("size");
    let mut format = LISTING.template(
        given.filter(|format| !quiet || *format == "raw"),
        &config.ps_format,
        quiet,
    );
    let last = parsed.integer("last").unwrap_or(-1);
    let size = parsed.on("size") || asks_size;
    if size && !quiet && (format.ends_with(LISTING.table) || format == LISTING.raw) {
        format.push_str(if format == LISTING.raw {
            "size: {{.Size}}\\n"
        } else {
            "\\t{{.Size}}"
        });
    }
    let options = ListOptions {
        all: parsed.on("all"),
        limit: if parsed.on("latest") && last == -1 {
            Some(1)
        } else {
            Some(last).filter(|last| *last > 0)
        },
        size,
        filters: filters(parsed),
    };
    let client = invocation.client()?;
    // what the usual columns do not show need not be read
    let is_usual = format == LISTING.quiet || format == LISTING.template(None, "", false);
    let containers = block_on(async {
        Ok(if is_usual {
            let briefs = client.list_containers_briefly(&options).await?;
            briefs.into_iter().map(ContainerSummary::from).collect()
        } else {
            client.list_containers(&options).await?
        })
    })?;
    output::print(&listed(&format, containers, parsed.on("no-trunc"))?)
}

/// Containers by a template; `full` shortens nothing.
pub(in crate::commands) fn listed(
    format: &str,
    containers: Vec<ContainerSummary>,
    full: bool,
) -> Result<String, TemplateError> {
    let view = View::of(full);
    let shown = containers.into_iter().map(|container| Shown {
        container,
        view: Rc::clone(&view),
    });
    LISTING.print(format, shown)
}

/// Whether a template prints sizes, which cost the engine time; a template that is none is refused.
fn asks_size(template: &str) -> Result<bool, Failure> {
    if template.is_empty() {
        return Ok(false);
    }
    let empty = Shown {
        container: ContainerSummary::default(),
        view: View::empty(),
    };
    let used = LISTING.fields_used(template, empty).map_err(|error| {
        Failure::new(match error {
            TemplateError::Read(error) => format!("failed to parse template: {error}"),
            TemplateError::Run(error) | TemplateError::Bare(error) => format!("failed to execute template: {error}"),
            TemplateError::Decode(error) => error.to_string(),
        })
    })?;
    Ok(used.contains(&"Size"))
}

/// A container and how it is to be shown.
struct Shown {
    container: ContainerSummary,
    view: Rc<View>,
}

impl Shown {
    /// All names; of a short list the first that is no link (those look like names with a slash inside).
    fn names(&self) -> String {
        let names = self.container.names.iter();
        let names: Vec<&str> = names.map(|name| name.strip_prefix('/').unwrap_or(name)).collect();
        match names.iter().find(|name| !name.contains('/')) {
            Some(name) if !self.view.full => (*name).to_owned(),
            _ => names.join(","),
        }
    }

    fn image(&self) -> String {
        let image = &self.container.image;
        if image.is_empty() {
            return "<no image>".to_owned();
        }
        if self.view.full {
            return image.clone();
        }
        let id = shorten::id(&self.container.image_id);
        if !id.is_empty() && id == shorten::id(image) {
            return id.to_owned();
        }
        match image.split_once('@') {
            Some((named, _)) => named.to_owned(),
            None => image.clone(),
        }
    }

    fn mounts(&self) -> String {
        let mounts = self.container.mounts.iter().map(|mount| {
            let name = if mount.name.is_empty() {
                &mount.source
            } else {
                &mount.name
            };
            self.view.shortened(name, 15)
        });
        mounts.collect::<Vec<_>>().join(",")
    }
}

fn labels(container: &ContainerSummary) -> String {
    let labels = container.labels.iter().map(|(key, value)| format!("{key}={value}"));
    labels.collect::<Vec<_>>().join(",")
}

fn local_volumes(container: &ContainerSummary) -> String {
    let local = container.mounts.iter().filter(|mount| mount.driver == "local");
    local.count().to_string()
}

fn networks(container: &ContainerSummary) -> String {
    let networks: Vec<&str> = container.network_settings.networks.keys().map(String::as_str).collect();
    networks.join(",")
}

fn sizes(container: &ContainerSummary) -> String {
    let text = |bytes: i64| size::human_digits(u64::try_from(bytes).unwrap_or(0), 3);
    match container.size_root_fs {
        0 => text(container.size_rw),
        all => format!("{} (virtual {})", text(container.size_rw), text(all)),
    }
}
