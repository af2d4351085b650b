//! Network namespaces of threads. A namespace lives as long as a thread, a descriptor or a socket is in it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// Moves the calling thread into a fresh network namespace; other threads stay where they are.
/// See unshare(2), CLONE_NEWNET.
///
/// # Errors
/// `EPERM` without CAP_SYS_ADMIN.
pub fn enter_new() -> io::Result<()> {
    // SAFETY: CLONE_NEWNET detaches nothing that other threads of the process share with this one in
    // memory; it only changes which namespace the thread's next system calls see.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.map_err(io::Error::from)
}

/// The calling thread's network namespace. The descriptor keeps it alive: drop it soon.
///
/// # Errors
/// As open(2).
pub fn current() -> io::Result<OwnedFd> {
    Ok(File::open("/proc/thread-self/ns/net")?.into())
}

/// Does something in another namespace and comes back. See setns(2).
///
/// # Errors
/// The namespace cannot be entered; nothing was done then.
///
/// # Panics
/// There is no way back: to go on in somebody else's namespace would be worse than to end.
pub fn visit<T>(namespace: impl AsFd, act: impl FnOnce() -> T) -> io::Result<T> {
    let home = current()?;
    enter(namespace)?;
    let result = act();
    enter(&home).expect("the thread's own namespace takes it back");
    Ok(result)
}

/// Moves the calling thread into a namespace. See setns(2).
///
/// # Errors
/// `EPERM` without CAP_SYS_ADMIN.
pub fn enter(namespace: impl AsFd) -> io::Result<()> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).map_err(io::Error::from)
}
