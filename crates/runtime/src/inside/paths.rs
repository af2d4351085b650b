//! Paths that are hidden or protected, and kernel parameters.

use std::fs;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use corten_sys::mount::{ATTR_RDONLY, Change, Depth, change};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, major, minor, openat2};
use rustix::mount::{OpenTreeFlags, open_tree};

use super::{mount, target};
use crate::failure::{Context, CreateError};
use crate::plan::Parameter;

const CLONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE
    .union(OpenTreeFlags::OPEN_TREE_CLOEXEC)
    .union(OpenTreeFlags::AT_EMPTY_PATH);

/// Covers directories with one empty read-only directory, files with `/dev/null`.
pub(super) fn mask(root: BorrowedFd<'_>, masked: &[PathBuf]) -> Result<(), CreateError> {
    let mut empty: Option<OwnedFd> = None;
    let mut null: Option<OwnedFd> = None;
    for path in masked {
        let Some(at) = target::existing(root, path, OFlags::PATH).internal(|| format!("open {}", path.display()))?
        else {
            continue;
        };
        let kind = FileType::from_raw_mode(fstat(&at).internal(|| format!("stat {}", path.display()))?.st_mode);
        let cover = match kind {
            FileType::Directory => clone_of(&mut empty, empty_directory)?,
            _ => clone_of(&mut null, || null_device(root))?,
        };
        mount::attach(cover.as_fd(), at.as_fd()).internal(|| format!("mask {}", path.display()))?;
    }
    Ok(())
}

fn clone_of(
    original: &mut Option<OwnedFd>,
    make: impl Fn() -> Result<OwnedFd, CreateError>,
) -> Result<OwnedFd, CreateError> {
    let original = match original {
        Some(original) => original,
        None => original.insert(make()?),
    };
    // A clone of a detached mount is refused before Linux 6.15; then each cover is made anew.
    match open_tree(original.as_fd(), "", CLONE) {
        Ok(clone) => Ok(clone),
        Err(_) => make(),
    }
}

fn empty_directory() -> Result<OwnedFd, CreateError> {
    let few = Parameter {
        key: "nr_inodes".into(),
        value: Some("1".into()),
    };
    mount::filesystem("tmpfs", "tmpfs", &[few], ATTR_RDONLY)
        .map_err(|(error, log)| CreateError::internal(format!("mount an empty directory: {error}{log}")))
}

/// The container's own, if it is one; else the host's.
fn null_device(root: BorrowedFd<'_>) -> Result<OwnedFd, CreateError> {
    const NULL: (u32, u32) = (1, 3);
    let own = target::existing(root, Path::new("/dev/null"), OFlags::PATH).internal(|| "open /dev/null")?;
    let real = |file: &OwnedFd| {
        fstat(file).is_ok_and(|stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
                && (major(stat.st_rdev), minor(stat.st_rdev)) == NULL
        })
    };
    match own.filter(real) {
        Some(own) => open_tree(own.as_fd(), "", CLONE).internal(|| "clone /dev/null"),
        None => open_tree(
            CWD,
            "/dev/null",
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC,
        )
        .internal(|| "clone the host's /dev/null"),
    }
}

/// Binds each path onto itself, read-only.
pub(super) fn make_readonly(root: BorrowedFd<'_>, readonly: &[PathBuf]) -> Result<(), CreateError> {
    for path in readonly {
        let Some(at) = target::existing(root, path, OFlags::PATH).internal(|| format!("open {}", path.display()))?
        else {
            continue;
        };
        let step = || format!("make {} read-only", path.display());
        let tree = open_tree(at.as_fd(), "", CLONE | OpenTreeFlags::AT_RECURSIVE).internal(step)?;
        change(
            tree.as_fd(),
            Change {
                set: ATTR_RDONLY,
                ..Change::default()
            },
            Depth::One,
        )
        .internal(step)?;
        mount::attach(tree.as_fd(), at.as_fd()).internal(step)?;
    }
    Ok(())
}

/// Writes kernel parameters through the container's own `/proc`. The host's, which shows the caller's namespaces
/// just as well, keeps an entry `sys/net` for each network namespace that ever looked, and every look-up goes
/// through all of them; it is used where the container has no `/proc` of its own.
pub(super) fn write_sysctls(root: BorrowedFd<'_>, sysctls: &[(String, String)]) -> Result<(), CreateError> {
    if sysctls.is_empty() {
        return Ok(());
    }
    let own = own_parameters(root);
    for (path, value) in sysctls {
        let opened = own.as_ref().and_then(|own| open_parameter(own.as_fd(), path));
        let written = match opened {
            Some(mut file) => file.write_all(value.as_bytes()),
            None => fs::write(format!("/proc/sys/{path}"), value),
        };
        written.invalid(|| format!("error during container init: open /proc/sys/{path}"))?;
    }
    Ok(())
}

/// The container's `/proc/sys`, if that is one.
fn own_parameters(root: BorrowedFd<'_>) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let found = target::existing(root, Path::new("/proc/sys"), flags).ok()??;
    mount::is_on_proc(found.as_fd()).ok()?.then_some(found)
}

/// A parameter below it, over no link and no other mount that a hostile image could have put there.
fn open_parameter(own: BorrowedFd<'_>, path: &str) -> Option<fs::File> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
    let opened = openat2(own, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty(), resolve);
    opened.ok().map(fs::File::from)
}
