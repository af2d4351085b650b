//! An image of a container (`POST /commit`).
//!
//! A running container is paused while its files are read, by the owner that everybody pauses by; `commit` in its run
//! directory says so before, and a daemon that finds the file lets the container go on ([`resume`]).

use std::path::PathBuf;
use std::sync::Arc;

use corten_api::container::ContainerConfig;
use corten_base::{Reference, Timestamp};
use corten_image::commit::Committed;
use corten_image::config::{History, RootFs};
use corten_sys::fault::boundary;
use serde::Serialize;

use crate::container::phase::Phase;
use crate::container::{Container, actions, effective};
use crate::core::{Core, blocking, transferring};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Subject;
use crate::request::CommitOptions;

/// Stands in the run directory while a commit has the container paused.
const MARK: &str = "commit";

/// Makes it; returns the image's id.
pub(crate) async fn commit(core: &Arc<Core>, options: CommitOptions) -> Result<String> {
    let reference = options.container.clone();
    if reference.is_empty() {
        return Err(Error::invalid("invalid name or ID supplied: \"\""));
    }
    let name = match options.repository.as_str() {
        "" => None,
        repository => Some(crate::image::commit_target(repository, &options.tag)?),
    };
    let container = core.containers.find(&reference)?;
    let config = configuration(&container, &options)?;
    let pass = container.gate.enter().await;
    let paused = pause(core, &container, options.pause).await?;
    let (read, done) = tokio::sync::oneshot::channel();
    let (own, author, message) = (Arc::clone(&container), options.author.clone(), options.message.clone());
    let target = name.clone();
    let making = transferring(core, move |core| {
        let _pass = pass;
        let made = Making {
            core,
            container: &own,
            config,
            author,
            message,
        };
        made.make(target, move || read.send(()).unwrap_or_default())
    });
    let resume = async {
        // Read or failed: the container goes on.
        drop(done.await);
        if paused {
            go_on(core, &container).await;
        }
    };
    let (made, ()) = tokio::join!(making, resume);
    let id = made?;
    let attributes = [
        ("comment", options.message),
        ("imageID", id.clone()),
        ("imageRef", name.as_ref().map(Reference::familiar).unwrap_or_default()),
    ];
    core.events
        .publish(Subject::Container(&container), "commit", &attributes, Timestamp::now());
    if let Some(name) = name {
        let (image, familiar) = (id.clone(), name.familiar());
        let subject = Subject::Image {
            id: &image,
            name: &familiar,
        };
        core.events.publish(subject, "tag", &[], Timestamp::now());
    }
    Ok(id)
}

/// The configuration that the new image gives its containers.
fn configuration(container: &Container, options: &CommitOptions) -> Result<ContainerConfig> {
    let own = &container.effective.config;
    let base = options.config.clone().unwrap_or_else(|| own.clone());
    let failed = |error: serde_json::Error| Error::caused("write the image's configuration", error);
    let mut written = serde_json::to_value(&base).map_err(failed)?;
    let mut image: corten_image::Config = serde_json::from_value(written.clone()).map_err(failed)?;
    corten_image::changes::apply(&mut image, &options.changes).map_err(|error| Error::invalid(error.to_string()))?;
    if !options.changes.is_empty() {
        let changed = serde_json::to_value(&image).map_err(failed)?;
        if let (Some(written), Some(changed)) = (written.as_object_mut(), changed.as_object()) {
            written.extend(changed.clone());
        }
    }
    let mut config: ContainerConfig = serde_json::from_value(written).map_err(failed)?;
    if options.config.is_some() {
        let inherited = serde_json::to_value(own).and_then(serde_json::from_value);
        effective::inherit(&mut config, &inherited.map_err(failed)?);
    }
    Ok(config)
}

fn mark(core: &Core, container: &Container) -> PathBuf {
    core.run_directory(&container.id).join(MARK)
}

