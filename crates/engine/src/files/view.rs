//! The root of a container, opened for one operation.
//!
//! Running: `/proc/<pid>/root` of its first process, held by a pidfd while it is opened so that the number means that
//! process; what is mounted inside is seen as the container sees it. For `export` a clone of the root's mount alone.
//! Not running: its layers, volumes, binds and the engine's files (`/etc/hosts` and so on, as the last run left them)
//! mounted in a mount namespace that only descriptors keep alive, so that nothing is left when the daemon is killed.
//! Memory (`tmpfs`) has no content then.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use corten_base::ContainerId;
use corten_image::unpack::open_in;
use corten_sys::clone::{NEW_MOUNT, OWN_DIRECTORY, set_namespaces, unshare};
use corten_sys::fault::boundary;
use corten_sys::mount::{ATTR_RDONLY, Change, Depth, change};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount_change, move_mount, open_tree};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::gate::{Kept, Opened, Pass};
use crate::container::Container;
use crate::container::mounts::{MountKind, MountSpec};
use crate::container::phase::Phase;
use crate::container::spec::prepared::MOUNT_TABLE;
use crate::core::{Core, random_bytes};
use crate::error::{Error, Result};
use crate::network::files::FILES;

/// What is to be seen of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// With everything mounted in it.
    Everything,
    /// Its root file system alone.
    RootAlone,
}

/// A mounted container that does not run.
#[derive(Debug)]
pub(crate) struct Mounted {
    root: OwnedFd,
    /// Without it the mounts below the root would go with the thread that made them.
    _namespace: OwnedFd,
    _held: Held,
}

/// Volumes that are mounted for this view; they are let go with it.
#[derive(Debug)]
struct Held {
    core: std::sync::Weak<Core>,
    holder: ContainerId,
    mounts: Vec<MountSpec>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.volumes.let_go(&self.holder, &self.mounts);
        }
    }
}

/// Opens it. Blocks; `pass` is the caller's from the container's gate.
pub(crate) fn open(core: &Arc<Core>, container: &Container, pass: Pass, scope: Scope) -> Result<Opened> {
    let failed = |error: io::Error| Error::caused(format!("open the files of container {}", container.id), error);
    let view = container.look();
    if view.removed {
        return Err(container.gone());
    }
    if let Some(running) = view.life.phase.running() {
        match running_root(running.pid, scope) {
            Ok(root) => {
                return Ok(Opened {
                    pass,
                    root,
                    _kept: Kept::Nothing,
                });
            }
            // It has ended just now; its end is about to be published.
            Err(Errno::SRCH | Errno::NOENT) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
    if scope == Scope::RootAlone {
        prepare(core, container)?;
        let root = core.images.view_snapshot(&container.id);
        let root = root.map_err(|error| Error::caused("open the container's files", error))?;
        return Ok(Opened {
            pass,
            root,
            _kept: Kept::Nothing,
        });
    }
    let mut shared = container.gate.mounted.lock().unwrap_or_else(PoisonError::into_inner);
    let mounted = match shared.upgrade() {
        Some(mounted) => mounted,
        None => {
            let mounted = Arc::new(mount(core, container)?);
            *shared = Arc::downgrade(&mounted);
            mounted
        }
    };
    Ok(Opened {
        pass,
        root: mounted.root.try_clone().map_err(failed)?,
        _kept: Kept::Mounted { _it: mounted },
    })
}

/// Makes what a container has before its first run, if it has not run yet (observed: dockerd 28.5, where a creation makes
/// it).
pub(crate) fn prepare(core: &Core, container: &Container) -> Result<()> {
    if !matches!(container.look().life.phase, Phase::Created(_)) {
        return Ok(());
    }
    let shared = container.gate.mounted.lock().unwrap_or_else(PoisonError::into_inner);
    // Who has it mounted has made it.
    if shared.strong_count() > 0 {
        return Ok(());
    }
    on_thread(|| assemble(core, container, &[], false)).map(drop)
}

/// Runs what leaves its mount namespace behind on a thread that ends with it.
fn on_thread<T: Send>(act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let ended = |_| Err(Error::internal("mounting the container's files ended early"));
        scope.spawn(act).join().unwrap_or_else(ended)
    })
}

