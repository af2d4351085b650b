//! The program: keeps one container from its making to its end.
//!
//! One thread, one epoll loop, all state in [`Keeper`]. Nothing here may block for long, and nothing a
//! client or a daemon does may disturb the container: a connection that fails is dropped.
//!
//! ```text
//!            daemons (control socket, shim.sock)
//!                 |  requests, replies, events
//!   clients <-> Keeper <-> pipes or terminal <-> processes
//!                 |-> log file        |-> spliced ports
//! ```
//! The program can be replaced in place (`upgrade.rs`), which is why all state can be written down.
//!
//! Back-pressure: while a client does not take what was sent to it, the process's output is not read.

#[macro_use]
mod note;

mod client;
mod daemon;
mod exec;
mod exit;
mod input;
mod memory;
mod network;
mod output;
mod poll;
mod port;
mod process;
mod request;
mod resolver;
mod start;
mod upgrade;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use corten_base::{ContainerId, Timestamp};
use corten_runtime::plan::Plan;
use rustix::event::epoll::EventFlags;
use serde::{Deserialize, Serialize};

pub use upgrade::{READS, RESUME, VERSION as STATE_VERSION, resume};

use crate::log::Recorder;
use crate::protocol::{Event, Exit, NetworkNamespace};
use crate::spawn::SOCKET_NAME;
use client::Client;
use daemon::Daemon;
use memory::MemoryWatch;
use poll::{Number, Poll, Token, Watch};
use port::Ports;
use process::Process;
use resolver::Resolver;

/// The container's first process among [`Keeper::processes`]; exec sessions count from here.
const FIRST_PROCESS: Number = 0;

/// The daemon that started this shim among [`Keeper::daemons`].
const STARTER: Number = 0;

/// Size of the buffer that all reads share, in bytes: what a pipe holds.
const BUFFER_BYTES: usize = 64 * 1024;

/// How long accepting pauses when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long the last bytes for daemons and clients may take when everything else is done.
const LAST_BYTES_LIMIT: Duration = Duration::from_secs(10);

/// Memory is given back after this long without work.
const IDLE: Duration = Duration::from_millis(500);

/// Keeps a container until it has ended and its end is recorded.
///
/// # Errors
/// When the keeper cannot even be set up; nothing was made then.
pub fn run(run_directory: &Path) -> io::Result<()> {
    Keeper::new(run_directory)?.keep()
}

/// Everything the keeper knows.
#[derive(Debug, Serialize, Deserialize)]
struct Keeper {
    poll: Poll,
    #[serde(with = "crate::carried::descriptor")]
    children: OwnedFd,
    /// `None` when nobody shall come any more.
    #[serde(with = "crate::carried::optional_descriptor")]
    listener: Option<OwnedFd>,
    #[serde(with = "crate::keeper::poll::watch")]
    listener_watch: Watch,
    /// Descriptors have run out; daemons are accepted again then.
    #[serde(with = "crate::carried::deadline")]
    listener_pause: Option<Instant>,
    stage: Stage,
    /// The namespace that was entered.
    network: Option<NetworkNamespace>,
    container: Option<Container>,
    recorder: Option<Recorder>,
    daemons: BTreeMap<Number, Daemon>,
    processes: BTreeMap<Number, Process>,
    clients: BTreeMap<Number, Client>,
    ports: Ports,
    #[serde(default)]
    resolver: Option<Resolver>,
    /// Where the kernel tells of memory that has run out.
    #[serde(default)]
    memory: Option<MemoryWatch>,
    /// Numbers for daemons, processes and clients; never used twice.
    next_number: Number,
    /// The limit of descriptors that containers inherit, if this shim has raised its own.
    #[serde(default)]
    descriptors_given: Option<u64>,
    /// Empty while there is no work.
    #[serde(skip)]
    buffer: Vec<u8>,
    /// Something was done since memory was given back.
    #[serde(skip)]
    busy: bool,
}

/// How far the container is.
#[derive(Debug, Serialize, Deserialize)]
enum Stage {
    /// Nothing was asked for yet.
    Empty,
    /// The first process waits before its exec.
    #[serde(skip)]
    Created {
        plan: Box<Plan>,
        init: corten_runtime::create::Init,
    },
    /// It executes its program.
    Running,
    /// The first process has ended; output and exec sessions are not finished.
    Ending {
        code: i32,
        at: Timestamp,
        #[serde(default)]
        out_of_memory: bool,
    },
    /// The exit is recorded and reported; waits for `Release` until the deadline.
    #[serde(skip)]
    Exited { deadline: Instant },
    /// Everything is removed; the last bytes to daemons and clients are on their way until the deadline.
    #[serde(skip)]
    Over { deadline: Instant },
}

/// What outlives the plan.
#[derive(Debug, Serialize, Deserialize)]
struct Container {
    id: ContainerId,
    cgroup: corten_runtime::plan::Cgroup,
    /// The kernel kills all other processes when the first one ends.
    private_pids: bool,
    /// The plan again, if it has hooks for the end.
    poststop: Option<Box<Plan>>,
    pid: u32,
    started_at: Option<Timestamp>,
    exit: Option<Exit>,
    /// The kernel has said that its memory had run out.
    #[serde(default)]
    out_of_memory: bool,
    /// The namespace is new and nothing was configured in it.
    loopback_down: bool,
    exit_path: PathBuf,
}

