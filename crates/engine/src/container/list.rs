//! What `docker ps` shows. Reads published views; never asks an owner.

use std::sync::Arc;

use corten_api::List;
use corten_api::container::{ContainerSummary, SummaryHostConfig, SummaryNetworkSettings};
use corten_base::Timestamp;

use super::filter::{Candidate, ContainerFilter};
use super::{Container, View, inspect, ports, status};
use crate::core::Core;
use crate::error::Result;
use crate::network;
use crate::request::ListOptions;

/// The containers that match, newest first. Blocks when sizes or images are asked for.
pub(crate) fn list(core: &Core, options: &ListOptions) -> Result<Vec<ContainerSummary>> {
    let filter = ContainerFilter::parse(&options.filters, &|reference| {
        let container = core.containers.find(reference)?;
        Ok(container.record.created)
    })?;
    let all = options.all || options.limit > 0 || filter.shows_stopped();
    let mut containers = core.containers.all();
    containers.sort_by_key(|container| std::cmp::Reverse(container.record.created));
    let now = Timestamp::now();
    let limit = usize::try_from(options.limit)
        .ok()
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX);
    let mut summaries = Vec::new();
    for container in containers {
        let view = container.look();
        if view.removed || (!all && view.life.phase.running().is_none() && !is_restarting(&view)) {
            continue;
        }
        let summary = summary(core, &container, &view, now);
        if filter.matches(&candidate(core, &container, &view, &summary)) {
            summaries.push(with_size(core, &container, summary, options.size)?);
        }
        if summaries.len() == limit {
            break;
        }
    }
    Ok(summaries)
}

fn is_restarting(view: &View) -> bool {
    matches!(view.life.phase, super::phase::Phase::Restarting(_))
}

fn candidate<'a>(
    core: &'a Core,
    container: &'a Container,
    view: &View,
    summary: &'a ContainerSummary,
) -> Candidate<'a> {
    Candidate {
        summary,
        image_references: image_references(core, container),
        health: container.health.status(),
        exit_code: view.life.phase.ended().map(|ended| ended.code),
        created: container.record.created,
        exposed: container
            .effective
            .config
            .exposed_ports
            .keys()
            .map(String::as_str)
            .collect(),
    }
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

fn summary(core: &Core, container: &Arc<Container>, view: &View, now: Timestamp) -> ContainerSummary {
    let config = &container.effective.config;
    let (path, args) = inspect::command(container);
    let published = view.run.as_ref().map(|run| run.ports());
    let running = view.life.phase.running().is_some();
    let ports = if running {
        ports::listed(config, published.unwrap_or_default())
    } else {
        Vec::new()
    };
    ContainerSummary {
        id: container.id.to_string(),
        names: vec![format!("/{}", container.name())].into(),
        image: image_name(core, container),
        image_id: container.record.image_text(),
        command: shown_command(&path, &args),
        created: container.record.created.unix_seconds(),
        ports: List::from(ports),
        labels: config.labels.clone(),
        state: status::state(&view.life.phase).to_owned(),
        status: status::words(&view.life.phase, &container.health.status(), now),
        host_config: SummaryHostConfig {
            network_mode: container.effective.host.network_mode.clone(),
            annotations: container.effective.host.annotations.clone(),
        },
        network_settings: SummaryNetworkSettings {
            networks: network::endpoints::shown(core, container, view),
        },
        mounts: inspect::mounts(core, container),
        ..ContainerSummary::default()
    }
}

/// The image as it was named, or its id where that name means another image now.
fn image_name(core: &Core, container: &Container) -> String {
    let given = &container.effective.config.image;
    match core.images.find(given) {
        Ok(image) if image.id == container.record.image => given.clone(),
        Ok(_) | Err(_) => container.record.image_text(),
    }
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
