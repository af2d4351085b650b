//! What rustix lacks of the mount interface: `mount_setattr(2)`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Read-only.
pub const ATTR_RDONLY: u64 = 0x1;
/// No set-user-id bits and file capabilities.
pub const ATTR_NOSUID: u64 = 0x2;
/// No device nodes.
pub const ATTR_NODEV: u64 = 0x4;
/// No program execution.
pub const ATTR_NOEXEC: u64 = 0x8;
/// The field of the access time policy; clear it whole before setting one.
pub const ATTR_ATIME: u64 = 0x70;
/// Access times never change.
pub const ATTR_NOATIME: u64 = 0x10;
/// Access times always change.
pub const ATTR_STRICTATIME: u64 = 0x20;
/// Access times of directories never change.
pub const ATTR_NODIRATIME: u64 = 0x80;
/// Symbolic links are not followed (Linux 5.10).
pub const ATTR_NOSYMFOLLOW: u64 = 0x20_0000;

/// Identities are mapped by [`Change::user_namespace`] (Linux 5.12); only on detached trees, and only once.
pub const ATTR_IDMAP: u64 = 0x10_0000;

/// What to change.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct Change {
    /// `ATTR_*` bits to set.
    pub set: u64,
    /// `ATTR_*` bits to clear first.
    pub clear: u64,
    /// One of `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE`, `MS_UNBINDABLE`, or zero.
    pub propagation: u64,
    /// Descriptor of the user namespace whose mappings [`ATTR_IDMAP`] uses, else zero.
    pub user_namespace: u64,
}

/// Whether a change reaches the mounts below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The mount alone.
    One,
    /// The mount and everything below it.
    Recursive,
}

/// `mount_setattr(2)` on the mount that `mount` refers to, Linux 5.12.
pub fn change(mount: BorrowedFd<'_>, change: Change, depth: Depth) -> io::Result<()> {
    let mut flags = libc::AT_EMPTY_PATH;
    if depth == Depth::Recursive {
        flags |= libc::AT_RECURSIVE;
    }
    // SAFETY: the path is a C string, `change` lives through the call and has the kernel's layout (repr(C), 32 bytes).
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const change,
            size_of::<Change>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
