//! Descriptors of the kernel that the async runtime waits for: sockets to shims, pidfds, inotify.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers a descriptor, which from now on belongs to the result alone.
#[expect(
    deprecated,
    reason = "its successor is unsafe for types that may close their descriptor early; OwnedFd does not"
)]
pub(crate) fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, interest)
}
