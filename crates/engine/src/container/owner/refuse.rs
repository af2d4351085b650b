//! Docker's words for what is not possible now.

use super::Owner;
use crate::container::phase::Refusal;
use crate::container::status;
use crate::error::Error;

impl Owner {
    pub(super) fn refused(&self, refusal: Refusal) -> Error {
        let id = &self.container.id;
        match refusal {
            Refusal::NotModified => Error::not_modified(),
            Refusal::NotRunning => Error::conflict(format!("container {id} is not running")),
            Refusal::StillRunning => Error::conflict(match status::state(&self.life.phase) {
                "paused" => "container is paused and must be unpaused first".to_owned(),
                state => format!("container is {state}: stop the container before removing or force remove"),
            }),
            Refusal::Paused => Error::conflict("cannot start a paused container, try unpause instead"),
            Refusal::AlreadyPaused => Error::conflict(format!("Container {id} is already paused")),
            // Sic: dockerd 28.5 answers with 500.
            Refusal::NotPaused => Error::internal(format!("Container {id} is not paused")),
            Refusal::Restarting => Error::conflict(format!(
                "Container {id} is restarting, wait until the container is running"
            )),
            Refusal::BeingRemoved => Error::conflict(format!("removal of container {id} is already in progress")),
            Refusal::Stale => Error::conflict(format!("container {id} is in another state now")),
        }
    }
}
