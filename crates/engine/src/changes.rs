//! What a container changed (`GET /containers/{id}/changes`).

use corten_api::container::FilesystemChange;
use corten_image::snapshot::ChangeKind;

use crate::container::Container;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::files;

/// Compares it with what it was made from.
pub(crate) fn changes(core: &Core, container: &Container) -> Result<Vec<FilesystemChange>> {
    files::view::prepare(core, container)?;
    let identity = container.record.identity.as_ref();
    let inside = |owner| identity.map_or(owner, |identity| identity.inside(owner));
    let changes = core.images.snapshot_changes(&container.id, &inside);
    let changes = changes.map_err(|error| Error::caused("compare the container's files", error))?;
    Ok(changes
        .into_iter()
        .map(|change| FilesystemChange {
            path: String::from_utf8_lossy(&change.path).into_owned(),
            kind: match change.kind {
                ChangeKind::Modified => 0,
                ChangeKind::Added => 1,
                ChangeKind::Deleted => 2,
            },
        })
        .collect())
}
