//! Paths that are hidden or protected, and kernel parameters.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use corten_sys::mount::{ATTR_RDONLY, Change, Depth, change};
use rustix::fs::{CWD, FileType, OFlags, fstat, major, minor};
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

/// Writes kernel parameters through the host's `/proc`, which shows the caller's namespaces.
pub(super) fn write_sysctls(sysctls: &[(String, String)]) -> Result<(), CreateError> {
    for (path, value) in sysctls {
        fs::write(format!("/proc/sys/{path}"), value).invalid(|| format!("write sysctl {path}"))?;
    }
    Ok(())
}
