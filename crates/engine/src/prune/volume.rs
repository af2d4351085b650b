//! Volumes that no container mounts.

use corten_api::volume::VolumePruneReport;
use corten_api::{Filters, List};
use corten_base::Timestamp;

use super::{Wanted, publish, running};
use crate::core::Core;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Subject;
use crate::volume;

/// The label of a volume that nobody named.
const ANONYMOUS: &str = "com.docker.volume.anonymous";

/// Removes the unused volumes that match: those without a name, or with `all` every one. Blocks.
pub(crate) fn volumes(core: &Core, filters: Filters) -> Result<VolumePruneReport> {
    let _only = core.pruning.volumes.try_lock().map_err(|_busy| running())?;
    let all = filters
        .boolean("all")
        .map_err(|error| Error::invalid(error.to_string()))?
        .unwrap_or(false);
    let wanted = Wanted::parse(filters, &["all"], Timestamp::now())?;
    let mut unused = Filters::default();
    unused.add("dangling", "true");
    let mut report = VolumePruneReport {
        volumes_deleted: List::from(Vec::new()),
        space_reclaimed: 0,
    };
    let mut deleted = Vec::new();
    for found in volume::list(core, &unused)?.volumes.iter() {
        let anonymous = found.labels.contains_key(ANONYMOUS);
        // What a volume with options shows is somewhere else, and not there for one container only: it goes by name
        // alone (observed: dockerd 28.5).
        let optioned = !found.options.is_empty();
        if !(all || anonymous) || optioned || !wanted.matches(None, &found.labels) {
            continue;
        }
        let size = core.volumes.size(&found.name);
        match volume::remove(core, &found.name, false) {
            Ok(()) => {
                report.space_reclaimed += size;
                deleted.push(found.name.clone());
            }
            // Used, or removed by another, in the meantime.
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    report.volumes_deleted = List::from(deleted);
    publish(core, Subject::Kind("volume"), report.space_reclaimed);
    Ok(report)
}
