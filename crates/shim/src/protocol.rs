//! What the daemon and a shim say to each other, version 1.
//!
//! A unix stream socket carries frames of JSON ([`crate::frame`]); descriptors travel as SCM_RIGHTS
//! with the first byte of the frame they belong to. The daemon
//! sends [`Envelope`]s, the shim answers each with one [`Reply`] carrying its number, and sends
//! [`Event`]s to every connected daemon in between. Unknown fields are ignored and missing ones
//! take their default, so that a newer daemon can speak to an older shim.
//!
//! The order at a start: `Namespace` if the daemon wants it early, `Create` (answered `Created`, and before it the event `NamespaceReady` as
//! soon as the network namespace exists), any number of `Attach`, `Network` when the daemon has made
//! the links, `Start`. A start that fails is answered `Failed`; the shim then undoes everything and
//! ends, as it does when the daemon that spawned it goes before `Start`.
//!
//! After the exit: event `Exited` (exec sessions are reported before it), then `Release`, whose answer
//! comes when the cgroups are removed; then the shim ends. Only then may the container be started
//! again. A shim whose daemon is gone writes the exit record for the next one, removes the cgroups
//! and ends by itself; so it does when `Release` does not come within a minute.
//!
//! `Exited` and `ExecExited` are sent before the process's clients see their connection end. A daemon
//! that is asked about a process it believes to run can therefore send `State` first: its answer comes
//! after the event.

use std::net::IpAddr;
use std::path::PathBuf;

use corten_base::{ContainerId, ExecId, Timestamp};
use corten_runtime::plan::{ExecPlan, Plan};
use serde::{Deserialize, Serialize};

/// The protocol's version, first thing in `Create` and in `StateReply`.
pub const VERSION: u32 = 1;

/// The longest frame in bytes: a plan with a seccomp program and a large environment stays below it.
pub const FRAME_LIMIT_BYTES: u32 = 16 * 1024 * 1024;

/// One request of the daemon.
#[derive(Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// Chosen by the daemon; the reply carries it back.
    pub number: u64,
    /// What is asked.
    pub request: Request,
}

/// What a daemon can ask.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Enter the network namespace ahead of `Create`, which has to name the same one: the kernel needs most of a
    /// millisecond for a new one, and the daemon can make links while it prepares the rest. Optional.
    Namespace(NetworkNamespace),
    /// Make namespaces, cgroups, root filesystem and the container's first process, stopped before its exec.
    Create(Box<Create>),
    /// Configure the links that the daemon put into the network namespace and take over the reserved
    /// host ports: one descriptor per entry of `ports`, in order.
    Network(NetworkSetup),
    /// The daemon has changed the links of a running container: configure those that are new, set the gateways, and
    /// take the names and the targets of the ports as they are now. Replaces what `Network` said.
    Rewire(NetworkSetup),
    /// Let the first process execute its program.
    Start,
    /// Run one more process in the container; the descriptor, if any, is its client's connection.
    Exec(Box<Exec>),
    /// Join a client's connection (the descriptor) to a process's streams.
    Attach(Attach),
    /// Set a terminal's size in character cells.
    Resize {
        /// Whose terminal.
        target: Target,
        /// Height.
        rows: u16,
        /// Width.
        columns: u16,
    },
    /// Send a signal by number.
    Signal {
        /// To whom.
        target: Target,
        /// The signal's number.
        signal: i32,
    },
    /// Execute another version of the shim in the place of this one: container, clients and connections stay.
    /// Only while the container runs; answered by the new program.
    Upgrade {
        /// The program's path.
        program: PathBuf,
    },
    /// Tell everything about the container.
    State,
    /// The exit is recorded: remove what is left and end.
    Release,
}

/// A process of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The container's first process.
    Container,
    /// An exec session.
    Exec(ExecId),
}

