//! Operations on images: the store of `corten-image`, called at the blocking boundary, and its answers
//! in the API's shapes.

pub(crate) mod foreign;
pub(crate) mod list;
pub(crate) mod save;
pub(crate) mod show;

pub use save::SaveTicket;

use std::io::Read;
use std::sync::Arc;

use corten_api::image::ImageDeleteItem;
use corten_base::{Digest, Platform, Reference, Timestamp};
use corten_image::{FindError, LoadEvent, Removed, User};
use corten_sys::fault::boundary;

use crate::container::mounts;
use crate::core::{Core, blocking};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Subject;
use crate::request::{ImageRemoveOptions, ImportImageOptions};

/// One step of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadProgress {
    /// Bytes of a layer's compressed blob taken in so far.
    Layer {
        /// Short id of the layer.
        id: String,
        /// Taken.
        current: u64,
        /// Of how many; zero: unknown.
        total: u64,
    },
    /// A line for the client, without its line end: `Loaded image: busybox:latest`.
    Message(String),
}

/// An error of the store in the engine's kinds.
pub(crate) fn of_kind(kind: corten_image::ErrorKind, message: String) -> Error {
    let kind = match kind {
        corten_image::ErrorKind::NotFound => ErrorKind::NotFound,
        corten_image::ErrorKind::InvalidParameter => ErrorKind::InvalidParameter,
        corten_image::ErrorKind::Conflict => ErrorKind::Conflict,
        corten_image::ErrorKind::Internal => ErrorKind::Internal,
    };
    Error { kind, message }
}

/// A failed look-up.
pub(crate) fn find_error(_reference: &str, error: &FindError) -> Error {
    of_kind(error.kind(), error.to_string())
}

/// Labels as attributes of events.
type Labels = Vec<(String, String)>;

/// The labels of an image, which go with its events while it is there.
fn labels(core: &Core, id: &str) -> Labels {
    let image = id.parse::<Digest>().ok().and_then(|id| core.images.image(&id).ok());
    let config = image.and_then(|image| image.config.config.clone());
    config
        .map(|config| config.labels.into_iter().collect())
        .unwrap_or_default()
}

fn publish(core: &Core, id: &str, name: &str, action: &str) {
    publish_with(core, id, name, action, &labels(core, id));
}

fn publish_with(core: &Core, id: &str, name: &str, action: &str, labels: &Labels) {
    let labels: Vec<(&str, String)> = labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()))
        .collect();
    core.events
        .publish(Subject::Image { id, name }, action, &labels, Timestamp::now());
}

/// Gives an image one more name.
pub(crate) fn tag(core: &Core, name: &str, repository: &str, tag: &str) -> Result<()> {
    let target = target(repository, tag)?;
    boundary("tag.write");
    let id = core
        .images
        .tag(name, &target)
        .map_err(|error| find_error(name, &error))?;
    boundary("tag.written");
    publish(core, &id.to_string(), &target.familiar(), "tag");
    Ok(())
}

fn target(repository: &str, tag: &str) -> Result<Reference> {
    let wrong = |error: corten_base::reference::ParseReferenceError| Error::invalid(error.to_string());
    let reference = Reference::parse(repository).map_err(wrong)?;
    if reference.digest().is_some() {
        return Err(Error::invalid("refusing to create a tag with a digest reference"));
    }
    if tag.is_empty() {
        Ok(reference.or_latest())
    } else {
        reference.with_tag(tag).map_err(wrong)
    }
}

