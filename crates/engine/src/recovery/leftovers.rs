//! What belongs to no container: removals that did not finish, run directories, snapshots, cgroups; and at
//! the engine's end the parent of its cgroups.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corten_base::ContainerId;
use corten_runtime::host::Host;
use corten_sys::fault::boundary;

use crate::container::mounts::is_of;
use crate::container::record::{REMOVING, REMOVING_VOLUMES, Record};
use crate::container::remove;
use crate::core::{Core, blocking};
use crate::error::{Error, Result};

/// How long an empty group of nobody is left alone: another daemon with the same parent may have made it this moment and
/// its process not be in it yet, and the kernel does not tell a group's age.
const GROUP_PATIENCE: Duration = Duration::from_secs(5);
/// How long the shims of containers that just ended get for the removal of their groups.
const PARENT_LIMIT: Duration = Duration::from_secs(1);
/// Between two looks at groups that are still busy.
const PARENT_PAUSE: Duration = Duration::from_millis(10);

/// The directories that look like containers.
pub(super) fn container_ids(core: &Core) -> Result<Vec<ContainerId>> {
    let directory = core.containers_directory();
    let names = names(&directory).map_err(|error| Error::caused("list the containers", error))?;
    Ok(names.into_iter().filter_map(|name| name.parse().ok()).collect())
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

/// How many containers have a keeper below this run directory.
pub(crate) fn running(run: &Path) -> usize {
    let directory = run.join("containers");
    let names = names(&directory).unwrap_or_default();
    let keepers = names
        .iter()
        .filter_map(|name| super::observe::connect(&directory.join(name)));
    keepers.count()
}

/// Removes them all. Goes on whatever fails.
pub(super) fn remove(core: &Core) -> Result<()> {
    finish_removals(core)?;
    // By their directories: what could not be recovered (an unreadable record) is not nobody's.
    let known: BTreeSet<String> = container_ids(core)?.iter().map(ToString::to_string).collect();
    let unknown = |name: &str| name.parse::<ContainerId>().is_ok() && !known.contains(name);
    for name in names(&core.runs_directory())
        .unwrap_or_default()
        .iter()
        .filter(|name| unknown(name))
    {
        boundary("recover.run-directory");
        clear_run(core, &core.runs_directory().join(name));
    }
    for id in core
        .images
        .snapshots()
        .map_err(|error| Error::caused("list the snapshots", error))?
    {
        if !is_of(id.as_str(), &known) {
            boundary("recover.snapshot");
            core.images
                .remove_snapshot(&id)
                .map_err(|error| Error::caused("remove a snapshot", error))?;
        }
    }
    Ok(())
}

/// A run of nobody: its shim goes, then its groups and files. Nothing to do where there is none.
pub(crate) fn clear_run(core: &Core, directory: &Path) {
    if !directory.exists() {
        return;
    }
    if let Some(socket) = super::observe::connect(directory)
        && let Ok(peer) = rustix::net::sockopt::socket_peercred(&socket)
    {
        tracing::warn!(directory = %directory.display(), "a shim of an unknown container is killed");
        let _gone = rustix::process::kill_process(peer.pid, rustix::process::Signal::KILL);
    }
    if let Ok(Some(run)) = crate::container::run::RunRecord::read(directory) {
        crate::container::stop::clear_cgroups(&run);
        let id = directory.file_name().and_then(|name| name.to_str()?.parse().ok());
        let released = id.map_or(Ok(()), |id| crate::container::stop::release_network(core, &id, &run));
        if let Err(error) = released {
            tracing::error!(%error, "the network of an unknown container is not released");
        }
    }
    drop(fs::remove_dir_all(directory));
}

fn finish_removals(core: &Core) -> Result<()> {
    let directory = core.containers_directory();
    for name in names(&directory).map_err(|error| Error::caused("list the containers", error))? {
        let (volumes, id) = match (name.strip_prefix(REMOVING_VOLUMES), name.strip_prefix(REMOVING)) {
            (Some(id), _) => (true, id),
            (None, Some(id)) => (false, id),
            (None, None) => continue,
        };
        let Ok(id) = id.parse::<ContainerId>() else { continue };
        let aside = directory.join(&name);
        boundary("recover.removal");
        if let Ok(Some(record)) = Record::read(&aside) {
            let anonymous = if volumes { record.mounts.as_slice() } else { &[] };
            for trash in remove::remove_anonymous(core, anonymous)? {
                drop(crate::volume::delete(&trash));
            }
            remove::let_go_images(core, &id, &record.mounts)?;
        }
        remove::clear(core, &id, &aside)?;
    }
    Ok(())
}

/// Removes groups of nobody that have been empty for a while ([`GROUP_PATIENCE`]).
pub(super) async fn sweep_cgroups(core: Arc<Core>) {
    let seen = blocking(&core, strays).await.unwrap_or_default();
    if seen.is_empty() {
        return;
    }
    tokio::time::sleep(GROUP_PATIENCE).await;
    let removed = blocking(&core, move |core| {
        let still = strays(core)?;
        still
            .iter()
            .filter(|stray| seen.contains(stray))
            .for_each(|stray| remove_cgroup(core, stray));
        Ok(())
    });
    if let Err(error) = removed.await {
        tracing::error!(%error, "control groups of nobody are left");
    }
}

/// A group below our parent: the number of its hierarchy, and its name.
type Stray = (usize, String);

/// Empty groups below our parent that are named like containers and are none. Those with processes are another
/// daemon's, dockerd's for one: ours are cleared away by the records of their runs.
fn strays(core: &Core) -> Result<Vec<Stray>> {
    let known: BTreeSet<String> = container_ids(core)?.iter().map(ToString::to_string).collect();
    let mut strays = Vec::new();
    for (number, hierarchy) in core.host.hierarchies.iter().enumerate() {
        let parent = hierarchy.mount.join(core.config.cgroup_parent.trim_matches('/'));
        let names = names(&parent).unwrap_or_default().into_iter();
        let unknown = names.filter(|name| name.parse::<ContainerId>().is_ok() && !known.contains(name));
        let empty = unknown.filter(|name| !is_populated(&parent.join(name)));
        strays.extend(empty.map(|name| (number, name)));
    }
    Ok(strays)
}

fn remove_cgroup(core: &Core, (number, name): &Stray) {
    let Some(hierarchy) = core.host.hierarchies.get(*number) else {
        return;
    };
    boundary("recover.cgroup");
    let directory = corten_runtime::plan::CgroupDirectory {
        mount: hierarchy.mount.clone(),
        path: Path::new(core.config.cgroup_parent.trim_matches('/')).join(name),
        controllers: hierarchy.controllers.clone(),
        unified: hierarchy.unified,
        writes: Vec::new(),
    };
    let cgroup = corten_runtime::plan::Cgroup {
        layout: core.host.layout,
        directories: vec![directory],
        ..corten_runtime::plan::Cgroup::default()
    };
    if let Err(error) = corten_runtime::cgroup::remove(&cgroup) {
        tracing::error!(%error, name, "a control group of nobody is left");
    }
}

/// Whether a group or one below it has processes; one that cannot be read has.
fn is_populated(group: &Path) -> bool {
    match fs::read(group.join("cgroup.procs")) {
        Ok(processes) if processes.is_empty() => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
        Ok(_) | Err(_) => return true,
    }
    let below = fs::read_dir(group).into_iter().flatten().flatten();
    below
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .any(|entry| is_populated(&entry.path()))
}

/// Removes the directory above all our groups, where it is empty: the next start makes it anew. Nothing to
/// do while containers run.
pub(crate) async fn remove_cgroup_parent(core: &Arc<Core>) {
    let runs = |core: &Core| {
        let mut containers = core.containers.all().into_iter();
        containers.any(|container| container.look().life.phase.running().is_some())
    };
    let end = Instant::now() + PARENT_LIMIT;
    while !runs(core) {
        let removed = blocking(core, |core| Ok(try_remove_cgroup_parent(core))).await;
        if removed.unwrap_or(true) || Instant::now() >= end {
            return;
        }
        tokio::time::sleep(PARENT_PAUSE).await;
    }
}

/// False if a group of a container is still there.
fn try_remove_cgroup_parent(core: &Core) -> bool {
    core.config.cgroup_parent_is_given || remove_parent_group(&core.host, &core.config.cgroup_parent)
}

/// Removes an empty group in every hierarchy; false if it is in use.
pub(crate) fn remove_parent_group(host: &Host, parent: &str) -> bool {
    let parent = parent.trim_matches('/');
    if parent.is_empty() {
        return true;
    }
    let busy = |error: &io::Error| error.kind() == io::ErrorKind::ResourceBusy;
    let mut gone = true;
    for hierarchy in &host.hierarchies {
        let removed = fs::remove_dir(hierarchy.mount.join(parent));
        gone &= !removed.is_err_and(|error| busy(&error));
    }
    gone
}