/// All that a shim needs to know of its container.
#[derive(Debug, Serialize, Deserialize)]
pub struct Create {
    /// [`VERSION`] of the daemon.
    pub version: u32,
    /// Whose keeper this is.
    pub container: ContainerId,
    /// The compiled container.
    pub plan: Plan,
    /// Where the network namespace comes from.
    pub network: NetworkNamespace,
    /// The first process's streams.
    pub streams: Streams,
    /// Where its output is recorded.
    pub log: Log,
    /// File that receives the [`Exit`] as JSON, written to a temporary name and renamed.
    pub exit_path: PathBuf,
}

/// Where the container's network namespace comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkNamespace {
    /// A new one, made and kept alive by the shim.
    Private,
    /// The host's.
    Host,
    /// That of the process with this pid (another container's first process). Older daemons ask so.
    Process(u32),
    /// That of this file.
    File(PathBuf),
    /// The one that the container's first process makes in its user namespace; the shim joins it.
    OfContainer,
}

/// How a process's streams are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    /// A terminal instead of pipes.
    pub terminal: bool,
    /// Initial size in character cells: rows, columns; zero where unknown.
    #[serde(default)]
    pub size: (u16, u16),
    /// Standard input stays open for clients; otherwise it is empty.
    pub stdin: bool,
    /// Standard input closes when the first client that had it leaves (Docker's `StdinOnce`; an exec session
    /// always has it). Otherwise a client that closes its side ends its whole attachment, as in Docker.
    pub stdin_once: bool,
}

/// Where output is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Log {
    /// Nowhere.
    None,
    /// Docker's json-file format.
    JsonFile {
        /// The current file; older ones are `<path>.1`, `.2`, ..., which the daemon may compress to `.1.gz`, ...
        path: PathBuf,
        /// Rotate beyond this size; zero: never.
        max_size_bytes: u64,
        /// How many files in all, at least one.
        max_files: u32,
        /// Labels and variables recorded with each line.
        #[serde(default)]
        attributes: std::collections::BTreeMap<String, String>,
    },
    /// The format of Docker's local driver ([`crate::log::local`]).
    Local {
        /// As for `JsonFile`.
        path: PathBuf,
        /// As for `JsonFile`.
        max_size_bytes: u64,
        /// As for `JsonFile`.
        max_files: u32,
    },
}

/// Links, addresses and published ports inside the namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSetup {
    /// Interfaces to configure and bring up, `lo` excepted, which always is.
    pub interfaces: Vec<Interface>,
    /// Reserved host ports, a descriptor each; for `Rewire` those that are held already, in the order they came in,
    /// and after them the new ones.
    pub ports: Vec<PortSocket>,
    /// For `Rewire`: how many of the ports, the last ones, are new and come with descriptors.
    #[serde(default)]
    pub fresh_ports: usize,
    /// Interfaces to delete: those whose other end is not the daemon's to delete.
    #[serde(default)]
    pub gone: Vec<String>,
    /// Serve names at 127.0.0.11; `None`: the container asks whomever it likes, or as before.
    #[serde(default)]
    pub dns: Option<Dns>,
}

/// Where the embedded name server finds names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dns {
    /// Name tables ([`crate::names`]) in the order they are asked.
    pub tables: Vec<PathBuf>,
    /// The container's own names for others: what it says, and what that is called in the tables.
    pub aliases: Vec<(String, String)>,
    /// Whom to ask for what no table knows. If any is asked from the host, the last descriptor of the request
    /// is the host's network namespace.
    pub servers: Vec<NameServer>,
}

/// A name server outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServer {
    /// Its address and port.
    pub address: std::net::SocketAddr,
    /// Ask it from the host's network namespace instead of the container's.
    pub from_host: bool,
}

/// One interface inside the namespace. The daemon has created it under `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name, `eth0`.
    pub name: String,
    /// Addresses with their prefix lengths in bits.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Default gateways that are reached over it, at most one of each family.
    #[serde(default)]
    pub gateways: Vec<IpAddr>,
    /// Its own settings: files below `/proc/sys/net`, and their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sysctls: Vec<(String, String)>,
    /// It was configured before: only its gateways are new.
    #[serde(default)]
    pub configured: bool,
}

