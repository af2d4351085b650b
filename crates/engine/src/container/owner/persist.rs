//! `state.json`, written at each start and end of a run.

use super::Owner;
use crate::container::record::{self, StateRecord};
use crate::core::blocking;
use crate::error::Error;

impl Owner {
    pub(super) async fn persist(&mut self) {
        if self.life.auto_remove {
            return;
        }
        let state = StateRecord::of(&self.life);
        let directory = self.core.container_directory(&self.container.id);
        let written = blocking(&self.core, move |_core| {
            corten_sys::fault::boundary("state.write");
            state
                .write(&directory)
                .map_err(|error| Error::caused("write state.json", error))?;
            corten_sys::fault::boundary("state.written");
            if !state.running {
                // Recorded now; a later daemon must not count it again.
                drop(std::fs::remove_file(directory.join(record::EXIT)));
            }
            Ok(())
        });
        if let Err(error) = written.await {
            tracing::error!(container = self.container.id.short(), %error, "the state is not recorded");
        }
    }
}
