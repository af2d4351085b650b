//! What `docker ps` shows, as the text that goes to the client. Reads published views; never asks an owner.
//!
//! The text of a running container is kept ([`row`]) and written again when something in it has changed.

mod row;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use corten_api::List;
use corten_api::container::{ContainerSummary, SummaryHostConfig, SummaryNetworkSettings};
use corten_base::{Digest, Timestamp};

pub(crate) use row::Kept;

use super::filter::{Candidate, ContainerFilter};
use super::{Container, View, inspect, ports, status};
use crate::core::Core;
use crate::error::Result;
use crate::network;
use crate::request::ListOptions;

/// The JSON list of the containers that match, newest first. Blocks when sizes are asked for.
pub(crate) fn document(core: &Core, options: &ListOptions) -> Result<Vec<u8>> {
    let is_plain = options.filters.is_empty() && !options.size;
    let mut rows = Rows::default();
    each(core, options, |row, filter| {
        if is_plain {
            rows.add(|text| row.append(text));
            return Ok(true);
        }
        let summary = row.matching(filter, options)?;
        if let Some(summary) = &summary {
            rows.add(|text| text.extend_from_slice(&object(summary)));
        }
        Ok(summary.is_some())
    })?;
    Ok(rows.finish())
}

/// The containers that match, newest first. Blocks when sizes are asked for.
pub(crate) fn list(core: &Core, options: &ListOptions) -> Result<Vec<ContainerSummary>> {
    let mut summaries = Vec::new();
    each(core, options, |row, filter| {
        let summary = row.matching(filter, options)?;
        let is_shown = summary.is_some();
        summaries.extend(summary);
        Ok(is_shown)
    })?;
    Ok(summaries)
}

/// Calls `show` with each container that may be wanted, until it has shown as many as are asked for.
fn each(
    core: &Core,
    options: &ListOptions,
    mut show: impl FnMut(&Row<'_>, &ContainerFilter) -> Result<bool>,
) -> Result<()> {
    let filter = ContainerFilter::parse(&options.filters, &|reference| {
        let container = core.containers.find(reference)?;
        Ok(container.record.created)
    })?;
    let all = options.all || options.limit > 0 || filter.shows_stopped();
    let limited = usize::try_from(options.limit).ok().filter(|limit| *limit > 0);
    let mut left = limited.unwrap_or(usize::MAX);
    let now = Timestamp::now();
    let mut names = ImageNames::default();
    let (aliases, nobody) = (network::linked::names(core), BTreeSet::new());
    for container in newest_first(core) {
        let view = container.look();
        if view.removed || (!all && view.life.phase.running().is_none() && !is_restarting(&view)) {
            continue;
        }
        let row = Row {
            core,
            container: &container,
            view: &view,
            is_named: names.still_mean(core, &container),
            aliases: aliases.get(&container.id).unwrap_or(&nobody),
            now,
        };
        if show(&row, &filter)? {
            left -= 1;
        }
        if left == 0 {
            break;
        }
    }
    Ok(())
}

fn newest_first(core: &Core) -> Vec<Arc<Container>> {
    let mut containers = core.containers.all();
    containers.sort_by_key(|container| std::cmp::Reverse(container.record.created));
    containers
}

/// The JSON object, without an end of line.
fn object(summary: &ContainerSummary) -> Vec<u8> {
    let mut text = corten_api::json::encode(summary);
    text.pop();
    text
}

/// A JSON list as it grows.
#[derive(Default)]
struct Rows(Vec<u8>);

impl Rows {
    fn add(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        append(&mut self.0);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'[');
        }
        self.0.extend_from_slice(b"]\n");
        self.0
    }
}

/// What the names that containers were created with mean now; each looked up once.
#[derive(Default)]
struct ImageNames(HashMap<String, Option<Digest>>);

impl ImageNames {
    /// Whether the image is still what was named at creation.
    fn still_mean(&mut self, core: &Core, container: &Container) -> bool {
        let given = &container.effective.config.image;
        let known = self.0.get(given).copied();
        let meant = known.unwrap_or_else(|| {
            let meant = core.images.find(given).ok().map(|image| image.id);
            self.0.insert(given.clone(), meant);
            meant
        });
        meant == Some(container.record.image)
    }
}

