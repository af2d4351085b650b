//! Another name and other limits. What is to be is recorded first; a daemon that dies before the kernel has
//! been told gives adopted containers their recorded limits again.

use std::sync::Arc;

use corten_api::container::UpdateBody;
use corten_sys::fault::boundary;

use super::Owner;
use crate::container::change::{Changes, merge};
use crate::container::effective::policy;
use crate::container::{Container, name, spec};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::network::{linked, opened};

impl Owner {
    pub(super) async fn rename(&mut self, given: &str) -> Result<()> {
        let new = given.strip_prefix('/').unwrap_or(given).to_owned();
        let container = Arc::clone(&self.container);
        let old = container.name();
        if new == old {
            return Err(Error::invalid(
                "Renaming a container with the same name as its current name",
            ));
        }
        let allocating = |error: Error| Error {
            message: format!("Error when allocating new name: {}", error.message),
            ..error
        };
        name::check(&format!("/{new}")).map_err(allocating)?;
        self.core.containers.reserve(&new, &container.id).map_err(allocating)?;
        let changes = Changes {
            name: Some(new.clone()),
            ..Changes::clone(&container.changes())
        };
        let recorded = blocking(&self.core, move |core| {
            boundary("rename.record");
            record(core, &container, &changes)?;
            boundary("rename.recorded");
            container.set_changes(changes);
            Ok(())
        });
        if let Err(error) = recorded.await {
            self.core.containers.release(&new, &self.container.id);
            return Err(error);
        }
        self.core.containers.release(&old, &self.container.id);
        self.rename_on_networks(&old, &new).await;
        self.publish();
        self.publish_event("rename", &[("oldName", format!("/{old}"))]);
        Ok(())
    }

    /// Removes a link: it is none of the container's any more, and a running one forgets the name. The variables that it
    /// brought stay with the processes that have them.
    pub(super) async fn unlink(&mut self, alias: String) -> Result<()> {
        let container = Arc::clone(&self.container);
        let mut changes = Changes::clone(&container.changes());
        changes.unlinked.push(alias.clone());
        let unlinked = blocking(&self.core, move |core| {
            boundary("unlink.record");
            record(core, &container, &changes)?;
            container.set_changes(changes);
            opened::removed(core, &container, &alias)?;
            boundary("unlink.hosts");
            let Some(names) = core.links.unlink(&container.id, &alias) else {
                return Ok(());
            };
            let hosts = core.run_directory(&container.id).join("hosts");
            linked::readdress(&hosts, &names, None)
                .map_err(|error| Error::caused("take a linked container out of /etc/hosts", error))
        });
        unlinked.await?;
        self.publish();
        Ok(())
    }

    pub(super) async fn update(&mut self, update: &UpdateBody) -> Result<()> {
        let container = Arc::clone(&self.container);
        let cannot = |error: Error| Error {
            message: format!("Cannot update container {}: {}", self.container.id, error.message),
            ..error
        };
        let before = Changes::clone(&container.changes());
        let limits = merge(&container.host_now(), update).map_err(cannot)?;
        let after = Changes {
            limits: Some(Box::new(limits)),
            ..before.clone()
        };
        let run = self.run.as_ref().map(|run| Arc::clone(&run.record));
        let updated = blocking(&self.core, move |core| {
            boundary("update.record");
            record(core, &container, &after)?;
            boundary("update.recorded");
            container.set_changes(after);
            let limited = match &run {
                Some(run) => spec::limit(&run.cgroup, &container.host_now()),
                None => Ok(()),
            };
            boundary("update.limited");
            if limited.is_err() {
                record(core, &container, &before)?;
                container.set_changes(before);
            }
            limited
        });
        updated.await.map_err(cannot)?;
        self.life.policy = policy(&self.container.host_now());
        self.publish();
        self.publish_event("update", &[]);
        Ok(())
    }
}

fn record(core: &Core, container: &Container, changes: &Changes) -> Result<()> {
    changes
        .write(&core.container_directory(&container.id))
        .map_err(|error| Error::caused("write changes.json", error))
}
