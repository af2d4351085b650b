//! Volumes with options are really mounted at their mount point while a container runs that uses them: the one
//! exception to "nothing of a container is in the host's mount table".
//!
//! The first holder mounts, the last unmounts. A daemon that starts again takes what is mounted for its containers that
//! still run, and unmounts the rest ([`sweep`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use corten_base::ContainerId;
use corten_base::mountinfo::mount_point;
use corten_sys::fault::boundary;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use super::local::{Bind, LocalMount};
use super::store::Volumes;
use crate::container::mounts::MountSpec;
use crate::error::{Error, Result};

/// Who holds which volume's mount; a lock for each volume, since a file server may take its time.
#[derive(Debug, Default)]
pub(crate) struct Mounted {
    holders: Mutex<BTreeMap<String, Arc<Mutex<BTreeSet<ContainerId>>>>>,
}

impl Volumes {
    /// Where a volume's content is, for a container that starts: makes the directory again if somebody deleted it, and
    /// mounts what the options say. [`Volumes::let_go`] is the reverse.
    pub(crate) fn hold(&self, name: &str, holder: &ContainerId) -> Result<PathBuf> {
        let data = self.data(name);
        fs::create_dir_all(&data).map_err(|error| Error::caused(format!("make {}", data.display()), error))?;
        let options = self.read(name)?.map(|record| record.options).unwrap_or_default();
        let Some(local) = LocalMount::parse(&options)? else {
            return Ok(data);
        };
        let holders = self.mounted.of(name);
        let mut holders = holders.lock().unwrap_or_else(PoisonError::into_inner);
        if holders.is_empty() && !is_mounted(&data).map_err(|error| Error::caused("look at a mount point", error))? {
            boundary("volume.mount");
            mount(&local, &data)?;
            boundary("volume.mounted");
        }
        holders.insert(holder.clone());
        Ok(data)
    }

    /// The host path that a mount of a volume shows, held; what `subpath` names below it must be there, and is looked up
    /// again, safely, when it is mounted.
    pub(crate) fn source(&self, mount: &MountSpec, holder: &ContainerId) -> Result<PathBuf> {
        let data = self.hold(&mount.volume, holder)?;
        if !mount.subpath.is_empty() {
            below(&data, &mount.subpath)?;
        }
        Ok(data)
    }

    /// A container that ended, or did not start, needs its volumes mounted no more. Goes on whatever fails.
    pub(crate) fn let_go(&self, holder: &ContainerId, mounts: &[MountSpec]) {
        for mount in mounts.iter().filter(|mount| !mount.volume.is_empty()) {
            self.release(holder, &mount.volume);
        }
    }

    /// As [`Volumes::let_go`] for one.
    pub(super) fn release(&self, holder: &ContainerId, name: &str) {
        let Some(holders) = self.mounted.known(name) else {
            return;
        };
        let mut holders = holders.lock().unwrap_or_else(PoisonError::into_inner);
        if holders.remove(holder) && holders.is_empty() {
            boundary("volume.unmount");
            if let Err(error) = unmount(&self.data(name)) {
                tracing::error!(volume = name, %error, "a volume is still mounted");
            }
            boundary("volume.unmounted");
        }
    }

    /// A container that went on without a daemon holds its volumes again.
    pub(crate) fn hold_again(&self, holder: &ContainerId, mounts: &[MountSpec]) {
        for mount in mounts.iter().filter(|mount| !mount.volume.is_empty()) {
            if let Err(error) = self.hold(&mount.volume, holder) {
                tracing::error!(volume = mount.volume, %error, "a volume of a running container is not mounted");
            }
        }
    }

    /// Unmounts what nobody holds, after the recovery of all containers. What somebody else has mounted on a volume
    /// without options stays. Goes on whatever fails.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        for point in mount_points(self.root())? {
            let name = point.parent().and_then(Path::file_name).and_then(|name| name.to_str());
            let Some(name) = name.filter(|name| !self.mounted.is_held(name)) else {
                continue;
            };
            if self
                .read(name)
                .is_ok_and(|record| record.is_some_and(|record| record.options.is_empty()))
            {
                continue;
            }
            boundary("recover.volume");
            if let Err(error) = unmount(&point) {
                tracing::error!(volume = name, %error, "a volume that nobody uses is still mounted");
            }
        }
        Ok(())
    }
}