/// A container to be shown.
struct Row<'a> {
    core: &'a Core,
    container: &'a Container,
    view: &'a Arc<View>,
    /// Whether its image is still what was named at creation.
    is_named: bool,
    /// Names that it has by links.
    aliases: &'a BTreeSet<String>,
    now: Timestamp,
}

impl Row<'_> {
    /// What is shown, if the filters want it.
    fn matching(&self, filter: &ContainerFilter, options: &ListOptions) -> Result<Option<ContainerSummary>> {
        let summary = self.summary();
        if !filter.matches(&self.candidate(&summary, options)) {
            return Ok(None);
        }
        with_size(self.core, self.container, summary, options.size).map(Some)
    }

    fn candidate<'a>(&'a self, summary: &'a ContainerSummary, options: &ListOptions) -> Candidate<'a> {
        let is_ancestor_asked = options.filters.contains("ancestor");
        let config = &self.container.effective.config;
        Candidate {
            summary,
            image_references: if is_ancestor_asked {
                image_references(self.core, self.container)
            } else {
                Vec::new()
            },
            health: self.container.health.status(),
            exit_code: self.view.life.phase.ended().map(|ended| ended.code),
            created: self.container.record.created,
            exposed: config.exposed_ports.keys().map(String::as_str).collect(),
        }
    }

    fn status(&self) -> String {
        status::words(&self.view.life.phase, &self.container.health.status(), self.now)
    }

    fn summary(&self) -> ContainerSummary {
        let Self {
            core, container, view, ..
        } = self;
        let config = &container.effective.config;
        let (path, args) = inspect::command(container);
        let published = view.run.as_ref().map(|run| run.published());
        let running = view.life.phase.running().is_some();
        let ports = if running {
            ports::listed(config, &published.unwrap_or_default())
        } else {
            Vec::new()
        };
        ContainerSummary {
            id: container.id.to_string(),
            names: names(&container.name(), self.aliases),
            // its id where that name means another image now
            image: if self.is_named {
                config.image.clone()
            } else {
                container.record.image_text()
            },
            image_id: container.record.image_text(),
            command: shown_command(&path, &args),
            created: container.record.created.unix_seconds(),
            ports: List::from(ports),
            labels: config.labels.clone(),
            state: status::state(&view.life.phase).to_owned(),
            status: self.status(),
            host_config: SummaryHostConfig {
                network_mode: container.effective.host.network_mode.clone(),
                annotations: container.effective.host.annotations.clone(),
            },
            network_settings: SummaryNetworkSettings {
                networks: network::endpoints::listed(core, container, view),
            },
            mounts: inspect::mounts(core, container),
            ..ContainerSummary::default()
        }
    }
}

/// The container's own name and those of links to it, in the order of their bytes.
fn names(own: &str, aliases: &BTreeSet<String>) -> List<String> {
    let mut names: Vec<String> = aliases.iter().cloned().collect();
    names.push(format!("/{own}"));
    names.sort();
    names.into()
}

fn is_restarting(view: &View) -> bool {
    matches!(view.life.phase, super::phase::Phase::Restarting(_))
}

/// Names of the container's image and of its ancestors.
fn image_references(core: &Core, container: &Container) -> Vec<String> {
    let mut names = vec![
        container.record.image.to_string(),
        container.effective.config.image.clone(),
    ];
    if let Ok(image) = core.images.image(&container.record.image) {
        names.extend(image.repo_tags());
        names.extend(image.chain_ids.iter().map(ToString::to_string));
    }
    names
}

fn shown_command(path: &str, args: &[String]) -> String {
    if args.is_empty() {
        return path.to_owned();
    }
    let quote = |word: &String| {
        if word.contains(' ') {
            format!("'{word}'")
        } else {
            word.clone()
        }
    };
    let args: Vec<String> = args.iter().map(quote).collect();
    format!("{path} {}", args.join(" "))
}

fn with_size(core: &Core, container: &Container, summary: ContainerSummary, size: bool) -> Result<ContainerSummary> {
    if !size {
        return Ok(summary);
    }
    let (size_rw, size_root_fs) = inspect::sizes(core, container)?;
    Ok(ContainerSummary {
        size_rw,
        size_root_fs,
        ..summary
    })
}
