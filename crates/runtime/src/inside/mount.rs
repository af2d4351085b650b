//! Mounts below the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use corten_sys::mount::{ATTR_ATIME, ATTR_RDONLY, Change, Depth, change};
use rustix::fs::{CWD, FileType, OFlags, Stat, fstat, fstatfs};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::{Talk, namespaces, target};
use crate::failure::{Context, CreateError};
use crate::plan::{Mount, MountSource, Namespace, Parameter, Plan};

/// The source of a bind mount.
pub(super) enum Source {
    /// Opened; cloned when it is placed, so that the container sees its mounts in the order of its plan.
    Opened(OwnedFd),
    /// Already cloned: the host's whole tree, which would contain the new root otherwise.
    Cloned(OwnedFd),
}

/// Opens the sources of all bind mounts, in the order of `mounts`; others have none.
pub(super) fn open_sources(mounts: &[Mount]) -> Result<Vec<Option<Source>>, CreateError> {
    let host = rustix::fs::stat("/").internal(|| "stat /")?;
    mounts.iter().map(|mount| open_source(mount, &host)).collect()
}

fn open_source(mount: &Mount, host: &Stat) -> Result<Option<Source>, CreateError> {
    let MountSource::Bind { path, below, .. } = &mount.source else {
        return Ok(None);
    };
    let mut opened = open_tree(CWD, path, OpenTreeFlags::OPEN_TREE_CLOEXEC).invalid(|| failed(mount, path))?;
    if let Some(below) = below {
        let shown = target::existing(opened.as_fd(), below, OFlags::PATH).invalid(|| failed(mount, below))?;
        opened = shown.ok_or(Errno::NOENT).invalid(|| failed(mount, below))?;
    }
    let stat = fstat(&opened).invalid(|| failed(mount, path))?;
    if (stat.st_dev, stat.st_ino) == (host.st_dev, host.st_ino) {
        return Ok(Some(Source::Cloned(clone(mount, opened.as_fd())?)));
    }
    Ok(Some(Source::Opened(opened)))
}

fn clone(mount: &Mount, opened: BorrowedFd<'_>) -> Result<OwnedFd, CreateError> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    if matches!(mount.source, MountSource::Bind { recursive: true, .. }) {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    open_tree(opened, "", flags).invalid(|| failed(mount, source_name(&mount.source)))
}

fn failed(mount: &Mount, source: &Path) -> String {
    format!("error mounting {:?} to rootfs at {:?}", source, mount.destination)
}

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
            Some(Source::Cloned(tree)) => tree,
            Some(Source::Opened(opened)) => clone(mount, opened.as_fd())?,
            None => make_filesystem(mount)?,
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

/// Sets attributes on a detached tree and attaches it at its destination.
fn place(mount: &Mount, tree: BorrowedFd<'_>, root: BorrowedFd<'_>) -> Result<(), CreateError> {
    set_attributes(mount, tree)?;
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

fn source_name(source: &MountSource) -> &Path {
    match source {
        MountSource::Bind { path, .. } => path,
        MountSource::Filesystem { kind, .. } => Path::new(kind),
    }
}

fn set_attributes(mount: &Mount, tree: BorrowedFd<'_>) -> Result<(), CreateError> {
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
        change(
            tree,
            Change {
                set,
                clear,
                propagation,
                user_namespace: 0,
            },
            depth,
        )
        .invalid(|| failed(mount, source_name(&mount.source)))
    };
    if matches!(mount.source, MountSource::Bind { .. }) {
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

/// What the kernel has to say about a filesystem context, in brackets; empty if nothing.
pub(super) fn log(context: &OwnedFd) -> String {
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

/// A mount inside `/proc` could fake what the kernel says of itself; only files that are known to
/// be virtualised may be covered.
fn refuse_inside_proc(mount: &Mount, tree: BorrowedFd<'_>, at: BorrowedFd<'_>) -> Result<(), CreateError> {
    let on_proc = |of: BorrowedFd<'_>| fstatfs(of).map(|stat| stat.f_type as u64 == PROC_SUPER_MAGIC);
    if !on_proc(at).internal(|| "statfs of a mount point")? {
        return Ok(());
    }
    let known = COVERABLE.iter().any(|path| mount.destination == Path::new(path));
    let proc_itself = on_proc(tree).internal(|| "statfs of a mount")?;
    if known || (proc_itself && mount.destination == Path::new("/proc")) {
        return Ok(());
    }
    Err(CreateError::invalid(format!(
        "{:?} cannot be mounted because it is inside /proc",
        mount.destination
    )))
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
