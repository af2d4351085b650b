//! Executing a program so that nobody can write to its file through `/proc/<pid>/exe`.
//!
//! A process that enters a container is seen there before its exec, and an image can make the
//! container execute `/proc/self/exe`: both give the container a way to the host's program file. If
//! the program was executed from a detached read-only mount of its file, that way ends at EROFS,
//! and the mount is in no namespace where it could be changed.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use rustix::fs::{CWD, StatVfsMountFlags, fstatvfs};
use rustix::mount::{OpenTreeFlags, open_tree};

use crate::execute::{Strings, fexecve};
use crate::mount::{ATTR_RDONLY, Change, Depth, change};

/// A detached read-only mount of the file at `path` (Linux 5.12).
pub fn read_only(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = open_tree(CWD, path, flags)?;
    let set = Change {
        set: ATTR_RDONLY,
        ..Change::default()
    };
    change(mount.as_fd(), set, Depth::One)?;
    Ok(mount)
}

/// Whether the calling program was executed from a read-only mount.
pub fn runs_read_only() -> io::Result<bool> {
    let own = File::open("/proc/self/exe")?;
    Ok(fstatvfs(&own)?.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Executes the calling program again from a read-only mount, unless it already is. Returns if so, or with the failure.
pub fn ensure_read_only() -> io::Result<()> {
    if runs_read_only()? {
        return Ok(());
    }
    let mount = read_only(Path::new("/proc/self/exe"))?;
    let arguments = Strings::new(std::env::args_os().map(OsStringExt::into_vec))?;
    let environment = Strings::new(std::env::vars_os().map(|(name, value)| {
        let mut pair = name.into_vec();
        pair.push(b'=');
        pair.extend(value.into_vec());
        pair
    }))?;
    Err(fexecve(mount.as_fd(), &arguments, &environment))
}

/// The path by which a child of the calling process can execute a descriptor of the caller.
pub fn path_of(descriptor: &OwnedFd) -> CString {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/{}/fd/{}", std::process::id(), descriptor.as_raw_fd());
    CString::new(path).expect("digits have no zero byte")
}
