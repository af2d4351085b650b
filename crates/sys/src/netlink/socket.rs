//! Carries netlink messages to the kernel and its answers back.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, socket_with};

use super::Error;
use super::message::{self, ACKNOWLEDGE, DUMP, HEADER_BYTES, Messages, Received};

/// The kernel splits its answers into pieces of this size at most for a reader with a buffer like this one.
const BUFFER_BYTES: usize = 16 * 1024;
/// A dump that was disturbed by changes is repeated this often.
const DUMP_ATTEMPTS: u32 = 10;

const MESSAGE_ERROR: u16 = 2;
const MESSAGE_DONE: u16 = 3;
const FLAG_INTERRUPTED: u16 = 0x10;
const FLAG_CAPPED: u16 = 0x100;
const FLAG_EXTENDED: u16 = 0x200;
const EXTENDED_TEXT: u16 = 1;

/// Which part of the kernel a socket speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// NETLINK_ROUTE.
    Route,
    /// NETLINK_NETFILTER.
    Netfilter,
    /// NETLINK_SOCK_DIAG.
    SocketDiagnosis,
}

fn new(protocol: Protocol, flags: SocketFlags) -> io::Result<OwnedFd> {
    let protocol = match protocol {
        Protocol::Route => None, // NETLINK_ROUTE is zero
        Protocol::Netfilter => Some(netlink::NETFILTER),
        Protocol::SocketDiagnosis => Some(netlink::SOCK_DIAG),
    };
    Ok(socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?)
}

/// A socket, not blocking, that hears what the kernel tells a multicast group.
pub(crate) fn listen(protocol: Protocol, group: i32) -> io::Result<OwnedFd> {
    let fd = new(protocol, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    // One without an address is passed over: zero is whom the kernel leaves out when it leaves out nobody.
    rustix::net::bind(&fd, &netlink::SocketAddrNetlink::new(0, 0))?;
    set_option(&fd, libc::NETLINK_ADD_MEMBERSHIP, group)?;
    Ok(fd)
}

/// A message of an answer: its type and body.
pub type Answer = (u16, Vec<u8>);

/// A netlink socket of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

impl Socket {
    /// Opens a socket that asks for explanations of errors and not for copies of requests.
    ///
    /// # Errors
    /// As socket(2).
    pub fn open(protocol: Protocol) -> io::Result<Self> {
        let fd = new(protocol, SocketFlags::CLOEXEC)?;
        set_option(&fd, libc::NETLINK_EXT_ACK, 1)?;
        set_option(&fd, libc::NETLINK_CAP_ACK, 1)?;
        Ok(Self { fd, sequence: 1 })
    }

    /// Sends the messages in one piece and waits for the answer to the last, which is asked to acknowledge.
    ///
    /// # Errors
    /// The first refusal. Messages behind a refused one were carried out all the same.
    pub fn execute(&mut self, mut messages: Messages) -> Result<(), Error> {
        messages.add_flags(ACKNOWLEDGE);
        let last = messages.count() - 1;
        self.exchange(messages, last)
    }

    /// Sends a netfilter batch and waits for the answer to the message before the batch's end, which was
    /// asked to acknowledge: kernels before 6.10 do not acknowledge the end itself.
    ///
    /// # Errors
    /// The first refusal; nothing of the batch was carried out then.
    pub fn commit(&mut self, batch: Messages) -> Result<(), Error> {
        let last = batch.count() - 2;
        self.exchange(batch, last)
    }

    fn exchange(&mut self, mut messages: Messages, awaited: u32) -> Result<(), Error> {
        let first = self.send(&mut messages)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            for answer in message::messages(self.receive(&mut buffer)?) {
                let position = answer.sequence.wrapping_sub(first);
                if answer.kind != MESSAGE_ERROR || position >= messages.count() {
                    continue; // left over from a request that was refused earlier
                }
                outcome(answer, position)?;
                if position == awaited {
                    return Ok(());
                }
            }
        }
    }

    /// Sends one request and gives each message of the answer's body to `each`. The request is made a
    /// dump unless `flags` of the message say otherwise, and repeated when it was disturbed.
    ///
    /// # Errors
    /// A refusal, or the table changed too often while it was read.
    pub fn dump(&mut self, request: &Messages) -> Result<Vec<Answer>, Error> {
        for _ in 0..DUMP_ATTEMPTS {
            let mut request = request.clone();
            request.add_flags(DUMP);
            if let Some(found) = self.dump_once(request)? {
                return Ok(found);
            }
        }
        Err(io::Error::from_raw_os_error(libc::EINTR).into())
    }

    /// Sends one request for one object.
    ///
    /// # Errors
    /// The refusal, `ENOENT` or `ENODEV` where there is no such object.
    pub fn get(&mut self, mut request: Messages) -> Result<Answer, Error> {
        let first = self.send(&mut request)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            for answer in message::messages(self.receive(&mut buffer)?) {
                if answer.sequence != first {
                    continue;
                }
                if answer.kind != MESSAGE_ERROR {
                    return Ok((answer.kind, answer.body.to_vec()));
                }
                outcome(answer, 0)?;
            }
        }
    }

    /// Every message of the answer, or `None` when the table changed meanwhile.
    fn dump_once(&mut self, mut request: Messages) -> Result<Option<Vec<Answer>>, Error> {
        let first = self.send(&mut request)?;
        let mut buffer = vec![0; 2 * BUFFER_BYTES];
        let mut found = Vec::new();
        let mut disturbed = false;
        loop {
            for answer in message::messages(self.receive(&mut buffer)?) {
                if answer.sequence != first {
                    continue;
                }
                disturbed |= answer.flags & FLAG_INTERRUPTED != 0;
                match answer.kind {
                    MESSAGE_DONE => {
                        dump_outcome(answer)?;
                        return Ok((!disturbed).then_some(found));
                    }
                    MESSAGE_ERROR => outcome(answer, 0)?,
                    kind => found.push((kind, answer.body.to_vec())),
                }
            }
        }
    }

    fn send(&mut self, messages: &mut Messages) -> Result<u32, Error> {
        let first = self.sequence;
        self.sequence = first.wrapping_add(messages.count());
        messages.number_from(first);
        rustix::io::retry_on_intr(|| rustix::net::send(&self.fd, messages.bytes(), SendFlags::empty()))?;
        Ok(first)
    }

    fn receive<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let (_, length) = rustix::io::retry_on_intr(|| rustix::net::recv(&self.fd, &mut *buffer, RecvFlags::TRUNC))?;
        buffer
            .get(..length)
            .filter(|bytes| bytes.len() >= HEADER_BYTES)
            .ok_or_else(Error::malformed)
    }
}

