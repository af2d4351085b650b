//! What a container shows of the host: opened on the host, cloned or mounted without a place, changed, and then
//! placed by whoever assembles the root.
//!
//! As a rule the container's first process does all of it itself. In a user namespace it may not (paths it cannot
//! search, overlays it must not mount, identities it must not map): there, and where identities are mapped, the
//! creator [`prepare`]s everything with its own rights and hands over descriptors. Nothing here has a place in any mount
//! table; what is not placed goes with its descriptor.

mod identities;
pub(crate) mod overlay;

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use corten_sys::clone::{NEW_MOUNT, set_namespaces};
use corten_sys::mount::{ATTR_ATIME, Change, Depth, change};
use rustix::fs::{CWD, Mode, OFlags, Stat, fstat};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

use crate::failure::{Context, CreateError};
use crate::inside::target;
use crate::plan::{Mount, MountSource, Plan, Rootfs};

pub(crate) use identities::{UserNamespace, write_mappings};

/// The source of a mount of the host's files.
pub(crate) enum Source {
    /// Opened; cloned when it is placed, so that the container sees its mounts in the order of its plan.
    Opened(OwnedFd),
    /// A detached tree that is ready to be placed.
    Finished(OwnedFd),
}

/// Whether the creator prepares root and sources.
pub(crate) fn are_handed_over(plan: &Plan) -> bool {
    plan.namespaces.user.is_private() || plan.mounts.iter().any(|mount| mount.identities.is_some())
}

/// Makes the root, if it is an overlay, and the sources of all mounts of the host's files, in this order.
pub(crate) fn prepare(plan: &Plan, user: Option<&UserNamespace>) -> Result<Vec<OwnedFd>, CreateError> {
    let mut trees = Vec::new();
    if let Rootfs::Overlay { .. } = &plan.root.source {
        trees.push(overlay::root(&plan.root.source, user)?);
    }
    for mount in plan.mounts.iter().filter(|mount| is_of_host(mount)) {
        trees.push(match open(mount, user)? {
            Source::Opened(opened) => finished(mount, opened.as_fd(), user)?,
            Source::Finished(tree) => tree,
        });
    }
    Ok(trees)
}

/// Whether a mount shows files of the host, instead of a filesystem made for the container.
pub(crate) fn is_of_host(mount: &Mount) -> bool {
    !matches!(mount.source, MountSource::Filesystem { .. })
}

/// Opens the sources of all mounts, in the order of `mounts`; filesystems have none.
pub(crate) fn open_all(mounts: &[Mount]) -> Result<Vec<Option<Source>>, CreateError> {
    let open = |mount: &Mount| is_of_host(mount).then(|| open(mount, None)).transpose();
    mounts.iter().map(open).collect()
}

fn open(mount: &Mount, user: Option<&UserNamespace>) -> Result<Source, CreateError> {
    let (path, below) = match &mount.source {
        MountSource::Bind { path, below, .. } => (path, below),
        MountSource::Layers { lower, below } => return layers(mount, lower, below.as_deref(), user),
        MountSource::OfProcess { process, path } => return of_process(mount, process, path),
        MountSource::Filesystem { .. } => return Err(CreateError::internal("a filesystem has no source")),
    };
    let mut opened = open_tree(CWD, path, OpenTreeFlags::OPEN_TREE_CLOEXEC).invalid(|| failed(mount, path))?;
    if let Some(below) = below {
        opened = find(mount, opened.as_fd(), below)?;
    }
    let host: Stat = rustix::fs::stat("/").internal(|| "stat /")?;
    let stat = fstat(&opened).invalid(|| failed(mount, path))?;
    if (stat.st_dev, stat.st_ino) == (host.st_dev, host.st_ino) {
        // The host's whole tree, which would contain the new root later.
        return finished(mount, opened.as_fd(), user).map(Source::Finished);
    }
    Ok(Source::Opened(opened))
}

fn layers(
    mount: &Mount,
    lower: &[std::path::PathBuf],
    below: Option<&Path>,
    user: Option<&UserNamespace>,
) -> Result<Source, CreateError> {
    let whole = overlay::readonly(lower, user)?;
    match below {
        // Cloned while the whole is there (Linux 6.15).
        Some(below) => finished(mount, find(mount, whole.as_fd(), below)?.as_fd(), user).map(Source::Finished),
        None => set_attributes(mount, whole.as_fd()).map(|()| Source::Finished(whole)),
    }
}