/// What `subpath` names below a volume's directory, with links in it followed that stay there; in Docker's words.
pub(crate) fn below(data: &Path, subpath: &str) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let open = || {
        let root = rustix::fs::open(data, flags, Mode::empty())?;
        rustix::fs::openat2(root, subpath.trim_start_matches('/'), flags, Mode::empty(), resolve)
    };
    open().map_err(|error| match error {
        Errno::XDEV => Error::invalid(format!(
            "path concatenation escapes the base directory, base: {}, subpath: {subpath}",
            data.display()
        )),
        error => {
            let (path, reason) = (data.join(subpath), corten_base::errno::words(&error));
            Error::invalid(format!("cannot access path {0}: lstat {0}: {reason}", path.display()))
        }
    })
}

impl Mounted {
    fn of(&self, name: &str) -> Arc<Mutex<BTreeSet<ContainerId>>> {
        let mut all = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }

    fn is_held(&self, name: &str) -> bool {
        let known = self.known(name);
        known.is_some_and(|holders| !holders.lock().unwrap_or_else(PoisonError::into_inner).is_empty())
    }

    /// A volume that was removed has no holders.
    pub(super) fn forget(&self, name: &str) {
        let mut all = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(name);
    }

    fn known(&self, name: &str) -> Option<Arc<Mutex<BTreeSet<ContainerId>>>> {
        let all = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(name).cloned()
    }
}

fn mount(local: &LocalMount, target: &Path) -> Result<()> {
    let data = local.data_with_addresses()?;
    try_mount(local, target, &data).map_err(|error| {
        drop(unmount(target));
        let flags = match local.bind {
            Some(Bind::One) => local.flags | MountFlags::BIND,
            Some(Bind::Recursive) => local.flags | MountFlags::BIND | MountFlags::REC,
            None => local.flags,
        };
        let data = if data.is_empty() { data } else { format!(", data: {data}") };
        let target = target.display();
        Error::internal(format!(
            "error while mounting volume '{target}': failed to mount local volume: mount {}:{target}, flags: {:#x}{data}: {}",
            local.device,
            flags.bits(),
            corten_base::errno::words(&error),
        ))
    })
}

fn try_mount(local: &LocalMount, target: &Path, data: &str) -> rustix::io::Result<()> {
    match local.bind {
        Some(Bind::One) => rustix::mount::mount_bind(&local.device, target)?,
        Some(Bind::Recursive) => rustix::mount::mount_bind_recursive(&local.device, target)?,
        None => {
            let data = std::ffi::CString::new(data).map_err(|_nul| Errno::INVAL)?;
            rustix::mount::mount(
                &local.device,
                target,
                local.kind.as_str(),
                local.flags,
                Some(data.as_c_str()),
            )?;
        }
    }
    if local.bind.is_some() && !local.flags.is_empty() {
        // The kernel takes the flags of a bind only when it is mounted a second time.
        rustix::mount::mount_remount(target, local.flags | MountFlags::BIND, c"")?;
    }
    match local.propagation {
        Some(propagation) => rustix::mount::mount_change(target, propagation),
        None => Ok(()),
    }
}

/// Takes everything off a mount point; fine if nothing is there.
pub(crate) fn unmount(target: &Path) -> io::Result<()> {
    loop {
        match rustix::mount::unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
            Ok(()) => {}
            Err(Errno::INVAL | Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_mounted(path: &Path) -> io::Result<bool> {
    let found = rustix::fs::statx(
        rustix::fs::CWD,
        path,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        rustix::fs::StatxFlags::BASIC_STATS,
    )?;
    Ok(found.stx_attributes.contains(rustix::fs::StatxAttributes::MOUNT_ROOT))
}

/// The mount points two levels below a directory, by the kernel's table.
fn mount_points(root: &Path) -> io::Result<Vec<PathBuf>> {
    let root = root.canonicalize()?;
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(table
        .lines()
        .filter_map(mount_point)
        .filter(|point| point.parent().and_then(Path::parent) == Some(root.as_path()))
        .collect())
}
