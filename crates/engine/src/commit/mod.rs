//! An image of a container (`POST /commit`).
//!
//! The image store does the reading and recording; here is what goes around it: which configuration the image gets
//! ([`configuration`], [`describe`]), the pause meanwhile ([`pause`]), the events. A commit that has begun goes on when
//! its client leaves, so that the container does too. Unlike dockerd the container goes on as soon as its files are
//! read, not when all is recorded.

mod configuration;
mod describe;
pub(crate) mod pause;

use std::sync::Arc;

use corten_base::{Reference, Timestamp};
use corten_image::CommitRequest;
use corten_sys::fault::boundary;

use crate::container::Container;
use crate::container::phase::Phase;
use crate::core::{Core, transferring};
use crate::error::{Error, Result};
use crate::event::Subject;
use crate::request::CommitOptions;
use describe::Step;

/// Makes it; returns the image's id.
pub(crate) async fn commit(core: &Arc<Core>, options: CommitOptions) -> Result<String> {
    let name = target(&options.repository, &options.tag)?;
    if options.container.is_empty() {
        return Err(Error::invalid("invalid name or ID supplied: \"\""));
    }
    let container = core.containers.find(&options.container)?;
    check(&container)?;
    let work = run(Arc::clone(core), container, options, name);
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|error| Err(Error::internal(format!("a commit ended early: {error}"))))
}

async fn run(
    core: Arc<Core>,
    container: Arc<Container>,
    options: CommitOptions,
    name: Option<Reference>,
) -> Result<String> {
    let own = &container.effective.config;
    let config = configuration::configuration(own, options.config.as_ref(), &options.changes)?;
    let labels = config.labels.clone();
    // A start waits for the commit as it does for copies: what is read is of one run.
    let pass = container.gate.enter().await;
    let paused = options.pause && pause::pause(&core, &container).await?;
    let (read, is_read) = tokio::sync::oneshot::channel::<()>();
    let step = Step {
        config,
        author: options.author,
        comment: options.message.clone(),
    };
    let (made_of, target) = (Arc::clone(&container), name.clone());
    let making = transferring(&core, move |core| {
        make(core, &made_of, step, target.as_ref(), || {
            let whole = pass.check();
            drop((read, pass));
            whole
        })
    });
    let going_on = async {
        // Read, or failed.
        drop(is_read.await);
        if paused {
            pause::go_on(&core, &container).await;
        }
    };
    let (id, ()) = tokio::join!(making, going_on);
    let id = id?;
    let name = name.map(|name| name.familiar());
    announce(
        &core,
        &container,
        &Made {
            id: &id,
            name: name.as_deref(),
            labels: &labels,
            comment: options.message,
        },
    );
    Ok(id)
}

fn make(
    core: &Core,
    container: &Container,
    step: Step,
    target: Option<&Reference>,
    read: impl FnOnce() -> std::io::Result<()>,
) -> Result<String> {
    let parent = container.record.image().copied();
    let below = parent.and_then(|parent| core.images.image(&parent).ok());
    let identity = container.record.identity.as_ref();
    let request = CommitRequest {
        container: &container.id,
        parent,
        reference: target,
        inside: &|owner| identity.map_or(owner, |identity| identity.inside(owner)),
    };
    boundary("commit.begin");
    let made = core.images.commit(request, read, |committed| {
        let below = below.as_ref().map(|image| &*image.config);
        step.describe(container, &core.config.version, below, committed)
    });
    boundary("commit.end");
    let id = made.map_err(|error| crate::image::of_kind(error.kind(), error.to_string()))?;
    Ok(id.to_string())
}

/// The new image's name (texts observed: dockerd 28.5).
fn target(repository: &str, tag: &str) -> Result<Option<Reference>> {
    if repository.is_empty() {
        return Ok(None);
    }
    let wrong = |error: corten_base::reference::ParseReferenceError| Error::invalid(error.to_string());
    let name = Reference::parse(repository).map_err(wrong)?;
    if name.digest().is_some() {
        return Err(Error::invalid("cannot import digest reference"));
    }
    if tag.is_empty() {
        return Ok(Some(name.or_latest()));
    }
    name.with_tag(tag).map(Some).map_err(wrong)
}

fn check(container: &Container) -> Result<()> {
    let why = match container.look().life.phase {
        Phase::Dead(_) => "Dead",
        Phase::Removing(_) => "being removed",
        _ => return Ok(()),
    };
    Err(Error::conflict(format!(
        "You cannot commit container {} which is {why}",
        container.id
    )))
}

/// What there is to tell of.
struct Made<'a> {
    id: &'a str,
    name: Option<&'a str>,
    labels: &'a corten_api::Map<String>,
    comment: String,
}

fn announce(core: &Core, container: &Container, made: &Made<'_>) {
    let now = Timestamp::now();
    let labels: Vec<(&str, String)> = made
        .labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()))
        .collect();
    let id = made.id;
    core.events
        .publish(Subject::Image { id, name: id }, "create", &labels, now);
    if let Some(name) = made.name {
        core.events.publish(Subject::Image { id, name }, "tag", &labels, now);
    }
    let attributes = [
        ("comment", made.comment.clone()),
        ("imageID", id.to_owned()),
        ("imageRef", made.name.unwrap_or_default().to_owned()),
    ];
    core.events
        .publish(Subject::Container(container), "commit", &attributes, now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let digest = format!("x@sha256:{}", "0".repeat(64));
        let table = [
            ("", "", Ok(None)),
            ("", "only", Ok(None)),
            ("a", "", Ok(Some("a:latest"))),
            ("a:b", "c", Ok(Some("a:c"))),
            (
                "UPPER",
                "",
                Err("invalid reference format: repository name (library/UPPER) must be lowercase"),
            ),
            ("a:b:c", "", Err("invalid reference format")),
            ("a", "-x", Err("invalid tag format")),
            (&digest, "", Err("cannot import digest reference")),
        ];
        for (repository, tag, wanted) in table {
            let found = target(repository, tag);
            let found = found
                .map(|name| name.map(|name| name.familiar()))
                .map_err(|error| error.message);
            let wanted = wanted.map(|name| name.map(str::to_owned)).map_err(str::to_owned);
            assert_eq!(found, wanted, "{repository} {tag}");
        }
    }
}
