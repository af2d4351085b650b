//! Where a container's mounts are on the host, found (and made, where Docker would) at the start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use corten_api::container::HostConfig;
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::Container;
use super::mounts::{self, MountKind, MountSpec};
use super::spec::Swap;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::Mapping;

/// The host path of each mount; makes the source of a bind where Docker would.
pub(super) fn of_mounts(core: &Core, container: &Container) -> Result<Vec<(MountSpec, String)>> {
    check_memory(&container.effective.host)?;
    let mounts = &container.record.mounts;
    let mut sources = Vec::with_capacity(mounts.len());
    for mount in mounts {
        mount.check_at_start()?;
        let source = match mount.kind {
            MountKind::Tmpfs | MountKind::Image => String::new(),
            MountKind::Bind => bind_source(mount, container.record.identity.as_ref())?,
            MountKind::Volume => core.volumes.source(mount, &container.id)?.display().to_string(),
        };
        sources.push((mount.clone(), source));
    }
    Ok(sources)
}

/// Refuses `--ipc host` where there is no memory of the host to be shared.
fn check_memory(host: &HostConfig) -> Result<()> {
    if host.ipc_mode == "host" && !Path::new("/dev/shm").exists() {
        return Err(Error::internal("/dev/shm is not mounted, but must be for --ipc=host"));
    }
    Ok(())
}

/// Who a mapped bind's owner is, and who the container's user, by destination. Names are known inside only.
pub(super) fn swaps(user: &str, mounts: &[(MountSpec, String)]) -> Result<BTreeMap<String, Swap>> {
    use std::os::unix::fs::MetadataExt;
    let mut swaps = BTreeMap::new();
    for (mount, source) in mounts.iter().filter(|(mount, _)| mount.mapped) {
        let (uid, gid) = numbers(user).ok_or_else(|| {
            Error::invalid(format!(
                "idmap of {}: the container's user {user:?} must be given by number",
                mount.destination
            ))
        })?;
        let owner = fs::metadata(source).map_err(|error| Error::caused(format!("look at {source}"), error))?;
        swaps.insert(
            mount.destination.clone(),
            Swap {
                uids: (owner.uid(), uid),
                gids: (owner.gid(), gid),
            },
        );
    }
    Ok(swaps)
}

fn numbers(user: &str) -> Option<(u32, u32)> {
    let number = |text: &str| match text {
        "" | "root" => Some(0),
        text => text.parse().ok(),
    };
    let (user, group) = user.split_once(':').unwrap_or((user, ""));
    Some((number(user)?, number(group)?))
}

/// The layers of each mounted image, by its place in the container; its subpath must be there.
pub(super) fn layers(core: &Core, container: &Container) -> Result<BTreeMap<String, Vec<PathBuf>>> {
    let mut layers = BTreeMap::new();
    for (index, mount) in mounts::images(&container.record.mounts) {
        let failed = |error| Error::caused(format!("open the mounted image {}", mount.source), error);
        let snapshot = mounts::image_snapshot(&container.id, index)
            .ok_or_else(|| Error::internal("there are too many image mounts"))?;
        if !mount.subpath.is_empty() {
            let root = core.images.view_snapshot(&snapshot).map_err(failed)?;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            rustix::fs::openat2(
                root,
                &*mount.subpath,
                OFlags::PATH | OFlags::CLOEXEC,
                Mode::empty(),
                resolve,
            )
            .map_err(|error| {
                if error == rustix::io::Errno::XDEV {
                    return Error::invalid(format!(
                        "path concatenation escapes the base directory, base: {}, subpath: {}",
                        mount.image, mount.subpath
                    ));
                }
                let (path, reason) = (
                    format!("{}/{}", mount.image, mount.subpath),
                    corten_base::errno::words(&error),
                );
                Error::not_found(format!("cannot access path {path}: lstat {path}: {reason}"))
            })?;
        }
        let found = core.images.readonly_layers(&snapshot).map_err(failed)?;
        layers.insert(mount.destination.clone(), found);
    }
    Ok(layers)
}

/// The source of a bind; one that is missing is made for the container's root, where Docker makes it.
pub(super) fn bind_source(mount: &MountSpec, identity: Option<&Mapping>) -> Result<String> {
    let path = Path::new(&mount.source);
    if !path.exists() {
        if !mount.create_source {
            return Err(Error::invalid(format!(
                "invalid mount config for type \"bind\": bind source path does not exist: {}",
                mount.source
            )));
        }
        let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
        let given = |path: &&Path| identity.map_or(Ok(()), |identity| identity.give(path));
        fs::create_dir_all(path)
            .and_then(|()| missing.iter().try_for_each(given))
            .map_err(|error| {
                Error::caused(
                    format!("error while creating mount source path '{}'", mount.source),
                    error,
                )
            })?;
    }
    Ok(mount.source.clone())
}