/// What to do with a reserved host port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSocket {
    /// Transport.
    pub protocol: Protocol,
    /// `None`: only hold the socket, NAT forwards. Otherwise listen on it and splice each
    /// connection (or datagram flow) to this address and port inside the namespace.
    pub splice_to: Option<(IpAddr, u16)>,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// One more process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Exec {
    /// Its session.
    pub exec: ExecId,
    /// The compiled process.
    pub plan: ExecPlan,
    /// Its streams. Output nobody is attached to is discarded, as Docker does.
    pub streams: Streams,
    /// How its client is attached; `None`: detached.
    pub attach: Option<Attach>,
    /// File that receives its [`Exit`], so that a later daemon can tell its code.
    pub exit_path: PathBuf,
}

/// How a client's connection is joined to a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// The process.
    pub target: Target,
    /// Copy the client's bytes to standard input.
    pub stdin: bool,
    /// Copy standard output to the client.
    pub stdout: bool,
    /// Copy standard error to the client.
    pub stderr: bool,
    /// Docker's 8-byte frames (never for a terminal) instead of raw bytes.
    pub multiplexed: bool,
    /// Bytes typed in a row that detach the client; empty: none.
    pub detach_keys: Vec<u8>,
    /// Bytes of standard input that arrived before the connection was handed over.
    #[serde(default)]
    pub early_input: Vec<u8>,
}

/// What a shim says: answers and news.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// The answer to request `number`.
    Reply {
        /// The envelope's number.
        number: u64,
        /// The answer.
        reply: Reply,
    },
    /// Something happened.
    Event(Event),
}

/// The answer to a request.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Done.
    Done,
    /// The first process or an exec session exists.
    Created {
        /// Its pid as the host sees it.
        pid: u32,
    },
    /// The first process executes its program.
    Started {
        /// When.
        at: Timestamp,
    },
    /// The answer to `State`.
    State(Box<StateReply>),
    /// It failed, and nothing of the attempt is left.
    Failed(Failure),
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure, which decides HTTP status and exit code.
    pub kind: FailureKind,
    /// What failed, in the words that Docker's users know.
    pub message: String,
}

/// The kinds of failure that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The program is not there (exit code 127).
    CommandNotFound,
    /// The program cannot be executed (exit code 126).
    CommandNotExecutable,
    /// User, group, working directory, mount source or another part of the request is wrong.
    InvalidRequest,
    /// No such exec session, or the container is not running.
    NotRunning,
    /// The kernel or the host refused.
    Internal,
}

/// News.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The network namespace exists; reach it at `/proc/<pid>/ns/net` of the shim's own pid.
    NamespaceReady {
        /// The shim's pid.
        pid: u32,
    },
    /// The first process ended; port sockets are closed, the log is complete.
    Exited(Exit),
    /// An exec session ended.
    ExecExited {
        /// Which.
        exec: ExecId,
        /// How.
        exit: Exit,
    },
    /// The container's memory has run out, and the kernel has killed a process of it or is about to. Once per time.
    OutOfMemory,
    /// The log's files were rotated.
    LogRotated,
    /// A client left by the detach keys.
    Detached {
        /// From what.
        target: Target,
    },
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code; 128 + n for signal n.
    pub code: i32,
    /// When.
    pub at: Timestamp,
    /// The kernel killed a process of the container for want of memory.
    #[serde(default)]
    pub out_of_memory: bool,
}

/// Everything a new daemon must know of a container it finds running.
#[derive(Debug, Serialize, Deserialize)]
pub struct StateReply {
    /// The shim's protocol version.
    pub version: u32,
    /// Whose keeper.
    pub container: ContainerId,
    /// The shim's pid.
    pub shim_pid: u32,
    /// The first process's pid; zero before `Created`.
    pub pid: u32,
    /// When its program was started; `None` before.
    pub started_at: Option<Timestamp>,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// Its memory has run out since it was started.
    #[serde(default)]
    pub out_of_memory: bool,
    /// Exec sessions that run, with their pids.
    pub execs: Vec<(ExecId, u32)>,
}
