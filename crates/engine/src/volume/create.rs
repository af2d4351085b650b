//! Making a volume because somebody asks for it.

use corten_api::volume::{Volume, VolumeCreateBody};
use corten_base::Timestamp;
use corten_base::id::hex;
use corten_sys::fault::boundary;

use super::local::LocalMount;
use super::{VolumeRecord, check_name};
use crate::core::{Core, random_bytes};
use crate::error::{Error, Result};
use crate::event::Subject;

/// Makes it, or tells of the one that has the name already, whatever its options are (observed: dockerd 28.5).
pub(crate) fn create(core: &Core, body: VolumeCreateBody) -> Result<Volume> {
    let anonymous = body.name.is_empty();
    let name = if anonymous { hex(&random_bytes()) } else { body.name };
    let named = |error: Error| Error {
        message: format!("create {name}: {}", error.message),
        ..error
    };
    check_driver(&body.driver).map_err(named)?;
    check_name(&name)?;
    let record = VolumeRecord {
        version: 1,
        created: Timestamp::now(),
        labels: body.labels.into_entries(),
        anonymous,
        options: body.driver_opts.into_entries(),
    };
    if core.volumes.read(&name)?.is_none() {
        LocalMount::parse(&record.options).map_err(named)?;
    }
    boundary("volume.create");
    let created = core.volumes.ensure(&name, &record, core.remapped.as_ref(), None)?;
    boundary("volume.created");
    if created {
        told(core, &name)
    } else {
        super::inspect(core, &name)
    }
}

/// Tells that it was made, and everything about it.
pub(super) fn told(core: &Core, name: &str) -> Result<Volume> {
    let attributes = [("driver", "local".to_owned())];
    core.events
        .publish(Subject::Volume(name), "create", &attributes, Timestamp::now());
    super::inspect(core, name)
}

/// There is one driver.
pub(crate) fn check_driver(driver: &str) -> Result<()> {
    match driver {
        "" | "local" => Ok(()),
        other => Err(Error::not_found(format!(
            "error looking up volume plugin {other}: plugin \"{other}\" not found"
        ))),
    }
}
