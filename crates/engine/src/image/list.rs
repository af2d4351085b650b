//! What `docker images` shows.

use std::collections::{HashMap, HashSet};

use corten_api::image::ImageSummary;
use corten_api::{Filters, List, Map};
use corten_base::{Digest, Timestamp};
use corten_image::Image;

use super::find_error;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::request::ImageListOptions;
use crate::volume::label_matches;

const FILTERS: &[&str] = &["before", "dangling", "label", "label!", "reference", "since", "until"];

/// The images that match, newest first.
pub(crate) fn list(core: &Core, options: &ImageListOptions) -> Result<Vec<ImageSummary>> {
    let filters = &options.filters;
    let wrong = |error: corten_api::filters::FilterError| Error::invalid(error.to_string());
    filters.accept_only(FILTERS).map_err(wrong)?;
    let dangling = filters.boolean("dangling").map_err(wrong)?;
    let created = |name: &str| -> Result<Option<Timestamp>> {
        let Some(value) = filters.get(name).next() else {
            return Ok(None);
        };
        let image = core.images.find(value).map_err(|error| find_error(value, &error))?;
        Ok(Some(image.config.created.unwrap_or_default()))
    };
    let (before, since) = (created("before")?, created("since")?);
    // Sic: dockerd 28.5 answers with 500.
    let until = crate::prune::until(filters, Timestamp::now()).map_err(|error| Error::internal(error.message))?;
    let images = core
        .images
        .list()
        .map_err(|error| Error::caused("list images", error))?;
    let mut users: HashMap<String, i64> = HashMap::new();
    for container in core.containers.all() {
        *users.entry(container.record.image.to_string()).or_default() += 1;
    }
    let parents: HashSet<Digest> = images.iter().filter_map(|image| image.parent).collect();
    let mut summaries = Vec::new();
    for image in images {
        // A step on the way to another image, told if all are asked for; never something that dangles.
        let step = image.references.is_empty() && parents.contains(&image.id);
        if step && (!options.all || dangling == Some(true)) {
            continue;
        }
        let own = image.config.created.unwrap_or_default();
        let wanted = before.is_none_or(|before| own < before)
            && since.is_none_or(|since| own > since)
            && until.is_none_or(|until| own < until)
            && dangling.is_none_or(|dangling| dangling == image.references.is_empty());
        let mut summary = summary(&image);
        summary.containers = users.get(&summary.id).copied().unwrap_or(0);
        let labelled = |value: &str| label_matches(&summary.labels, value);
        if wanted && filters.get("label").all(labelled) && !filters.get("label!").any(labelled) {
            summaries.extend(by_reference(summary, filters));
        }
    }
    Ok(summaries)
}

/// Keeps the names that match `reference`; none: not this image.
fn by_reference(mut summary: ImageSummary, filters: &Filters) -> Option<ImageSummary> {
    if !filters.contains("reference") {
        return Some(summary);
    }
    let keep = |names: &List<String>| -> Vec<String> {
        names
            .iter()
            .filter(|name| filters.get("reference").any(|pattern| familiar_match(pattern, name)))
            .cloned()
            .collect()
    };
    let (tags, digests) = (keep(&summary.repo_tags), keep(&summary.repo_digests));
    if tags.is_empty() && digests.is_empty() {
        return None;
    }
    summary.repo_tags = tags.into();
    summary.repo_digests = digests.into();
    Some(summary)
}

/// Docker's match of a name: the pattern may have `*` and `?` within a path component, and no tag.
fn familiar_match(pattern: &str, name: &str) -> bool {
    let repository = match name.split_once('@') {
        Some((repository, _)) => repository,
        None => name
            .rsplit_once(':')
            .filter(|(_, tag)| !tag.contains('/'))
            .map_or(name, |(repository, _)| repository),
    };
    glob(pattern.as_bytes(), name.as_bytes()) || glob(pattern.as_bytes(), repository.as_bytes())
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            glob(rest, text)
                || text
                    .split_first()
                    .is_some_and(|(byte, tail)| *byte != b'/' && glob(pattern, tail))
        }
        (Some((b'?', rest)), Some((byte, tail))) => *byte != b'/' && glob(rest, tail),
        (Some((wanted, rest)), Some((byte, tail))) => wanted == byte && glob(rest, tail),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn summary(image: &Image) -> ImageSummary {
    let labels = image
        .config
        .config
        .as_ref()
        .map(|config| config.labels.clone())
        .unwrap_or_default();
    ImageSummary {
        containers: -1,
        created: image.config.created.map_or(0, Timestamp::unix_seconds),
        id: image.id.to_string(),
        labels: if labels.is_empty() { Map::null() } else { labels.into() },
        parent_id: image.parent.map(|parent| parent.to_string()).unwrap_or_default(),
        repo_digests: List::from(image.repo_digests()),
        repo_tags: List::from(image.repo_tags()),
        shared_size: -1,
        size: i64::try_from(image.size_bytes).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (pattern, name, expected) in [
            ("busybox", "busybox:latest", true),
            ("busy*", "busybox:latest", true),
            ("busybox:la*", "busybox:latest", true),
            ("*", "a/b:1", false),
            ("a/*", "a/b:1", true),
            ("*:1", "host:5000/a:1", false),
            ("host:5000/a", "host:5000/a:1", true),
            ("b?sybox", "busybox:1", true),
        ] {
            assert_eq!(familiar_match(pattern, name), expected, "{pattern} {name}");
        }
    }
}
