//! The `/dev/shm` of a shareable container: mounted on the host too while the container runs, where Docker has it, so that
//! host programs can use it: `<container directory>/mounts/shm`.
//!
//! The second exception to "nothing of a container is in the host's mount table"; private ones are not there. It is mounted
//! before the container is made and unmounted when it has ended; a daemon that starts again unmounts what belongs to no
//! container that runs ([`sweep`]). Whoever joins the container finds it through the container's process, not here.

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use corten_base::ContainerId;
use corten_base::mountinfo::mount_point;
use corten_sys::fault::boundary;
use rustix::mount::MountFlags;

use super::Container;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::volume;

/// Where it is in the container.
pub(crate) const DESTINATION: &str = "/dev/shm";

/// Below a container's directory.
const PLACE: &str = "mounts/shm";

/// Mounts it for a container that starts, if it is to be shared; [`let_go`] is the reverse.
pub(super) fn hold(core: &Core, container: &Container) -> Result<Option<PathBuf>> {
    let host = &container.effective.host;
    let mounts = &container.record.mounts;
    if host.ipc_mode != "shareable" || mounts.iter().any(|mount| mount.destination == DESTINATION) {
        return Ok(None);
    }
    let place = core.container_directory(&container.id).join(PLACE);
    let failed = |error: io::Error| Error::caused(format!("mount {}", place.display()), error);
    fs::create_dir_all(&place).map_err(failed)?;
    boundary("start.shared-memory");
    // What a daemon left that was killed half way.
    volume::unmount(&place).map_err(failed)?;
    mount(&place, host.shm_size).map_err(failed)?;
    boundary("start.shared-memory-mounted");
    if let Some(identity) = &container.record.identity {
        identity.give(&place).map_err(failed)?;
    }
    Ok(Some(place))
}

/// It is needed no more. Does nothing where there is none.
pub(super) fn let_go(core: &Core, id: &ContainerId) {
    let place = core.container_directory(id).join(PLACE);
    if !place.exists() {
        return;
    }
    boundary("exit.shared-memory");
    if let Err(error) = volume::unmount(&place) {
        tracing::error!(container = id.short(), %error, "its shared memory is still mounted");
    }
    boundary("exit.shared-memory-unmounted");
}

/// Unmounts those of containers that do not run. Goes on whatever fails.
pub(crate) fn sweep(core: &Core) -> io::Result<()> {
    let root = core.containers_directory().canonicalize()?;
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    for place in table.lines().filter_map(mount_point) {
        let Some(name) = owner(&root, &place) else { continue };
        let known = core.containers.find(&name).ok();
        if known.is_some_and(|container| container.look().life.phase.running().is_some()) {
            continue;
        }
        boundary("recover.shared-memory");
        if let Err(error) = volume::unmount(&place) {
            tracing::error!(place = %place.display(), %error, "shared memory that nobody uses is still mounted");
        }
    }
    Ok(())
}

/// The name of the directory whose shared memory is mounted here, if it is one below `root`.
fn owner(root: &Path, place: &Path) -> Option<String> {
    let below = place.strip_prefix(root).ok()?;
    let (owner, rest) = (below.iter().next()?, below.iter().skip(1).collect::<PathBuf>());
    (rest == Path::new(PLACE)).then(|| owner.to_string_lossy().into_owned())
}

/// As in Docker it is named `shm`, which `df` shows.
fn mount(place: &Path, size_bytes: i64) -> io::Result<()> {
    let options = CString::new(format!("mode=1777,size={size_bytes}"))?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC | MountFlags::NODEV;
    Ok(rustix::mount::mount("shm", place, "tmpfs", flags, Some(&*options))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_it_is() {
        let of = |place: &str| owner(Path::new("/data/containers"), Path::new(place));
        assert_eq!(of("/data/containers/abc/mounts/shm").as_deref(), Some("abc"));
        for other in [
            "/data/containers/abc/mounts",
            "/data/containers/abc/mounts/shm/x",
            "/dev/shm",
            "/data/containers",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
