//! Processes by `clone3(2)`: new namespaces and a control group in one step.
//!
//! The child is a copy of the calling thread alone, like that of `fork(2)`, but glibc does not know
//! of it. The callers are single-threaded programs (shim, runtime), so no lock can be held by a
//! thread that the child lacks.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Namespaces to make and where to put the child.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloneOptions<'fd> {
    /// `CLONE_NEW*` flags.
    pub namespaces: u64,
    /// A directory of the v2 hierarchy that the child is born in (`CLONE_INTO_CGROUP`, Linux 5.7).
    pub cgroup: Option<BorrowedFd<'fd>>,
    /// The caller's parent becomes the child's (`CLONE_PARENT`), which gets SIGCHLD as for the caller.
    pub sibling: bool,
}

/// Who returned.
#[derive(Debug)]
pub enum Cloned {
    /// The new process.
    Child,
    /// The calling process.
    Parent {
        /// The child's pid as the caller sees it.
        pid: u32,
        /// A descriptor of the child, close-on-exec.
        pidfd: OwnedFd,
    },
}

/// A new mount namespace.
pub const NEW_MOUNT: u64 = libc::CLONE_NEWNS as u64;
/// Only for `unshare`: a working directory, root and umask that no other thread shares.
pub const OWN_DIRECTORY: u64 = libc::CLONE_FS as u64;
/// A new control group namespace.
pub const NEW_CGROUP: u64 = libc::CLONE_NEWCGROUP as u64;
/// A new uts namespace.
pub const NEW_UTS: u64 = libc::CLONE_NEWUTS as u64;
/// A new ipc namespace.
pub const NEW_IPC: u64 = libc::CLONE_NEWIPC as u64;
/// A new user namespace.
pub const NEW_USER: u64 = libc::CLONE_NEWUSER as u64;
/// A new pid namespace.
pub const NEW_PID: u64 = libc::CLONE_NEWPID as u64;
/// A new network namespace.
pub const NEW_NETWORK: u64 = libc::CLONE_NEWNET as u64;
/// A new time namespace (only for `unshare`).
pub const NEW_TIME: u64 = 0x80;

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// `clone3(2)`, Linux 5.3, or `clone(2)` where a filter hides it. The exit signal is SIGCHLD.
pub fn clone3(options: CloneOptions<'_>) -> io::Result<Cloned> {
    let mut pidfd: libc::c_int = -1;
    let mut arguments = Arguments {
        flags: options.namespaces | libc::CLONE_PIDFD as u64,
        pidfd: &raw mut pidfd as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..Arguments::default()
    };
    if options.sibling {
        // The signal is then that of the caller itself; naming one is refused.
        arguments.flags |= libc::CLONE_PARENT as u64;
        arguments.exit_signal = 0;
    }
    if let Some(cgroup) = options.cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: `arguments` and `pidfd` outlive the call; no CLONE_VM, so the child runs on its own
    // copy of this stack; the caller is single-threaded (module header).
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<Arguments>()) };
    let pid =
        if pid == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::ENOSYS) && options.cgroup.is_none() {
            // A system call filter that cannot look into clone3's arguments, Docker's for example.
            let flags = arguments.flags | arguments.exit_signal;
            // SAFETY: as above; on x86-64 and AArch64 the third argument is where the pidfd goes.
            unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) }
        } else {
            pid
        };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Cloned::Child),
        pid => {
            // SAFETY: on success the kernel stored a fresh descriptor that nobody else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Cloned::Parent { pid: pid as u32, pidfd })
        }
    }
}

#[repr(C)]
#[derive(Default)]
struct Arguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// `unshare(2)` with `CLONE_NEW*` flags.
pub fn unshare(namespaces: u64) -> io::Result<()> {
    // SAFETY: only namespace flags are accepted by the types of our callers; none shares or unshares memory.
    match unsafe { libc::unshare(namespaces as libc::c_int) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `setns(2)`: joins the namespaces `kinds` (`CLONE_NEW*`) that `of` names, a namespace file or a pidfd (Linux 5.8).
pub fn set_namespaces(of: BorrowedFd<'_>, kinds: u64) -> io::Result<()> {
    // SAFETY: plain integers.
    match unsafe { libc::setns(of.as_raw_fd(), kinds as libc::c_int) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
