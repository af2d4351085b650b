//! Mounts below the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use corten_sys::mount::{ATTR_RDONLY, Change, Depth, change};
use rustix::fs::{CWD, FileType, OFlags, fstat, fstatfs};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::{Talk, namespaces, target};
use crate::failure::{Context, CreateError};
use crate::plan::{Mount, MountSource, Namespace, Parameter, Plan};
use crate::sources::{self, Source, failed, log, source_name};

/// Places all mounts; gives those that become read-only at the end.
pub(super) fn place_all(
    plan: &Plan,
    sources: Vec<Option<Source>>,
    root: BorrowedFd<'_>,
    talk: &mut Talk,
) -> Result<Vec<OwnedFd>, CreateError> {
    let mut late = Vec::new();
    let mut cgroup_namespace = Namespace::New == plan.namespaces.cgroup;
    for (mount, source) in plan.mounts.iter().zip(sources) {
        if cgroup_namespace && shows_cgroups(&mount.source) {
            talk.await_go()?;
            namespaces::unshare_cgroup(&plan.namespaces)?;
            cgroup_namespace = false;
        }
        let tree = match source {
            Some(Source::Finished(tree)) => tree,
            Some(Source::Opened(opened)) => sources::finished(mount, opened.as_fd(), None)?,
            None => {
                let made = make_filesystem(mount)?;
                sources::set_attributes(mount, made.as_fd())?;
                made
            }
        };
        place(mount, tree.as_fd(), root)?;
        if mount.readonly_late {
            late.push(tree);
        }
    }
    if cgroup_namespace {
        talk.await_go()?;
        namespaces::unshare_cgroup(&plan.namespaces)?;
    }
    Ok(late)
}

fn shows_cgroups(source: &MountSource) -> bool {
    matches!(source, MountSource::Filesystem { kind, .. } if kind.starts_with("cgroup"))
}

/// Attaches a detached tree at its destination.
fn place(mount: &Mount, tree: BorrowedFd<'_>, root: BorrowedFd<'_>) -> Result<(), CreateError> {
    refuse_behind_link(mount, root)?;
    let is_directory = |file: BorrowedFd<'_>| -> Result<bool, CreateError> {
        let stat = fstat(file).internal(|| "stat a mount")?;
        Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    };
    let at = if is_directory(tree)? {
        let found = target::existing(root, &mount.destination, OFlags::PATH);
        match found.internal(|| failed(mount, source_name(&mount.source)))? {
            Some(found) => found,
            None => target::directory(root, &mount.destination)?,
        }
    } else {
        target::file(root, &mount.destination)?
    };
    if is_directory(tree)? != is_directory(at.as_fd())? {
        return Err(CreateError::invalid(unlike(mount)));
    }
    refuse_inside_proc(mount, tree, at.as_fd())?;
    attach(tree, at.as_fd()).internal(|| failed(mount, source_name(&mount.source)))
}

/// A file cannot be mounted on a directory, nor a directory on a file.
fn unlike(mount: &Mount) -> String {
    format!(
        "{}: not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type",
        failed(mount, source_name(&mount.source))
    )
}

/// Moves a detached tree onto the file or directory that `at` refers to.
pub(super) fn attach(tree: BorrowedFd<'_>, at: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", at, "", flags)
}

fn make_filesystem(mount: &Mount) -> Result<OwnedFd, CreateError> {
    let MountSource::Filesystem {
        kind,
        source,
        parameters,
    } = &mount.source
    else {
        return Err(CreateError::internal("a bind mount without its source"));
    };
    match filesystem(kind, source, parameters, mount.attributes.set) {
        // Without a network namespace of its own, a user namespace may only show the host's sysfs.
        Err((rustix::io::Errno::PERM, _)) if kind == "sysfs" => host_sysfs(),
        made => made.or_else(|(error, log)| Err(error).invalid(|| failed(mount, Path::new(kind)) + &log)),
    }
}

/// A new filesystem instance as a detached mount. A failure carries the kernel's own explanation.
pub(super) fn filesystem(
    kind: &str,
    source: &str,
    parameters: &[Parameter],
    attributes: u64,
) -> Result<OwnedFd, (rustix::io::Errno, String)> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).map_err(|error| (error, String::new()))?;
    let explained = |error| (error, log(&context));
    if !source.is_empty() {
        fsconfig_set_string(context.as_fd(), "source", source).map_err(explained)?;
    }
    for Parameter { key, value } in parameters {
        match value {
            Some(value) => fsconfig_set_string(context.as_fd(), key, value),
            None => fsconfig_set_flag(context.as_fd(), key),
        }
        .map_err(explained)?;
    }
    fsconfig_create(context.as_fd()).map_err(explained)?;
    let attributes = MountAttrFlags::from_bits_retain(attributes as u32);
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).map_err(explained)
}

fn host_sysfs() -> Result<OwnedFd, CreateError> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(CWD, "/sys", flags).internal(|| "clone /sys")?;
    change(
        tree.as_fd(),
        Change {
            set: ATTR_RDONLY,
            ..Change::default()
        },
        Depth::Recursive,
    )
    .internal(|| "make /sys read-only")?;
    Ok(tree)
}

/// The image must not say where the kernel's own filesystems are: what is masked would then be elsewhere.
fn refuse_behind_link(mount: &Mount, root: BorrowedFd<'_>) -> Result<(), CreateError> {
    let MountSource::Filesystem { kind, .. } = &mount.source else {
        return Ok(());
    };
    let kernels = matches!(kind.as_str(), "proc" | "sysfs");
    if kernels && target::is_behind_link(root, &mount.destination) {
        return Err(CreateError::invalid(format!(
            "filesystem {kind:?} must be mounted on ordinary directory"
        )));
    }
    Ok(())
}

/// A mount inside `/proc` could fake what the kernel says of itself; only files that are known to
/// be virtualised may be covered.
fn refuse_inside_proc(mount: &Mount, tree: BorrowedFd<'_>, at: BorrowedFd<'_>) -> Result<(), CreateError> {
    if !is_on_proc(at).internal(|| "statfs of a mount point")? {
        return Ok(());
    }
    let known = COVERABLE.iter().any(|path| mount.destination == Path::new(path));
    let proc_itself = is_on_proc(tree).internal(|| "statfs of a mount")?;
    if known || (proc_itself && mount.destination == Path::new("/proc")) {
        return Ok(());
    }
    Err(CreateError::invalid(format!(
        "{:?} cannot be mounted because it is inside /proc",
        mount.destination
    )))
}

/// Whether what was opened is a part of a `/proc`.
pub(super) fn is_on_proc(opened: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    Ok(fstatfs(opened)?.f_type as u64 == PROC_SUPER_MAGIC)
}

const PROC_SUPER_MAGIC: u64 = 0x9fa0;

const COVERABLE: [&str; 10] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
];
