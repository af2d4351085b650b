//! The end of a copy that lies on this host.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use super::path::{self, base, clean, directory, has_slash, join, rebased, split_entry};
use super::plan::End;
use crate::option::pair::reason;

/// The path cannot be copied from or to; Docker's texts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    #[error("{call} {path}: {reason}")]
    Call {
        call: &'static str,
        path: String,
        reason: String,
    },
    #[error("not a directory")]
    NotADirectory,
    #[error("too many symlinks in {0}")]
    Links(String),
    #[error("invalid output path: directory {0:?} does not exist")]
    NoParent(String),
    #[error("invalid output path: {0:?} must be a directory or a regular file: got a device")]
    Device(String),
}

/// Links followed at the end of a destination.
const LINKS: usize = 10;

fn failed(call: &'static str, path: &str, error: &io::Error) -> LocalError {
    LocalError::Call {
        call,
        path: path.to_owned(),
        reason: reason(error),
    }
}

/// Whether a file can be written at the absolute path `path`.
pub(crate) fn check_output(path: &str) -> Result<(), LocalError> {
    let parent = directory(&clean(path));
    if is_missing(&fs::metadata(&parent)) {
        return Err(LocalError::NoParent(parent));
    }
    match fs::metadata(path) {
        Ok(found) => {
            let kind = found.file_type();
            if kind.is_block_device() || kind.is_char_device() {
                return Err(LocalError::Device(path.to_owned()));
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("stat", path, &error)),
    }
}

fn is_missing(found: &io::Result<Metadata>) -> bool {
    matches!(found, Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// What is at `path`, an absolute path with its end kept. Links before its last part are resolved, the last one only
/// if `follow`.
pub(crate) fn source(path: &str, follow: bool) -> Result<End, LocalError> {
    let (resolved, rebase) = if follow {
        rebased(path, real(path)?)
    } else {
        let (before, last) = path.rsplit_once('/').unwrap_or(("", path));
        let resolved = format!("{}/{last}", real(&format!("{before}/"))?);
        let renamed = has_slash(path) && base(path) != base(&resolved);
        let name = if renamed { base(path).to_owned() } else { String::new() };
        (resolved, name)
    };
    let found = fs::symlink_metadata(&resolved).map_err(|error| failed("lstat", &resolved, &error))?;
    Ok(End {
        path: resolved,
        exists: true,
        is_directory: found.is_dir(),
        rebase,
    })
}

/// The path without links. The error names the first part that is not there.
fn real(path: &str) -> Result<String, LocalError> {
    match fs::canonicalize(path) {
        Ok(real) => Ok(real.to_string_lossy().into_owned()),
        Err(error) => Err(culprit(path, LINKS).unwrap_or_else(|| failed("lstat", &clean(path), &error))),
    }
}

/// Why the path has no end, in the words of Go's `EvalSymlinks`; follows at most `links` links.
fn culprit(path: &str, links: usize) -> Option<LocalError> {
    let cleaned = clean(path);
    let names: Vec<&str> = cleaned.split('/').filter(|name| !name.is_empty()).collect();
    let mut part = String::new();
    for (index, name) in names.iter().enumerate() {
        let above = std::mem::take(&mut part);
        part = format!("{above}/{name}");
        let found = match fs::symlink_metadata(&part) {
            Ok(found) => found,
            Err(error) => return Some(failed("lstat", &part, &error)),
        };
        let entered = index + 1 < names.len() || has_slash(path);
        match fs::metadata(&part) {
            Ok(target) if entered && !target.is_dir() => return Some(LocalError::NotADirectory),
            Ok(_) => {}
            Err(_) if found.is_symlink() && links > 0 => {
                let target = fs::read_link(&part).ok()?.to_string_lossy().into_owned();
                let target = if target.starts_with('/') {
                    target
                } else {
                    join(&format!("{above}/"), &target)
                };
                return culprit(&target, links - 1);
            }
            Err(_) => return None,
        }
    }
    None
}

/// What is at `path`, or where it will be made: a link at its end stands for its target, even one that is not there.
pub(crate) fn destination(path: &str) -> Result<End, LocalError> {
    let mut place = path.to_owned();
    for _ in 0..=LINKS {
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_symlink() => {
                let target = fs::read_link(&place).map_err(|error| failed("readlink", &place, &error))?;
                let target = target.to_string_lossy().into_owned();
                place = if Path::new(&target).is_absolute() {
                    target
                } else {
                    join(&split_entry(&place).0, &target)
                };
            }
            Ok(found) => {
                return Ok(End {
                    path: place,
                    exists: true,
                    is_directory: found.is_dir(),
                    rebase: String::new(),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = path::split_entry(&place).0;
                let found = fs::metadata(&parent).map_err(|error| failed("stat", &parent, &error))?;
                if !found.is_dir() {
                    return Err(LocalError::NotADirectory);
                }
                return Ok(End {
                    path: place,
                    ..End::default()
                });
            }
            Err(error) => return Err(failed("lstat", &place, &error)),
        }
    }
    Err(LocalError::Links(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_at_either_end() {
        let place = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(place.path()).unwrap().display().to_string();
        fs::create_dir(format!("{root}/real")).unwrap();
        fs::write(format!("{root}/real/file"), "x").unwrap();
        symlink("real", format!("{root}/link")).unwrap();
        symlink("real/new", format!("{root}/dangling")).unwrap();
        symlink("loop", format!("{root}/loop")).unwrap();

        let end = source(&format!("{root}/link"), false).unwrap();
        assert!(!end.is_directory && end.rebase.is_empty());
        let end = source(&format!("{root}/link"), true).unwrap();
        assert_eq!(
            (end.path, end.is_directory, end.rebase.as_str()),
            (format!("{root}/real"), true, "link")
        );
        let end = source(&format!("{root}/link/file"), false).unwrap();
        assert_eq!(end.path, format!("{root}/real/file"));
        let end = source(&format!("{root}/link/"), false).unwrap();
        assert_eq!((end.is_directory, end.rebase.as_str()), (true, "link"));
        let error = source(&format!("{root}/none/file"), false).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("lstat {root}/none: no such file or directory")
        );

        let error = |path: &str, follow| source(&format!("{root}/{path}"), follow).unwrap_err().to_string();
        assert_eq!(
            error("dangling", true),
            format!("lstat {root}/real/new: no such file or directory")
        );
        assert_eq!(error("real/file/", false), "not a directory");
        assert_eq!(error("real/file/x", false), "not a directory");

        let end = destination(&format!("{root}/dangling")).unwrap();
        assert_eq!((end.path, end.exists), (format!("{root}/real/new"), false));
        let end = destination(&format!("{root}/link")).unwrap();
        assert_eq!((end.path, end.is_directory), (format!("{root}/real"), true));
        assert!(destination(&format!("{root}/loop")).is_err());
        assert!(destination(&format!("{root}/none/file")).is_err());
        assert!(check_output(&format!("{root}/none/file")).is_err());
        assert!(check_output("/dev/null").is_err());
    }
}