/// Returns whether it was paused by this.
async fn pause(core: &Arc<Core>, container: &Arc<Container>, wanted: bool) -> Result<bool> {
    if !wanted || !matches!(container.look().life.phase, Phase::Running(_)) {
        return Ok(false);
    }
    let own = Arc::clone(container);
    blocking(core, move |core| {
        let path = mark(core, &own);
        std::fs::write(&path, "").map_err(|error| Error::caused(format!("write {}", path.display()), error))
    })
    .await?;
    boundary("commit.pause");
    let paused = actions::pause(core, container.id.as_str()).await;
    boundary("commit.paused");
    match paused {
        Ok(()) => Ok(true),
        Err(error) => {
            forget(core, container).await;
            // It ended or was paused by somebody else meanwhile.
            if error.kind == ErrorKind::Conflict {
                Ok(false)
            } else {
                Err(error)
            }
        }
    }
}

async fn go_on(core: &Arc<Core>, container: &Arc<Container>) {
    boundary("commit.unpause");
    if let Err(error) = actions::unpause(core, container.id.as_str()).await {
        tracing::warn!(container = container.id.short(), %error, "a container did not go on after its commit");
    }
    boundary("commit.unpaused");
    forget(core, container).await;
}

async fn forget(core: &Arc<Core>, container: &Arc<Container>) {
    let own = Arc::clone(container);
    let removed = blocking(core, move |core| {
        // It may have gone with the run directory.
        drop(std::fs::remove_file(mark(core, &own)));
        Ok(())
    });
    drop(removed.await);
}

/// Lets containers go on that an earlier daemon had paused for a commit.
pub(crate) async fn resume(core: &Arc<Core>) {
    for container in core.containers.all() {
        let is_paused = matches!(container.look().life.phase, Phase::Paused(_));
        if is_paused && mark(core, &container).exists() {
            go_on(core, &container).await;
        }
    }
}

struct Making<'a> {
    core: &'a Core,
    container: &'a Container,
    config: ContainerConfig,
    author: String,
    message: String,
}

impl Making<'_> {
    fn make(&self, target: Option<Reference>, read: impl FnOnce()) -> Result<String> {
        let parent = self.container.record.image().copied();
        let below = parent.and_then(|parent| self.core.images.image(&parent).ok());
        let describe = |committed: &Committed| self.describe(below.as_deref(), committed);
        boundary("commit.begin");
        let made = self
            .core
            .images
            .commit(&self.container.id, parent, target, read, describe);
        boundary("commit.end");
        let id = made.map_err(|error| crate::image::of_kind(error.kind(), error.to_string()))?;
        Ok(id.to_string())
    }

    /// The image's configuration as Docker writes it.
    fn describe(&self, below: Option<&corten_image::Image>, committed: &Committed) -> Vec<u8> {
        let own = &self.container.effective.config;
        let created = Timestamp::now();
        let mut history = below.map(|image| image.config.history.clone()).unwrap_or_default();
        history.push(History {
            created: Some(created),
            author: self.author.clone(),
            created_by: own.cmd.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
            comment: self.message.clone(),
            empty_layer: committed.is_empty,
        });
        let host = corten_base::Platform::host();
        let (architecture, os) = below.map_or((host.architecture.as_str(), host.os.as_str()), |image| {
            (image.config.architecture.as_str(), image.config.os.as_str())
        });
        let image = CommittedImage {
            architecture,
            author: &self.author,
            config: &self.config,
            container: self.container.id.as_str(),
            container_config: own,
            created,
            docker_version: self.core.config.version.as_str(),
            history,
            os,
            rootfs: RootFs {
                diff_ids: committed.diff_ids.clone(),
                ..RootFs::default()
            },
        };
        let text = serde_json::to_string(&image).expect("texts, numbers and lists are JSON");
        // As Go writes what could be taken for HTML; these stand in texts only.
        let text = text
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026");
        text.into_bytes()
    }
}

/// In the order of Docker's keys.
#[derive(Serialize)]
struct CommittedImage<'a> {
    architecture: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    config: &'a ContainerConfig,
    container: &'a str,
    container_config: &'a ContainerConfig,
    created: Timestamp,
    docker_version: &'a str,
    history: Vec<History>,
    os: &'a str,
    rootfs: RootFs,
}
