//! What a new process and its creator say to each other before its exec.
//!
//! A pair of SOCK_SEQPACKET sockets, close-on-exec: one message a packet, the first byte is the
//! kind. The successful exec is the end of file.
//!
//! ```text
//! creator -> child  'G'           go on: identities are mapped, hooks ran
//! creator -> child  'T' + fd      a detached mount, in the order that both know from the plan
//! child -> creator  'H'           the namespaces exist: run the hooks that want to see them, then 'G'
//! child -> creator  'R' [+ fd]    ready for the exec; the descriptor is the terminal's controlling end
//! creator -> child  'S'           execute
//! child -> creator  'E' + JSON    a CreateError; the child ends
//! ```

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::failure::CreateError;

/// What can be said.
#[derive(Debug)]
pub(crate) enum Message {
    Go,
    Hooks,
    Tree(OwnedFd),
    /// Of a process that only clones the container's ([`super::joined`]): its pidfd.
    Cloned(OwnedFd),
    Ready(Option<OwnedFd>),
    Start,
    Failed(CreateError),
    /// The other side is gone; after `Start` this means that the exec succeeded.
    End,
}

/// Longest packet in bytes; longer failure texts are cut.
const PACKET_LIMIT_BYTES: usize = 8192;

/// The creator's end and the child's end.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

pub(crate) fn send(to: impl AsFd, message: &Message) -> io::Result<()> {
    match message {
        Message::Go => send_packet(to.as_fd(), b"G", None),
        Message::Hooks => send_packet(to.as_fd(), b"H", None),
        Message::Tree(tree) => send_packet(to.as_fd(), b"T", Some(tree.as_fd())),
        Message::Cloned(pidfd) => send_packet(to.as_fd(), b"C", Some(pidfd.as_fd())),
        Message::Ready(console) => send_packet(to.as_fd(), b"R", console.as_ref().map(AsFd::as_fd)),
        Message::Start => send_packet(to.as_fd(), b"S", None),
        Message::Failed(error) => send_packet(to.as_fd(), &failure_packet(error), None),
        Message::End => Ok(()),
    }
}

fn failure_packet(error: &CreateError) -> Vec<u8> {
    let mut error = error.clone();
    let limit = error.message.len().min(PACKET_LIMIT_BYTES / 4);
    let end = (0..=limit)
        .rev()
        .find(|&end| error.message.is_char_boundary(end))
        .unwrap_or(0);
    error.message.truncate(end);
    let mut packet = vec![b'E'];
    packet.extend(serde_json::to_vec(&error).expect("a plain structure always serialises"));
    packet
}

fn send_packet(to: BorrowedFd<'_>, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    loop {
        match sendmsg(to, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            sent => return sent.map(drop).map_err(io::Error::from),
        }
    }
}

pub(crate) fn receive(from: impl AsFd) -> io::Result<Message> {
    let mut packet = [0; PACKET_LIMIT_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let buffer = &mut [IoSliceMut::new(&mut packet)];
        match recvmsg(from.as_fd(), buffer, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            // The other side ended without reading what we sent. That is told once, before what it had said.
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNRESET) => {}
            received => break received?,
        }
    };
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    parse(&packet[..received.bytes], descriptor)
}

fn parse(packet: &[u8], descriptor: Option<OwnedFd>) -> io::Result<Message> {
    match packet.split_first() {
        None => Ok(Message::End),
        Some((b'G', _)) => Ok(Message::Go),
        Some((b'H', _)) => Ok(Message::Hooks),
        Some((b'T', _)) => descriptor.map(Message::Tree).ok_or(io::ErrorKind::InvalidData.into()),
        Some((b'C', _)) => descriptor.map(Message::Cloned).ok_or(io::ErrorKind::InvalidData.into()),
        Some((b'R', _)) => Ok(Message::Ready(descriptor)),
        Some((b'S', _)) => Ok(Message::Start),
        Some((b'E', json)) => Ok(Message::Failed(serde_json::from_slice(json)?)),
        Some(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_sent_and_long_failures_are_cut() {
        let (creator, child) = pair().unwrap();
        send(&child, &Message::Ready(None)).unwrap();
        assert!(matches!(receive(&creator).unwrap(), Message::Ready(None)));
        send(&child, &Message::Failed(CreateError::internal("é".repeat(9000)))).unwrap();
        let Message::Failed(error) = receive(&creator).unwrap() else {
            panic!("not a failure")
        };
        assert!(error.message.starts_with('é') && error.message.len() <= PACKET_LIMIT_BYTES / 4);
        drop(child);
        assert!(matches!(receive(&creator).unwrap(), Message::End));
    }

    #[test]
    fn the_last_words_of_a_child_that_did_not_listen_are_heard() {
        let (creator, child) = pair().unwrap();
        send(&creator, &Message::Go).unwrap();
        send(&child, &Message::Failed(CreateError::internal("why"))).unwrap();
        drop(child);
        let Message::Failed(error) = receive(&creator).unwrap() else {
            panic!("not a failure")
        };
        assert_eq!(error.message, "why");
        assert!(matches!(receive(&creator).unwrap(), Message::End));
    }

    #[test]
    fn descriptors_travel_with_ready() {
        let (creator, child) = pair().unwrap();
        let (end, _other) = pair().unwrap();
        send(&child, &Message::Ready(Some(end))).unwrap();
        assert!(matches!(receive(&creator).unwrap(), Message::Ready(Some(_))));
    }
}
