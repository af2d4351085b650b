//! Whole Ethernet frames, sent over a link: packet(7).

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// A socket that sends frames and receives none. Closing it waits for the kernel, some milliseconds: keep it.
///
/// # Errors
/// `EPERM` without CAP_NET_RAW, `EAFNOSUPPORT` if the kernel has no such sockets.
pub fn open() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no memory is passed.
    let socket = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

/// Sends a frame, its Ethernet header included, over the link of this number.
///
/// # Errors
/// `ENXIO` if there is no such link, `ENETDOWN` if it is off, `ENOBUFS`.
pub fn send(socket: BorrowedFd<'_>, link: u32, frame: &[u8]) -> io::Result<()> {
    // SAFETY: a structure of integers, for which zeros are values.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    to.sll_family = libc::AF_PACKET as u16;
    to.sll_ifindex = link.cast_signed();
    // SAFETY: the kernel reads the frame's bytes and the address's, both of the lengths given, during the call.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const to).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if sent < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
