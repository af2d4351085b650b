//! Looking at volumes.

use corten_api::volume::{Volume, VolumeList};
use corten_api::{Filters, List};

use super::{label_matches, missing};
use crate::core::Core;
use crate::error::{Error, Result};

const FILTERS: &[&str] = &["dangling", "driver", "label", "label!", "name"];

/// The volumes that match, by name.
pub(crate) fn list(core: &Core, filters: &Filters) -> Result<VolumeList> {
    let wrong = |error: corten_api::filters::FilterError| Error::invalid(error.to_string());
    filters.accept_only(FILTERS).map_err(wrong)?;
    let dangling = filters.boolean("dangling").map_err(wrong)?;
    let mut volumes = Vec::new();
    for name in core.volumes.names()? {
        let Some(record) = core.volumes.read(&name)? else {
            continue;
        };
        let volume = core.volumes.shown(&name, record);
        let matches = (!filters.contains("name") || filters.get("name").any(|part| name.contains(part)))
            && (!filters.contains("driver") || filters.get("driver").any(|driver| driver == "local"))
            && filters.get("label").all(|wanted| label_matches(&volume.labels, wanted))
            && !filters
                .get("label!")
                .any(|wanted| label_matches(&volume.labels, wanted))
            && dangling.is_none_or(|dangling| dangling == users(core, &name).is_empty());
        if matches {
            volumes.push(volume);
        }
    }
    Ok(VolumeList {
        volumes: volumes.into(),
        warnings: List::null(),
    })
}

/// Everything about a volume.
pub(crate) fn inspect(core: &Core, name: &str) -> Result<Volume> {
    let record = core.volumes.read(name)?.ok_or_else(|| missing(name))?;
    Ok(core.volumes.shown(name, record))
}

/// Ids of the containers that mount a volume.
pub(crate) fn users(core: &Core, name: &str) -> Vec<String> {
    core.volumes.users_of(name)
}
