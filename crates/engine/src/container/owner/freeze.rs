//! Pausing and going on: the freezer of the container's control group. The group is the truth; a later
//! daemon reads from it whether the container is paused.

use std::collections::VecDeque;
use std::sync::Arc;

use corten_runtime::cgroup::{self, CgroupError};
use corten_runtime::plan::Cgroup;
use corten_sys::fault::boundary;

use super::Owner;
use crate::container::phase::{Effect, Event};
use crate::core::blocking;
use crate::error::{Error, Result};

impl Owner {
    pub(super) async fn perform_freeze(&mut self, rest: &mut VecDeque<Effect>) {
        if let Err(error) = self.on_group(freeze).await {
            self.failure = Some(Error::internal(format!(
                "Cannot pause container {}: {}",
                self.container.id, error.message
            )));
            rest.clear();
            self.follow(Event::FreezeFailed, rest);
        }
    }

    pub(super) async fn perform_thaw(&mut self, rest: &mut VecDeque<Effect>) {
        if let Err(error) = self.on_group(thaw).await {
            tracing::error!(container = self.container.id.short(), %error, "a paused container does not go on");
            self.failure = Some(Error::internal(format!(
                "Cannot unpause container {}: {}",
                self.container.id, error.message
            )));
            rest.clear();
            self.follow(Event::ThawFailed, rest);
        }
    }

    async fn on_group(&self, act: fn(&Cgroup) -> Result<(), CgroupError>) -> Result<()> {
        let Some(run) = self.run.as_ref().map(|run| Arc::clone(&run.record)) else {
            return Ok(());
        };
        let acted = blocking(&self.core, move |_core| {
            act(&run.cgroup).map_err(|error| Error::internal(crate::error::chain(&error)))
        });
        acted.await
    }
}

fn freeze(cgroup: &Cgroup) -> Result<(), CgroupError> {
    boundary("pause.freeze");
    let frozen = cgroup::freeze(cgroup).and_then(|()| match cgroup::is_frozen(cgroup)? {
        true => Ok(()),
        false => Err(CgroupError {
            act: "freeze",
            path: cgroup
                .directories
                .first()
                .map(|first| first.absolute())
                .unwrap_or_default(),
            source: std::io::ErrorKind::TimedOut.into(),
        }),
    });
    if frozen.is_err() {
        // Half frozen is neither; what is reported is why it was tried.
        drop(cgroup::thaw(cgroup));
    }
    boundary("pause.frozen");
    frozen
}

fn thaw(cgroup: &Cgroup) -> Result<(), CgroupError> {
    boundary("unpause.thaw");
    let thawed = cgroup::thaw(cgroup);
    boundary("unpause.thawed");
    thawed
}
