//! Executing programs from a thread that has a table of descriptors of its own.
//!
//! A new process gets a copy of its maker's table before it closes what it shall not have: with thousands of
//! descriptors open that takes longer than all the rest. The thread's table has those of one program at a time.
//!
//! Invariant: the thread owns its end of the channel and what came over it, and nothing else is open in its
//! table; so it must never touch a descriptor of anybody else by its number.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

use super::{Command, spawn};

/// Most descriptors of one program.
const DESCRIPTORS: usize = 16;

/// Enough for posix_spawn(3), whose child runs on a stack of its own.
const STACK_BYTES: usize = 128 << 10;

/// What the thread is asked for; the descriptors come over the socket.
struct Order {
    program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    answer: Sender<io::Result<u32>>,
}

/// The way to the thread. Locked while an order and its descriptors are sent, so that they stay together.
struct Thread {
    orders: Sender<Order>,
    socket: OwnedFd,
}

/// As [`spawn`], at the same cost however many descriptors this process has.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_apart(command: &Command<'_>) -> io::Result<u32> {
    static THREAD: OnceLock<Option<Mutex<Thread>>> = OnceLock::new();
    let thread = THREAD.get_or_init(|| Thread::start().map(Mutex::new).ok());
    match thread {
        Some(thread) if command.descriptors.len() <= DESCRIPTORS => order(thread, command),
        // without such a thread it is only slower
        _ => spawn(command),
    }
}

fn order(thread: &Mutex<Thread>, command: &Command<'_>) -> io::Result<u32> {
    let own = |texts: &[&CStr]| texts.iter().map(|&text| text.to_owned()).collect();
    let (answer, answered) = channel();
    let order = Order {
        program: command.program.to_owned(),
        arguments: own(command.arguments),
        environment: own(command.environment),
        answer,
    };
    let gone = || io::Error::other("the thread that executes programs has ended");
    {
        let thread = thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.send(command)?;
        thread.orders.send(order).map_err(|_| gone())?;
    }
    answered.recv().map_err(|_| gone())?
}

impl Thread {
    fn start() -> io::Result<Self> {
        let (socket, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let (orders, received) = channel();
        let (ready, is_ready) = channel();
        std::thread::Builder::new()
            .name("spawn".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                crate::memory::forgo_cache();
                let separate = separate(&theirs);
                let serves = separate.is_ok();
                // whoever asked may have given up
                ready.send(separate).unwrap_or_default();
                if serves {
                    serve(&theirs, &received);
                } else {
                    drop(theirs);
                }
            })?;
        is_ready.recv().map_err(io::Error::other)??;
        Ok(Self { orders, socket })
    }

    /// Sends the descriptors. Blocks while the thread is behind.
    fn send(&self, command: &Command<'_>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !command.descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(command.descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let bytes = [io::IoSlice::new(&[0])];
        rustix::net::sendmsg(&self.socket, &bytes, &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// Gives the calling thread a table of its own with `kept` alone in it.
fn separate(kept: &OwnedFd) -> io::Result<()> {
    // SAFETY: unshare(2) of CLONE_FILES touches no memory; the numbers stay what they are.
    if unsafe { libc::unshare(libc::CLONE_FILES) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let kept = kept.as_raw_fd().cast_unsigned();
    let close = |first: u32, last: u32| {
        // SAFETY: closes descriptors in this thread's table only, where nobody but this thread looks; it owns none
        // of them but `kept`, which is outside of the range.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }
    };
    let below = if kept == 0 { 0 } else { close(0, kept - 1) };
    if below != 0 || close(kept + 1, u32::MAX) != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Executes what is ordered until the process ends.
fn serve(socket: &OwnedFd, orders: &Receiver<Order>) {
    while let Ok(order) = orders.recv() {
        let spawned = receive(socket).and_then(|descriptors| {
            let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            spawn(&Command {
                program: &order.program,
                arguments: &pointers(&order.arguments),
                environment: &pointers(&order.environment),
                descriptors: &borrowed,
            })
        });
        // whoever asked may have given up
        order.answer.send(spawned).unwrap_or_default();
    }
}

fn pointers(texts: &[CString]) -> Vec<&CStr> {
    texts.iter().map(CString::as_c_str).collect()
}

/// The descriptors of the next order.
fn receive(socket: &OwnedFd) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(socket, &mut [io::IoSliceMut::new(&mut byte)], &mut control, flags)?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok(descriptors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read as _;

    fn wait(pid: u32) {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed());
        rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
    }

    #[test]
    fn a_program_gets_its_descriptors_and_no_other_whoever_asks() {
        let null = File::open("/dev/null").unwrap();
        let _more: Vec<File> = (0..100).map(|_| null.try_clone().unwrap()).collect();
        std::thread::scope(|scope| {
            for word in [c"a", c"b", c"c", c"d"] {
                let null = &null;
                scope.spawn(move || {
                    for _ in 0..20 {
                        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
                        let pid = spawn_apart(&Command {
                            program: c"/bin/sh",
                            arguments: &[c"sh", c"-c", c"echo $0 >&1; ls /proc/self/fd | wc -l", word],
                            environment: &[c"PATH=/bin:/usr/bin"],
                            descriptors: &[null.as_fd(), writer.as_fd(), null.as_fd()],
                        })
                        .unwrap();
                        drop(writer);
                        let mut text = String::new();
                        File::from(reader).read_to_string(&mut text).unwrap();
                        assert_eq!(text, format!("{}\n4\n", word.to_str().unwrap()));
                        wait(pid);
                    }
                });
            }
        });
        let missing = Command {
            program: c"/no/such/program",
            arguments: &[],
            environment: &[],
            descriptors: &[null.as_fd()],
        };
        assert_eq!(spawn_apart(&missing).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