/// A clone can only be made of a mount of one's own namespace: the caller goes to the other container and comes back.
/// There it follows no link out of that container's root.
fn of_process(mount: &Mount, process: &Path, path: &Path) -> Result<Source, CreateError> {
    let open_namespace = |file: &Path| File::open(file).invalid(|| format!("open {}", file.display()));
    let own = open_namespace(Path::new("/proc/self/ns/mnt"))?;
    let theirs = open_namespace(&process.join("ns/mnt"))?;
    let root = rustix::fs::open(process.join("root"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .invalid(|| failed(mount, path))?;
    set_namespaces(theirs.as_fd(), NEW_MOUNT).invalid(|| "join the mount namespace of the other container")?;
    let tree = find(mount, root.as_fd(), path).and_then(|found| {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
        open_tree(found, "", flags).invalid(|| failed(mount, path))
    });
    set_namespaces(own.as_fd(), NEW_MOUNT).internal(|| "come back to own mount namespace")?;
    let tree = tree?;
    set_attributes(mount, tree.as_fd())?;
    Ok(Source::Finished(tree))
}

fn find(mount: &Mount, root: BorrowedFd<'_>, below: &Path) -> Result<OwnedFd, CreateError> {
    let found = target::existing(root, below, OFlags::PATH).invalid(|| failed(mount, below))?;
    found.ok_or(Errno::NOENT).invalid(|| failed(mount, below))
}

/// A clone of what was opened, with the mount's attributes and identities.
pub(crate) fn finished(
    mount: &Mount,
    opened: BorrowedFd<'_>,
    user: Option<&UserNamespace>,
) -> Result<OwnedFd, CreateError> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    if matches!(mount.source, MountSource::Bind { recursive: true, .. }) {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    let tree = open_tree(opened, "", flags).invalid(|| failed(mount, source_name(&mount.source)))?;
    if let Some(wanted) = &mount.identities {
        identities::map(mount, wanted, tree.as_fd(), user)?;
    }
    set_attributes(mount, tree.as_fd())?;
    Ok(tree)
}

pub(crate) fn failed(mount: &Mount, source: &Path) -> String {
    format!("error mounting {:?} to rootfs at {:?}", source, mount.destination)
}

pub(crate) fn source_name(source: &MountSource) -> &Path {
    match source {
        MountSource::Bind { path, .. } => path,
        MountSource::Filesystem { kind, .. } => Path::new(kind),
        MountSource::OfProcess { path, .. } => path,
        MountSource::Layers { .. } => Path::new("image"),
    }
}

/// Sets the attributes of `mount` on its tree.
pub(crate) fn set_attributes(mount: &Mount, tree: BorrowedFd<'_>) -> Result<(), CreateError> {
    let attributes = &mount.attributes;
    let apply = |set, clear, propagation, depth| {
        if (set, clear, propagation) == (0, 0, 0) {
            return Ok(());
        }
        // An access time policy is a field, not a bit: the kernel wants it cleared before.
        let clear = if (set | clear) & ATTR_ATIME == 0 {
            clear
        } else {
            clear | ATTR_ATIME
        };
        let wanted = Change {
            set,
            clear,
            propagation,
            user_namespace: 0,
        };
        change(tree, wanted, depth).invalid(|| failed(mount, source_name(&mount.source)))
    };
    if is_of_host(mount) {
        apply(attributes.set, attributes.clear, 0, Depth::One)?;
    }
    apply(
        attributes.recursive_set,
        attributes.recursive_clear,
        0,
        Depth::Recursive,
    )?;
    for propagation in &mount.propagation {
        let depth = if propagation.recursive {
            Depth::Recursive
        } else {
            Depth::One
        };
        apply(0, 0, propagation.flag, depth)?;
    }
    Ok(())
}

/// What the kernel has to say about a filesystem context, in brackets; empty if nothing.
pub(crate) fn log(context: &OwnedFd) -> String {
    let mut text = [0; 512];
    let mut all = Vec::new();
    // Each read gives one message, `e <text>`; none left is an error.
    while let Ok(length) = rustix::io::read(context, &mut text) {
        let message = String::from_utf8_lossy(&text[..length]);
        all.push(message.trim_end().trim_start_matches("e ").to_owned());
    }
    if all.is_empty() {
        String::new()
    } else {
        format!(" ({})", all.join("; "))
    }
}
