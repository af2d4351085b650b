//! Removing a container. The rename of its directory is the moment of no return: from then on it is
//! gone for every call, and recovery finishes what is left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corten_base::ContainerId;
use corten_sys::fault::boundary;

use super::mounts::{self, MountSpec};
use super::owner::Owner;
use super::record::{REMOVING, REMOVING_VOLUMES};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::volume::{self, SetAside};

impl Owner {
    pub(super) async fn remove(&mut self) -> Result<()> {
        self.finish_log().await;
        let volumes = self.remove_volumes || self.life.auto_remove;
        let container = Arc::clone(&self.container);
        let left = blocking(&self.core, move |core| {
            boundary("remove.rename");
            let left = set_aside(core, &container.id, volumes)?;
            boundary("remove.renamed");
            // The run of any other container is let go by its owner, which may be under way.
            if container.record.is_unreadable() {
                crate::recovery::clear_run(core, &core.run_directory(&container.id));
            }
            core.containers.remove(&container);
            core.volumes.forget(&container.id, &container.record.mounts);
            let mounts = if volumes {
                container.record.mounts.as_slice()
            } else {
                &[]
            };
            // The container is gone already: a volume that stays is no reason to call it dead.
            let trash = remove_anonymous(core, mounts).unwrap_or_else(|error| {
                tracing::error!(container = container.id.short(), %error, "a volume of a removed container is left");
                Vec::new()
            });
            Ok((left, trash))
        });
        let (left, trash) = left.await?;
        crate::exec::container_removed(&self.core, &self.container);
        self.container.clients.end();
        let (core, id) = (Arc::clone(&self.core), self.container.id.clone());
        let of_cleared = Arc::clone(&self.container);
        // What no call can see.
        tokio::spawn(async move {
            let cleared = blocking(&core, move |core| {
                for directory in trash {
                    if let Err(error) = volume::delete(&directory) {
                        tracing::error!(%error, "a volume of a removed container is left");
                    }
                }
                let_go_images(core, &id, &of_cleared.record.mounts)?;
                clear(core, &id, &left)
            });
            if let Err(error) = cleared.await {
                tracing::error!(%error, "a removed container left files");
            }
        });
        Ok(())
    }
}

/// Renames the directory so that it is no container's any more; returns its new path.
fn set_aside(core: &Core, id: &ContainerId, volumes: bool) -> Result<PathBuf> {
    let prefix = if volumes { REMOVING_VOLUMES } else { REMOVING };
    let aside = core.containers_directory().join(format!("{prefix}{id}"));
    match fs::rename(core.container_directory(id), &aside) {
        Ok(()) => Ok(aside),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(aside),
        Err(error) => Err(Error::caused(format!("unable to remove filesystem for {id}"), error)),
    }
}

/// Takes the anonymous volumes among `mounts`, which `id` uses no more, out of the volumes unless another container
/// uses them; returns directories to delete.
pub(crate) fn remove_anonymous(core: &Core, mounts: &[MountSpec]) -> Result<Vec<PathBuf>> {
    let mut trash = Vec::new();
    for mount in mounts.iter().filter(|mount| mount.anonymous) {
        boundary("remove.volume");
        if let SetAside::Gone(aside) = core.volumes.set_aside(&mount.volume)? {
            trash.push(aside);
            volume::publish_destroy(core, &mount.volume);
        }
    }
    Ok(trash)
}

/// The images that were mounted in a container may be deleted now.
pub(crate) fn let_go_images(core: &Core, id: &ContainerId, mounts: &[MountSpec]) -> Result<()> {
    for (index, _) in mounts::images(mounts) {
        boundary("remove.image-mount");
        let Some(snapshot) = mounts::image_snapshot(id, index) else {
            continue;
        };
        core.images
            .remove_snapshot(&snapshot)
            .map_err(|error| Error::caused("let go of a mounted image", error))?;
    }
    Ok(())
}

/// Deletes what a removed container leaves: snapshot, then the directory that says so.
pub(crate) fn clear(core: &Core, id: &ContainerId, aside: &Path) -> Result<()> {
    boundary("remove.snapshot");
    core.images
        .remove_snapshot(id)
        .map_err(|error| Error::caused("remove the snapshot", error))?;
    boundary("remove.directory");
    match fs::remove_dir_all(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::caused(format!("remove {}", aside.display()), error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