impl Keeper {
    fn new(run_directory: &Path) -> io::Result<Self> {
        corten_sys::memory::stay_small();
        corten_sys::signal::survive()?;
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        // Executed through a descriptor, it would be listed under that one's number.
        rustix::thread::set_name(c"corten-shim")?;
        rustix::process::chdir(run_directory)?;
        let control = control()?;
        remove_socket()?;
        // Relative, because a socket's path is short.
        let listener = corten_sys::socket::listen_unix(Path::new(SOCKET_NAME))?;
        let children = corten_sys::signal::watch_children()?;
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let poll = Poll::new()?;
        poll.set(&mut None, children.as_fd(), Token::Children, Some(EventFlags::IN));
        let mut keeper = Self {
            poll,
            children,
            listener: Some(listener),
            listener_watch: None,
            listener_pause: None,
            stage: Stage::Empty,
            network: None,
            container: None,
            recorder: None,
            daemons: BTreeMap::new(),
            processes: BTreeMap::new(),
            clients: BTreeMap::new(),
            ports: Ports::default(),
            resolver: None,
            memory: None,
            next_number: STARTER,
            descriptors_given: None,
            buffer: Vec::new(),
            busy: false,
        };
        keeper.watch_listener();
        keeper.add_daemon(control);
        Ok(keeper)
    }

    fn keep(&mut self) -> io::Result<()> {
        while !self.is_over() {
            self.turn();
        }
        Ok(())
    }

    /// Waits for something to happen and deals with it.
    fn turn(&mut self) {
        let now = Instant::now();
        let due = self.deadline().map(|deadline| deadline.saturating_duration_since(now));
        let idle = self.busy.then_some(IDLE);
        let limit = [due, idle].into_iter().flatten().min();
        let events = self.poll.wait(limit);
        if !events.is_empty() {
            self.busy = true;
        } else if self.busy {
            self.give_memory_back();
        }
        for (token, flags) in events {
            self.dispatch(token, flags);
        }
        self.expire(Instant::now());
    }

    fn dispatch(&mut self, token: Token, flags: EventFlags) {
        match token {
            Token::Children => self.reap(),
            Token::Listener => self.accept_daemon(),
            Token::Daemon(number) => self.serve_daemon(number, flags),
            Token::Output(process, stream) => self.read_output(process, stream),
            Token::Input(process) => self.flush_input(process),
            Token::Client(number) => self.serve_client(number, flags),
            Token::Port(number) => self.serve_port(number),
            Token::Outside(number) | Token::Inside(number) => self.serve_splice(number),
            Token::NameDatagrams | Token::NameListener | Token::NameClient(_) | Token::NameServer(_) => {
                self.serve_names(token, flags);
            }
            Token::Memory => self.hear_of_memory(),
        }
    }

    /// When something must happen even if nothing comes.
    fn deadline(&self) -> Option<Instant> {
        let stage = match &self.stage {
            Stage::Exited { deadline } | Stage::Over { deadline } => Some(*deadline),
            Stage::Empty | Stage::Created { .. } | Stage::Running | Stage::Ending { .. } => None,
        };
        let processes = self.processes.values().filter_map(Process::overdue_at);
        let clients = self.clients.values().filter_map(|client| client.give_up);
        processes
            .chain(clients)
            .chain(stage)
            .chain(self.ports.deadline())
            .chain(self.names_deadline())
            .chain(self.listener_pause)
            .min()
    }

    /// Does what is due.
    fn expire(&mut self, now: Instant) {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<Number> = self
            .clients
            .iter()
            .filter(|(_, client)| due(client.give_up))
            .map(|(n, _)| *n)
            .collect();
        late.into_iter().for_each(|number| self.drop_client(number));
        let late: Vec<Number> = self
            .processes
            .iter()
            .filter(|(_, process)| due(process.overdue_at()))
            .map(|(n, _)| *n)
            .collect();
        late.into_iter().for_each(|number| self.abandon_output(number));
        self.ports.expire(&self.poll, now);
        self.expire_names(now);
        if due(self.listener_pause) {
            self.listener_pause = None;
            self.watch_listener();
        }
        match self.stage {
            Stage::Exited { deadline } if deadline <= now => self.release(),
            Stage::Over { deadline } if deadline <= now => {
                self.clients.clear();
                self.daemons.clear();
            }
            Stage::Empty
            | Stage::Created { .. }
            | Stage::Running
            | Stage::Ending { .. }
            | Stage::Exited { .. }
            | Stage::Over { .. } => {}
        }
    }

    fn number(&mut self) -> Number {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// The shared buffer; the caller puts it back.
    fn take_buffer(&mut self) -> Vec<u8> {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            vec![0; BUFFER_BYTES]
        } else {
            buffer
        }
    }

    fn give_memory_back(&mut self) {
        self.busy = false;
        self.buffer = Vec::new();
        if let Some(recorder) = &mut self.recorder {
            recorder.release_buffer();
        }
        corten_sys::memory::trim();
    }

    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over { .. })
            && self.clients.is_empty()
            && self.daemons.values().all(Daemon::has_nothing_to_send)
    }

    /// Tells every daemon.
    fn announce(&mut self, event: &Event) {
        let numbers: Vec<Number> = self.daemons.keys().copied().collect();
        for number in numbers {
            self.send(number, &crate::protocol::Message::Event(event.clone()));
        }
    }
}

/// The control socket that the daemon left as descriptor 3.
fn control() -> io::Result<OwnedFd> {
    corten_sys::spawn::inherited(crate::spawn::CONTROL_DESCRIPTOR)
}

/// In the run directory, which is the working directory.
fn remove_socket() -> io::Result<()> {
    match std::fs::remove_file(SOCKET_NAME) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
