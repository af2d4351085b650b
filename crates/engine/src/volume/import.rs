//! A new volume with what is in a tar archive, compressed or not.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::os::fd::AsFd as _;

use corten_api::volume::Volume;
use corten_base::Timestamp;
use corten_image::unpack::{Owners, UnpackOptions, unpack_stream};

use super::VolumeRecord;
use crate::core::Core;
use crate::error::{Error, Result};

/// Makes the volume `name` of what `reader` gives, all of it or nothing. Blocks.
pub(crate) fn import(
    core: &Core,
    name: &str,
    reader: &mut dyn BufRead,
    labels: BTreeMap<String, String>,
) -> Result<Volume> {
    let staged = core.volumes.stage(name, core.remapped.as_ref())?;
    let options = UnpackOptions {
        destination: b"/".to_vec(),
        owners: core.remapped.as_ref().map(|remapped| remapped as &dyn Owners),
        whole: true,
        ..UnpackOptions::default()
    };
    unpack_stream(reader, staged.open()?.as_fd(), &options)
        .map_err(|error| Error::caused(format!("import volume {name}"), error))?;
    staged.publish(&VolumeRecord {
        version: 1,
        created: Timestamp::now(),
        labels,
        ..VolumeRecord::default()
    })?;
    super::create::told(core, name)
}
