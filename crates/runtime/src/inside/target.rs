//! Mount points: found or made inside the root, whatever links a hostile image has put in the way.
//!
//! Every look-up is one openat2(RESOLVE_IN_ROOT) from the root's descriptor. What is missing is made
//! one component at a time, each in the directory that was just opened; a dangling link is followed
//! inside the root, as Docker does.

use std::ffi::{OsStr, OsString};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, readlinkat};
use rustix::io::Errno;

use crate::failure::{Context, CreateError};

/// Links followed while making directories, as the kernel limits them.
const LINK_LIMIT: usize = 40;

const FOUND: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Opens `path` inside the root without making it. `None`: it does not exist.
pub(crate) fn existing(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<Option<OwnedFd>> {
    let flags = flags | OFlags::CLOEXEC;
    match openat2(
        root,
        relative(path),
        flags,
        Mode::empty(),
        ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
    ) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a link of the image stands in the way to `path`.
pub(crate) fn is_behind_link(root: BorrowedFd<'_>, path: &Path) -> bool {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    openat2(root, relative(path), FOUND, Mode::empty(), resolve).is_err_and(|error| error == Errno::LOOP)
}

/// The directory at `path`, made with mode 0755 where missing.
pub(super) fn directory(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, CreateError> {
    let found = openat2(
        root,
        relative(path),
        FOUND | OFlags::DIRECTORY,
        Mode::empty(),
        ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
    );
    match found {
        Ok(found) => Ok(found),
        Err(Errno::NOENT) => make_directories(root, path).invalid(|| format!("mkdir {}", path.display())),
        Err(error) => Err(error).invalid(|| format!("open {}", path.display())),
    }
}

/// The working directory at `path`, made where missing; refused in Docker's words where it is something else.
pub(super) fn working_directory(root: BorrowedFd<'_>, path: &Path) -> Result<(), CreateError> {
    let Err(error) = directory(root, path) else {
        return Ok(());
    };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match openat2(root, relative(path), FOUND, Mode::empty(), resolve) {
        Ok(_) => Err(CreateError::invalid(format!(
            "Cannot mkdir: {} is not a directory",
            path.display()
        ))),
        Err(_) => Err(error),
    }
}

/// The file at `path`, made empty where missing; a dangling link is followed inside the root.
pub(super) fn file(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, CreateError> {
    let mut path = path.to_path_buf();
    for _ in 0..LINK_LIMIT {
        if let Some(found) = existing(root, &path, OFlags::PATH).invalid(|| format!("open {}", path.display()))? {
            return Ok(found);
        }
        let (parent, name) = parent(root, &path)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&parent, name, flags, Mode::from_raw_mode(0o755)) {
            Err(Errno::EXIST) => {
                let link = readlinkat(&parent, name, Vec::new()).invalid(|| format!("create {}", path.display()))?;
                path.pop();
                path.push(OsString::from_vec(link.into_bytes()));
            }
            made => return made.invalid(|| format!("create {}", path.display())),
        }
    }
    Err(CreateError::invalid(format!(
        "create {}: too many levels of symbolic links",
        path.display()
    )))
}

/// The directory above `path`, made where missing, and the last component.
pub(super) fn parent<'path>(root: BorrowedFd<'_>, path: &'path Path) -> Result<(OwnedFd, &'path OsStr), CreateError> {
    let name = path
        .file_name()
        .ok_or_else(|| CreateError::invalid(format!("{path:?} has no name")))?;
    Ok((directory(root, path.parent().unwrap_or(Path::new("/")))?, name))
}

fn relative(path: &Path) -> &Path {
    match path.strip_prefix("/") {
        Ok(rest) if rest.as_os_str().is_empty() => Path::new("."),
        Ok(rest) => rest,
        Err(_) => path,
    }
}

fn make_directories(root: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<OwnedFd> {
    let mut todo: Vec<OsString> = components(path);
    let mut done = PathBuf::new();
    let mut at = open_below(root, Path::new("."))?;
    let mut links = 0;
    while let Some(name) = todo.pop() {
        if name == ".." {
            done.pop();
            at = open_below(
                root,
                if done.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    &done
                },
            )?;
            continue;
        }
        match openat(&at, &name, FOUND | OFlags::NOFOLLOW | OFlags::DIRECTORY, Mode::empty()) {
            Ok(next) => at = next,
            Err(Errno::NOENT) => {
                match mkdirat(&at, &name, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error),
                }
                at = openat(&at, &name, FOUND | OFlags::NOFOLLOW | OFlags::DIRECTORY, Mode::empty())?;
            }
            Err(error @ (Errno::NOTDIR | Errno::LOOP)) => {
                links += 1;
                let link = match readlinkat(&at, &name, Vec::new()) {
                    Ok(link) if links <= LINK_LIMIT => PathBuf::from(OsString::from_vec(link.into_bytes())),
                    Ok(_) | Err(_) => return Err(error),
                };
                if link.is_absolute() {
                    done = PathBuf::new();
                    at = open_below(root, Path::new("."))?;
                }
                todo.extend(components(&link));
                continue;
            }
            Err(error) => return Err(error),
        }
        done.push(name);
    }
    Ok(at)
}

fn open_below(root: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<OwnedFd> {
    openat2(
        root,
        path,
        FOUND | OFlags::DIRECTORY,
        Mode::empty(),
        ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS,
    )
}

/// Components in reverse, so that the next one is popped.
fn components(path: &Path) -> Vec<OsString> {
    let mut components: Vec<OsString> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    components.reverse();
    components
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;

    use super::*;

    fn root(directory: &tempfile::TempDir) -> OwnedFd {
        rustix::fs::open(directory.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    #[test]
    fn missing_directories_are_made_through_dangling_and_hostile_links() {
        let scratch = tempfile::tempdir().unwrap();
        symlink("/run", scratch.path().join("var")).unwrap();
        symlink("../../../../../escape", scratch.path().join("up")).unwrap();
        let root = root(&scratch);
        directory(root.as_fd(), Path::new("/var/lock/x")).unwrap();
        assert!(scratch.path().join("run/lock/x").is_dir());
        directory(root.as_fd(), Path::new("/up/y")).unwrap();
        assert!(scratch.path().join("escape/y").is_dir());
        file(root.as_fd(), Path::new("/var/f")).unwrap();
        assert!(scratch.path().join("run/f").is_file());
        symlink(
            "../run/systemd/resolv.conf",
            scratch.path().join("run/lock/resolv.conf"),
        )
        .unwrap();
        file(root.as_fd(), Path::new("/var/lock/resolv.conf")).unwrap();
        assert!(scratch.path().join("run/run/systemd/resolv.conf").is_file());
    }

    #[test]
    fn link_loops_end() {
        let scratch = tempfile::tempdir().unwrap();
        symlink("b", scratch.path().join("a")).unwrap();
        symlink("a", scratch.path().join("b")).unwrap();
        assert!(directory(root(&scratch).as_fd(), Path::new("/a/x")).is_err());
    }
}
