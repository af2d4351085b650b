//! Files that are there completely or not at all, whatever happens: written under a temporary name beside the
//! target, flushed, renamed over it, and the directory flushed. The temporary name begins with `.tmp-`; whoever
//! lists such a directory skips and may delete those.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What temporary files begin with.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

/// Replaces `path` by `content`, durably: after return it survives loss of power.
///
/// # Errors
/// As the file system gives them; the old content is then untouched and no temporary file remains.
pub fn write_durable(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, |file| {
        file.write_all(content)?;
        file.sync_all()
    })?;
    sync_directory(parent(path))
}

/// Replaces `path` by `content` atomically for readers, without waiting for the disk: after loss of power the
/// old content, the new, or an empty file may be there.
///
/// # Errors
/// As the file system gives them; the old content is then untouched and no temporary file remains.
pub fn write_atomic(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, |file| file.write_all(content))
}

/// Flushes a directory's entries to the disk.
///
/// # Errors
/// As the file system gives them.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let temporary = temporary_beside(path);
    let mut file = File::create(&temporary)?;
    let written = fill(&mut file).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The first failure is what the caller must see; a temporary file is recognised by its name.
        fs::remove_file(&temporary).ok();
        return Err(error);
    }
    Ok(())
}

/// Unique within the process by the counter, between processes by the process id. What an earlier process of
/// the same id left behind is overwritten.
fn temporary_beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    parent(path).join(format!("{TEMPORARY_PREFIX}{}-{number}", std::process::id()))
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_or_leaves_alone() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("record");
        write_durable(&path, b"one").expect("first");
        write_atomic(&path, b"two").expect("second");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(fs::read_dir(directory.path()).expect("list").count(), 1);

        let occupied = directory.path().join("directory");
        fs::create_dir(&occupied).expect("mkdir");
        assert!(write_durable(&occupied, b"x").is_err());
        assert_eq!(fs::read_dir(directory.path()).expect("list").count(), 2);
    }
}
