//! Containers that do not run.

use std::sync::Arc;

use corten_api::container::ContainerPruneReport;
use corten_api::{Filters, List};
use corten_base::Timestamp;

use super::{Wanted, publish, running};
use crate::container::phase::Phase;
use crate::container::{Container, actions, inspect};
use crate::core::{Core, blocking};
use crate::error::{ErrorKind, Result};
use crate::event::Subject;
use crate::request::RemoveOptions;

/// Removes the containers that do not run and match.
pub(crate) async fn containers(core: &Arc<Core>, filters: Filters) -> Result<ContainerPruneReport> {
    let _only = core.pruning.containers.try_lock().map_err(|_busy| running())?;
    let wanted = Wanted::parse(filters, &["until"], Timestamp::now())?;
    let mut report = ContainerPruneReport::default();
    let mut deleted = Vec::new();
    for container in core.containers.all() {
        let labels = &container.effective.config.labels;
        if !is_idle(&container) || !wanted.matches(Some(container.record.created), labels) {
            continue;
        }
        let size = size(core, &container).await;
        match actions::remove(core, container.id.as_str(), RemoveOptions::default()).await {
            Ok(()) => {
                report.space_reclaimed += size;
                deleted.push(container.id.to_string());
            }
            // Started, or removed by another, in the meantime.
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {}
            Err(error) => tracing::warn!(container = container.id.short(), %error, "a container is not pruned"),
        }
    }
    if !deleted.is_empty() {
        report.containers_deleted = List::from(deleted);
    }
    publish(core, Subject::Kind("container"), report.space_reclaimed);
    Ok(report)
}

fn is_idle(container: &Container) -> bool {
    match container.look().life.phase {
        Phase::Created(_) | Phase::Exited(_) | Phase::Dead(_) => true,
        Phase::Running(_) | Phase::Paused(_) | Phase::Restarting(_) | Phase::Removing(_) => false,
    }
}

/// Bytes of its writable layer; one that cannot be measured counts nothing.
async fn size(core: &Arc<Core>, container: &Arc<Container>) -> u64 {
    let container = Arc::clone(container);
    let sizes = blocking(core, move |core| inspect::sizes(core, &container)).await;
    sizes.ok().and_then(|(own, _)| u64::try_from(own).ok()).unwrap_or(0)
}
