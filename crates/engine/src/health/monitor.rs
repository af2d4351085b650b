//! The task that checks one running container. Dropping the monitor ends it.

use std::sync::{Arc, Weak};

use corten_base::Timestamp;

use super::state::{STARTING, Settings, UNHEALTHY};
use super::{Keeper, probe, write};
use crate::container::Container;
use crate::container::phase::Phase;
use crate::core::{Core, blocking};
use crate::event::Subject;

/// A container's checks under way.
pub(crate) struct Monitor {
    task: tokio::task::JoinHandle<()>,
    started_at: Timestamp,
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Monitor {
    /// Begins, goes on with or ends the checks of a container, as its phase wants it.
    pub(crate) fn adjust(present: &mut Option<Self>, core: &Arc<Core>, container: &Arc<Container>, phase: &Phase) {
        let Some(settings) = &container.health.settings else {
            return;
        };
        let Phase::Running(running) = phase else {
            // As Docker: nobody looks, so it is not healthy.
            if present.take().is_some() {
                container
                    .health
                    .change(|record| UNHEALTHY.clone_into(&mut record.health.status));
            }
            return;
        };
        if present
            .as_ref()
            .is_some_and(|monitor| monitor.started_at == running.started_at)
        {
            return;
        }
        begin(&container.health, running.started_at);
        let (weak, core, settings) = (Arc::downgrade(container), Arc::downgrade(core), settings.clone());
        let task = tokio::spawn(watch(core, weak, settings, running.started_at));
        *present = Some(Self {
            task,
            started_at: running.started_at,
        });
    }
}

/// A new run starts anew, and one that an earlier daemon watched too; one that was paused goes on.
fn begin(keeper: &Keeper, started_at: Timestamp) {
    if keeper.read().is_some_and(|record| record.started_at == started_at) {
        return;
    }
    keeper.change(|record| {
        record.started_at = started_at;
        record.health.failing_streak = 0;
        if record.health.log.is_null() {
            record.health.log = corten_api::List::from(Vec::new());
        }
        STARTING.clone_into(&mut record.health.status);
    });
}

async fn watch(core: Weak<Core>, container: Weak<Container>, settings: Settings, started_at: Timestamp) {
    loop {
        // Neither is kept while nothing happens.
        let Some(status) = container.upgrade().map(|container| container.health.status()) else {
            return;
        };
        let pause = settings.next_in(&status, Timestamp::now().since(started_at));
        tokio::time::sleep(pause).await;
        let (Some(core), Some(container)) = (core.upgrade(), container.upgrade()) else {
            return;
        };
        let result = probe::probe(&core, &container, &settings).await;
        let since_start = result.start.since(started_at);
        let mut changed = None;
        let record = container
            .health
            .change(|record| changed = settings.record(&mut record.health, result, since_start));
        let directory = core.container_directory(&container.id);
        let written = blocking(&core, move |_core| write(&directory, &record));
        if let Err(error) = written.await {
            tracing::debug!(container = container.id.short(), %error, "a health check is not recorded");
        }
        if let Some(status) = changed {
            let action = format!("health_status: {status}");
            core.events
                .publish(Subject::Container(&container), &action, &[], Timestamp::now());
        }
    }
}
