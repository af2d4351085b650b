//! The way to the service manager: its own socket, which root may use, or the system's message bus where that
//! socket is hidden. One connection for one act; calls are answered in turn.
//!
//! A peer that does not answer is given up after [`ANSWER_LIMIT`]: a reload of many units takes seconds.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::ScopeError;
use super::message::{self, HEAD, Incoming, Target, Writer};

/// Where systemd itself listens, and where the bus does.
pub(super) const PRIVATE: &str = "run/systemd/private";
pub(super) const BUS: &str = "run/dbus/system_bus_socket";

/// What runc waits for a job.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The longest line of the handshake.
const LINE_LIMIT: usize = 512;

const MANAGER: Target = Target {
    destination: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
};

const DAEMON: Target = Target {
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
};

/// The jobs' ends reach who asks for them.
const MATCH: &str = "type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";

/// A connection to the manager.
#[derive(Debug)]
pub(super) struct Bus {
    socket: UnixStream,
    serial: u32,
    /// Jobs that ended while something else was waited for.
    removed: Vec<(String, String)>,
    deadline: Instant,
}

impl Bus {
    /// Connects below `root`, which is `/` but for tests.
    pub(super) fn connect(root: &Path) -> Result<Self, ScopeError> {
        let own = root.join(PRIVATE);
        match UnixStream::connect(&own) {
            Ok(socket) => Self::over(socket),
            Err(source) => {
                let Ok(socket) = UnixStream::connect(root.join(BUS)) else {
                    return Err(ScopeError::Connect { path: own, source });
                };
                Self::over_daemon(socket)
            }
        }
    }

    fn over(socket: UnixStream) -> Result<Self, ScopeError> {
        let mut bus = Self {
            socket,
            serial: 0,
            removed: Vec::new(),
            deadline: Instant::now() + ANSWER_LIMIT,
        };
        bus.shake_hands()?;
        Ok(bus)
    }

    /// On the bus a client has a name, and hears what it has asked for.
    fn over_daemon(socket: UnixStream) -> Result<Self, ScopeError> {
        let mut bus = Self::over(socket)?;
        bus.call_at(DAEMON, "Hello", "", Writer::default())?;
        let mut rule = Writer::default();
        rule.text(MATCH);
        bus.call_at(DAEMON, "AddMatch", "s", rule)?;
        bus.call("Subscribe", "", Writer::default())?;
        Ok(bus)
    }

    /// `EXTERNAL`: the kernel says who we are; the number is repeated in hexadecimal digits of its text.
    fn shake_hands(&mut self) -> Result<(), ScopeError> {
        let user: String = rustix::process::geteuid()
            .as_raw()
            .to_string()
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.send(format!("\0AUTH EXTERNAL {user}\r\nBEGIN\r\n").as_bytes())?;
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            self.fill(&mut byte)?;
            line.extend(byte);
            if line.len() > LINE_LIMIT {
                return Err(message::Malformed.into());
            }
        }
        if line.starts_with(b"OK ") {
            Ok(())
        } else {
            Err(ScopeError::Rejected(String::from_utf8_lossy(&line).trim().to_owned()))
        }
    }

    /// Calls the manager; gives the first text of its answer.
    pub(super) fn call(&mut self, member: &str, signature: &str, body: Writer) -> Result<Option<String>, ScopeError> {
        self.call_at(MANAGER, member, signature, body)
    }

    fn call_at(
        &mut self,
        target: Target,
        member: &str,
        signature: &str,
        body: Writer,
    ) -> Result<Option<String>, ScopeError> {
        self.deadline = Instant::now() + ANSWER_LIMIT;
        self.serial += 1;
        let serial = self.serial;
        self.send(&message::call(target, member, serial, signature, body))?;
        loop {
            match self.receive()? {
                Incoming::Reply { to, text } if to == serial => return Ok(text),
                Incoming::Failure { to, name, text } if to == serial => {
                    return Err(ScopeError::Refused { name, text });
                }
                Incoming::JobRemoved { job, result } => self.removed.push((job, result)),
                Incoming::Reply { .. } | Incoming::Failure { .. } | Incoming::Other => {}
            }
        }
    }

    /// Calls what makes a job, and waits for the job's end; gives its result, `done` if all is well.
    pub(super) fn run_job(&mut self, member: &str, signature: &str, body: Writer) -> Result<String, ScopeError> {
        let job = self.call(member, signature, body)?.ok_or(message::Malformed)?;
        loop {
            if let Some(at) = self.removed.iter().position(|(removed, _)| *removed == job) {
                return Ok(self.removed.swap_remove(at).1);
            }
            if let Incoming::JobRemoved { job, result } = self.receive()? {
                self.removed.push((job, result));
            }
        }
    }

    fn receive(&mut self) -> Result<Incoming, ScopeError> {
        let mut head = [0; HEAD];
        self.fill(&mut head)?;
        let mut whole = vec![0; HEAD + message::rest(&head)?];
        whole[..HEAD].copy_from_slice(&head);
        self.fill(&mut whole[HEAD..])?;
        Ok(message::parse(&whole)?)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), ScopeError> {
        self.socket.set_write_timeout(Some(ANSWER_LIMIT))?;
        Ok(self.socket.write_all(bytes)?)
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), ScopeError> {
        while !buffer.is_empty() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::from(ErrorKind::TimedOut).into());
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.read(buffer) {
                Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                Ok(count) => buffer = &mut buffer[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