/// What an NLMSG_ERROR message says: zero is an acknowledgement.
fn outcome(answer: Received<'_>, position: u32) -> Result<(), Error> {
    let code = answer
        .body
        .get(..4)
        .map(message::number)
        .ok_or_else(Error::malformed)?
        .cast_signed();
    if code == 0 {
        return Ok(());
    }
    Err(Error::refused(position, -code, explanation(answer)))
}

/// What an NLMSG_DONE message says.
fn dump_outcome(answer: Received<'_>) -> Result<(), Error> {
    let code = message::number(answer.body).cast_signed();
    if code < 0 {
        Err(Error::refused(0, -code, String::new()))
    } else {
        Ok(())
    }
}

/// The text of an extended acknowledgement: behind the code and the copy of the request, whose body is
/// there only when the answer is not capped.
fn explanation(answer: Received<'_>) -> String {
    if answer.flags & FLAG_EXTENDED == 0 {
        return String::new();
    }
    let copied = if answer.flags & FLAG_CAPPED != 0 {
        HEADER_BYTES
    } else {
        message::number(answer.body.get(4..).unwrap_or(&[])) as usize
    };
    let attributes = answer.body.get(4 + copied..).unwrap_or(&[]);
    message::find(attributes, EXTENDED_TEXT)
        .map(message::text)
        .unwrap_or_default()
}

fn set_option(fd: &OwnedFd, option: i32, value: libc::c_int) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of_val(&value)).expect("an int is small");
    // SAFETY: the descriptor is open for the call, and the pointer is to an int that lives through it,
    // with that int's size as length, as netlink(7) asks for these options.
    let result = unsafe {
        libc::setsockopt(
            fd.as_fd().as_raw_fd(),
            libc::SOL_NETLINK,
            option,
            std::ptr::from_ref(&value).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
