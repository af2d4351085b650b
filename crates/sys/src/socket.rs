//! Unix stream sockets that carry descriptors (unix(7), SCM_RIGHTS), and socket I/O that never
//! blocks and never raises SIGPIPE, whatever flags the descriptor has.

use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType,
};

/// The most descriptors in one message: the kernel's SCM_MAX_FD is 253.
pub const DESCRIPTORS_PER_MESSAGE: usize = 253;

/// Bytes of control data for [`DESCRIPTORS_PER_MESSAGE`] descriptors of 4 bytes and their header.
const CONTROL_BYTES: usize = 1056;

/// How many connections wait to be accepted on a shim's socket: one daemon, and a few that look at it.
const BACKLOG: i32 = 16;

/// A connected pair of unix stream sockets, close-on-exec, blocking.
///
/// # Errors
/// When the process or the host has no descriptors left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Listens on a new unix socket at `path` (at most 107 bytes), not blocking. The file gets the umask's mode.
///
/// # Errors
/// When the path is too long, taken, or its directory is missing.
pub fn listen_unix(path: &Path) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Whether the other side has read all that was written on a unix socket (unix(7), SIOCOUTQ: the bytes of memory that
/// unread messages take).
///
/// # Errors
/// It is no socket.
pub fn all_was_read(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut unread: libc::c_int = 0;
    // SAFETY: the descriptor is open for as long as it is borrowed, and the kernel writes one int, which lives here.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut unread) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // While the kernel wakes who waits for this, it still holds one byte.
    Ok(unread <= 1)
}

/// Connects to the unix socket at `path`, blocking for as long as its backlog is full.
///
/// # Errors
/// `NotFound` without the file, `ConnectionRefused` when nobody listens.
pub fn connect_unix(path: &Path) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::net::connect(&socket, &address)?;
    Ok(socket)
}

/// Accepts one connection, close-on-exec; the new socket does not block.
///
/// # Errors
/// `WouldBlock` when none waits.
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(rustix::net::accept_with(
        listener,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
    )?)
}

/// Sends bytes with descriptors attached to the first of them; returns how many bytes went. If any went, all descriptors did.
///
/// # Errors
/// `WouldBlock` when the peer's buffer is full (also on a blocking socket), `BrokenPipe` when the peer is gone.
pub fn send_with_descriptors(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    Ok(rustix::net::sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut control,
        flags,
    )?)
}

/// Receives bytes and the descriptors that came with them (close-on-exec); zero bytes mean the peer has closed.
///
/// # Errors
/// `WouldBlock` when nothing is there, also on a blocking socket.
pub fn receive_with_descriptors(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, flags)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok(received.bytes)
}

/// Sends bytes; returns how many went.
///
/// # Errors
/// `WouldBlock` when the peer's buffer is full (also on a blocking socket), `BrokenPipe` when the peer is gone.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(
        socket,
        bytes,
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    )?)
}

/// Sends the parts as one; returns how many bytes went.
///
/// # Errors
/// As [`send`].
pub fn send_parts(socket: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    Ok(rustix::net::sendmsg(
        socket,
        parts,
        &mut SendAncillaryBuffer::default(),
        flags,
    )?)
}

/// Receives bytes; zero means that the peer sends no more.
///
/// # Errors
/// `WouldBlock` when nothing is there, also on a blocking socket.
pub fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::net::recv(socket, bytes, RecvFlags::DONTWAIT)?.0)
}

/// Tells the peer that nothing more will be sent. A peer that is gone already is no error.
///
/// # Errors
/// When the descriptor is not a stream socket.
pub fn finish_sending(socket: impl AsFd) -> io::Result<()> {
    match rustix::net::shutdown(socket, Shutdown::Write) {
        Ok(()) | Err(rustix::io::Errno::NOTCONN) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