impl Opened {
    /// The root.
    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// The root of the running process.
pub(super) fn running_root(pid: u32, scope: Scope) -> rustix::io::Result<OwnedFd> {
    let process = Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?;
    let pidfd = pidfd_open(process, PidfdFlags::empty())?;
    let root = match scope {
        Scope::Everything => rustix::fs::open(
            format!("/proc/{pid}/root"),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?,
        Scope::RootAlone => {
            let cloned = || {
                unshare(OWN_DIRECTORY).map_err(|error| raw(&error))?;
                set_namespaces(pidfd.as_fd(), NEW_MOUNT).map_err(|error| raw(&error))?;
                let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
                open_tree(rustix::fs::CWD, "/", flags)
            };
            std::thread::scope(|scope| scope.spawn(cloned).join().unwrap_or(Err(Errno::IO)))?
        }
    };
    // The number meant the process all the time if the process is still there.
    let known = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let known = std::fs::read_to_string(known).unwrap_or_default();
    let is_there = known.lines().any(|line| {
        line.strip_prefix("Pid:")
            .is_some_and(|text| text.trim() == pid.to_string())
    });
    if is_there { Ok(root) } else { Err(Errno::SRCH) }
}

fn raw(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// Mounts a container that does not run, with volumes and binds, on a thread that leaves its mount namespace behind.
fn mount(core: &Arc<Core>, container: &Container) -> Result<Mounted> {
    let mut held = Held {
        core: Arc::downgrade(core),
        holder: ContainerId::from_random(random_bytes()),
        mounts: Vec::new(),
    };
    let mut sources = Vec::new();
    let shown = container
        .record
        .mounts
        .iter()
        .filter(|mount| mount.kind != MountKind::Tmpfs);
    for mount in shown {
        let path = if mount.kind == MountKind::Volume {
            held.mounts.push(mount.clone());
            core.volumes.source(mount, &held.holder)?
        } else {
            PathBuf::from(&mount.source)
        };
        sources.push((mount, path));
    }
    let own = own_files(core, container);
    sources.extend(own.iter().map(|mount| (mount, PathBuf::from(&mount.source))));
    boundary("files.mount");
    let read_only = container.effective.host.readonly_rootfs;
    let made = on_thread(|| assemble(core, container, &sources, read_only));
    boundary("files.mounted");
    let (root, namespace) = made?;
    Ok(Mounted {
        root,
        _namespace: namespace,
        _held: held,
    })
}

/// The engine's files, where the user has mounted nothing else in their place.
fn own_files(core: &Core, container: &Container) -> Vec<MountSpec> {
    let replaced = |destination: &str| {
        let mounts = &container.record.mounts;
        mounts.iter().any(|mount| mount.destination == destination)
    };
    crate::network::files::of_last_run(core, container)
        .into_iter()
        .filter(|(_, destination)| !replaced(destination))
        .map(|(path, destination)| MountSpec {
            source: path.display().to_string(),
            destination: destination.to_owned(),
            ..MountSpec::default()
        })
        .collect()
}

fn assemble(
    core: &Core,
    container: &Container,
    sources: &[(&MountSpec, PathBuf)],
    read_only: bool,
) -> Result<(OwnedFd, OwnedFd)> {
    let failed = |act: &str, error: Errno| Error::caused(format!("mount the container's files: {act}"), error);
    unshare(NEW_MOUNT).map_err(|error| failed("unshare", raw(&error)))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(|error| failed("/", error))?;
    // Before anything is covered.
    let mut trees = Vec::new();
    for (mount, path) in sources {
        let tree = clone_tree(mount, path).map_err(|error| failed(&path.display().to_string(), error))?;
        trees.push((*mount, tree));
    }
    let root = core.images.mount_snapshot(&container.id);
    let root = root.map_err(|error| Error::caused("mount the container's files", error))?;
    make_prepared(container, root.as_fd());
    for (mount, tree) in trees {
        let place = || -> rustix::io::Result<()> {
            let kind = FileType::from_raw_mode(rustix::fs::fstat(&tree)?.st_mode);
            let target = target(root.as_fd(), &mount.destination, kind)?;
            if mount.readonly {
                let depth = if mount.readonly_alone {
                    Depth::One
                } else {
                    Depth::Recursive
                };
                make_read_only(tree.as_fd(), depth)?;
            }
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
            move_mount(&tree, "", &target, "", flags)
        };
        place().map_err(|error| failed(&mount.destination, error))?;
    }
    if read_only {
        make_read_only(root.as_fd(), Depth::One).map_err(|error| failed("read-only", error))?;
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let namespace = rustix::fs::open("/proc/thread-self/ns/mnt", flags, Mode::empty());
    Ok((root, namespace.map_err(|error| failed("namespace", error))?))
}

/// What is there before the first run; an image in which it cannot be has none.
fn make_prepared(container: &Container, root: BorrowedFd<'_>) {
    for (_, file) in FILES {
        drop(target(root, file, FileType::RegularFile));
    }
    // What is made here would belong to nobody in a user namespace; there the first run makes it.
    if container.record.identity.is_some() {
        return;
    }
    let directories = [
        "/dev/pts",
        "/dev/shm",
        "/proc",
        "/sys",
        &container.effective.config.working_dir,
    ];
    for directory in directories.into_iter().filter(|directory| !directory.is_empty()) {
        drop(target(root, directory, FileType::Directory));
    }
    drop(target(root, "/dev/console", FileType::RegularFile));
    let (link, to) = MOUNT_TABLE;
    let (parent, name) = link.rsplit_once('/').unwrap_or_default();
    if let Ok(parent) = open_in(root, parent.as_bytes(), OFlags::PATH | OFlags::DIRECTORY) {
        match rustix::fs::symlinkat(to, parent, name) {
            // The image has its own, or cannot have one.
            Ok(()) | Err(_) => {}
        }
    }
}

fn make_read_only(tree: BorrowedFd<'_>, depth: Depth) -> rustix::io::Result<()> {
    let read_only = Change {
        set: ATTR_RDONLY,
        ..Change::default()
    };
    change(tree, read_only, depth).map_err(|error| raw(&error))
}

fn clone_tree(mount: &MountSpec, path: &Path) -> rustix::io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if !mount.non_recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    if mount.subpath.is_empty() {
        return open_tree(rustix::fs::CWD, path, flags);
    }
    let whole = rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let below = open_in(whole.as_fd(), mount.subpath.as_bytes(), OFlags::PATH)?;
    open_tree(&below, "", flags | OpenTreeFlags::AT_EMPTY_PATH)
}

/// Where a mount goes, made if it is not there, as when the container starts.
fn target(root: BorrowedFd<'_>, destination: &str, kind: FileType) -> rustix::io::Result<OwnedFd> {
    match open_in(root, destination.as_bytes(), OFlags::PATH) {
        Err(Errno::NOENT) => {}
        found => return found,
    }
    let is_directory = kind == FileType::Directory;
    let parts: Vec<&str> = destination.split('/').filter(|part| !part.is_empty()).collect();
    let mut path = String::new();
    for (at, part) in parts.iter().enumerate() {
        let parent = open_in(root, path.as_bytes(), OFlags::PATH | OFlags::DIRECTORY)?;
        let made = if at + 1 == parts.len() && !is_directory {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            rustix::fs::openat(&parent, *part, flags, Mode::from_raw_mode(0o755)).map(drop)
        } else {
            rustix::fs::mkdirat(&parent, *part, Mode::from_raw_mode(0o755))
        };
        match made {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        path = format!("{path}/{part}");
    }
    open_in(root, destination.as_bytes(), OFlags::PATH)
}
