//! Images without a name, or all that no container uses.

use std::sync::Arc;

use corten_api::image::{ImageDeleteItem, ImagePruneReport};
use corten_api::{Filters, List};
use corten_base::Timestamp;
use corten_image::Image;

use super::{Wanted, publish, running};
use crate::core::Core;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Subject;
use crate::image;
use crate::request::ImageRemoveOptions;

/// Removes the images that match: nameless ones, or with `dangling=false` all that nothing uses. Blocks.
pub(crate) fn images(core: &Core, filters: Filters) -> Result<ImagePruneReport> {
    let _only = core.pruning.images.try_lock().map_err(|_busy| running())?;
    let dangling = filters
        .boolean("dangling")
        .map_err(|error| Error::invalid(error.to_string()))?
        .unwrap_or(true);
    let wanted = Wanted::parse(filters, &["dangling", "until"], Timestamp::now())?;
    let failed = |error: corten_image::StoreError| Error::caused("list images", error);
    let all = core.images.list().map_err(failed)?;
    let before: u64 = core.images.layer_sizes().map_err(failed)?.values().sum();
    let mut deleted = Vec::new();
    for image in &all {
        let labels = image.config.config.as_ref().map(|config| config.labels.clone());
        if wanted.matches(image.config.created, &labels.unwrap_or_default().into()) {
            for reference in targets(image, &all, dangling) {
                deleted.extend(remove(core, &reference)?);
            }
        }
    }
    let after: u64 = core.images.layer_sizes().map_err(failed)?.values().sum();
    let report = ImagePruneReport {
        images_deleted: if deleted.is_empty() {
            List::null()
        } else {
            List::from(deleted)
        },
        space_reclaimed: before.saturating_sub(after),
    };
    publish(core, Subject::Kind("image"), report.space_reclaimed);
    Ok(report)
}

/// What has to be removed so that `image` goes; nothing if it stays.
fn targets(image: &Image, all: &[Arc<Image>], dangling: bool) -> Vec<String> {
    if image.references.is_empty() {
        let has_children = all.iter().any(|other| other.parent == Some(image.id));
        return if has_children {
            Vec::new()
        } else {
            vec![image.id.hex().to_owned()]
        };
    }
    let has_tag = image.references.iter().any(|name| name.digest().is_none());
    if dangling && has_tag {
        return Vec::new();
    }
    image.references.iter().map(|name| name.familiar()).collect()
}

/// Removes one; one that is used stays, without an error.
fn remove(core: &Core, reference: &str) -> Result<Vec<ImageDeleteItem>> {
    match image::remove(core, reference, ImageRemoveOptions::default()) {
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => Ok(Vec::new()),
        removed => removed,
    }
}
