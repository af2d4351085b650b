//! A new volume with what is in another one, as it is at that moment: a volume in use is copied file by file while its
//! users go on.

use std::collections::BTreeMap;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use corten_api::volume::Volume;
use corten_base::Timestamp;
use corten_image::snapshot::copy_tree;

use super::VolumeRecord;
use crate::core::Core;
use crate::error::{Error, Result};

/// Makes the volume `name` with the content and the labels of `source`, and `labels` over these. It is a plain
/// directory: options that mount something are the original's alone. Blocks.
pub(crate) fn clone(core: &Arc<Core>, source: &str, name: &str, labels: BTreeMap<String, String>) -> Result<Volume> {
    let loan = super::lend(core, source)?;
    let original = core.volumes.read(source)?.unwrap_or_default();
    let staged = core.volumes.stage(name, None)?;
    let copied = copy_tree(loan.open()?.as_fd(), staged.open()?.as_fd());
    copied.map_err(|error| Error::caused(format!("clone volume {source}"), error))?;
    staged.publish(&VolumeRecord {
        version: 1,
        created: Timestamp::now(),
        labels: original.labels.into_iter().chain(labels).collect(),
        ..VolumeRecord::default()
    })?;
    super::create::told(core, name)
}