/// Takes a name away, and the image with its last one. Refuses what containers use.
pub(crate) fn remove(core: &Core, name: &str, options: ImageRemoveOptions) -> Result<Vec<ImageDeleteItem>> {
    let users: Vec<User> = core
        .containers
        .all()
        .iter()
        .flat_map(|container| {
            let mounted = mounts::images(&container.record.mounts).filter_map(|(_, mount)| mount.image.parse().ok());
            let user = |image: Digest| User {
                container: container.id.clone(),
                image,
                running: container.look().life.phase.running().is_some(),
            };
            mounted.chain([container.record.image]).map(user).collect::<Vec<_>>()
        })
        .collect();
    let options = corten_image::RemoveOptions {
        force: options.force,
        prune: !options.no_prune,
    };
    let found = core.images.find(name).ok().map(|image| image.id.to_string());
    let labels = found.map(|id| labels(core, &id)).unwrap_or_default();
    boundary("image-remove.begin");
    let removed = core.images.remove(name, options, &users);
    boundary("image-remove.end");
    let (id, removed) = removed.map_err(|error| of_kind(error.kind(), error.to_string()))?;
    let id = id.to_string();
    let mut items = Vec::with_capacity(removed.len());
    for step in removed {
        match step {
            Removed::Untagged(name) => {
                publish_with(core, &id, &id, "untag", &labels);
                items.push(ImageDeleteItem::Untagged(name));
            }
            Removed::Deleted(digest) => {
                if digest.to_string() == id {
                    publish(core, &id, &id, "delete");
                }
                items.push(ImageDeleteItem::Deleted(digest.to_string()));
            }
        }
    }
    Ok(items)
}

/// Loads the archive that `reader` gives.
/// Loads the images of an archive, or those for one platform.
pub(crate) fn load(
    core: &Core,
    platform: Option<&Platform>,
    reader: &mut (dyn Read + Send),
    progress: &mut dyn FnMut(LoadProgress),
) -> Result<()> {
    boundary("load.begin");
    let loaded = core.images.load_for(platform, reader, &mut |event| {
        progress(match event {
            LoadEvent::Layer {
                diff_id,
                current_bytes,
                total_bytes,
            } => LoadProgress::Layer {
                id: diff_id.hex().chars().take(12).collect(),
                current: current_bytes,
                total: total_bytes,
            },
            LoadEvent::Message(line) => LoadProgress::Message(line),
        });
    });
    boundary("load.end");
    for image in loaded.map_err(|error| of_kind(error.kind(), error.to_string()))? {
        let id = image.id.to_string();
        publish(core, &id, &id, "load");
    }
    Ok(())
}

/// Makes an image of a tar; returns its id.
pub(crate) fn import(core: &Core, reader: &mut (dyn Read + Send), options: &ImportImageOptions) -> Result<String> {
    let imported = import_unread(core, reader, options);
    if imported.is_err() {
        // A client that still sends sees a broken pipe instead of the answer.
        drop(std::io::copy(
            &mut reader.take(UNREAD_LIMIT_BYTES),
            &mut std::io::sink(),
        ));
    }
    imported
}

/// How much of an archive is taken in after its refusal, so that its client reads the answer.
const UNREAD_LIMIT_BYTES: u64 = 64 << 20;

fn import_unread(core: &Core, reader: &mut (dyn Read + Send), options: &ImportImageOptions) -> Result<String> {
    let reference = match options.repository.as_str() {
        "" => None,
        repository => Some(target(repository, &options.tag)?),
    };
    let message = if options.message.is_empty() {
        "Imported from -".to_owned()
    } else {
        options.message.clone()
    };
    let own = corten_image::ImportOptions {
        reference: reference.clone(),
        message,
        changes: options.changes.clone(),
        platform: platform(&options.platform)?,
        created: Timestamp::now(),
    };
    boundary("import.begin");
    let id = core
        .images
        .import(reader, &own)
        .map_err(|error| of_kind(error.kind(), error.to_string()))?;
    boundary("import.end");
    let id = id.to_string();
    publish(
        core,
        &id,
        &reference.map_or_else(|| id.clone(), |reference| reference.familiar()),
        "import",
    );
    Ok(id)
}

fn platform(text: &str) -> Result<Option<Platform>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error| Error::invalid(format!("{error}")))
}

/// Makes the embedded image if `name` means it.
pub(crate) async fn provide_embedded(core: &Arc<Core>, name: &str) -> Result<bool> {
    const EMBEDDED: &str = "hello-world:latest";
    if !Reference::parse(name).is_ok_and(|name| name.or_latest().familiar() == EMBEDDED) {
        return Ok(false);
    }
    let made: Result<Digest> = blocking(core, |core| {
        core.images
            .ensure_hello_world()
            .map_err(|error| Error::caused("make the embedded image", error))
    })
    .await;
    publish(core, &made?.to_string(), EMBEDDED, "pull");
    Ok(true)
}
