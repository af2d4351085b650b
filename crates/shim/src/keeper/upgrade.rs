//! Another version of the program in this one's place: the process stays, and with it its children, its namespace
//! and every descriptor; what the keeper knows goes through a file in memory.
//!
//! ```text
//! this shim   state as JSON -> memfd, descriptors named there lose close-on-exec
//! execve      corten-shim RUN-DIRECTORY --resume MEMFD
//! new shim    JSON -> state, close-on-exec again, answers the request
//! ```
//! The epoll instance is among the descriptors, so nothing has to be registered again. Before the point of no return
//! the new program is asked whether it reads this version of the state, because a shim that fails afterwards takes
//! its container along.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use corten_sys::execute::{self, Strings};
use rustix::event::epoll::EventFlags;
use rustix::fs::MemfdFlags;
use serde::{Deserialize, Serialize};

use super::poll::Number;
use super::request::{internal, invalid};
use super::{Keeper, Stage};
use crate::protocol::{Failure, Message, Reply};

/// The version of the state's shape. One that lacks a field of its successor gives it a default there.
pub const VERSION: u32 = 1;

/// Option of the program: go on from the state in this descriptor.
pub const RESUME: &str = "--resume";

/// Option of the program: end well if a state of this version can be read.
pub const READS: &str = "--reads";

/// The whole state, and whom to tell that it has arrived.
#[derive(Debug, Serialize, Deserialize)]
struct Carried<K> {
    version: u32,
    daemon: Number,
    request: u64,
    keeper: K,
}

/// Goes on where an older program of the same process has left off.
///
/// # Errors
/// When the state cannot be read; the container ends with the shim then.
pub fn resume(state: i32) -> io::Result<()> {
    corten_sys::memory::stay_small();
    corten_sys::signal::survive()?;
    // Executed through a descriptor, it would be listed under that one's number.
    rustix::thread::set_name(c"corten-shim")?;
    let mut written = Vec::new();
    File::from(corten_sys::spawn::inherited(state)?).read_to_end(&mut written)?;
    let carried: Carried<Keeper> = serde_json::from_slice(&written)?;
    drop(written);
    // Reading them has set it for each; this is for what an older program might have left open.
    execute::close_on_exec_from(3)?;
    let mut keeper = carried.keeper;
    corten_sys::descriptors::recall(keeper.descriptors_given)?;
    keeper.descriptors_given = corten_sys::descriptors::given();
    keeper.ports.recall();
    if keeper.memory.is_none() {
        keeper.watch_memory();
    }
    let (number, reply) = (carried.request, Reply::Done);
    keeper.send(carried.daemon, &Message::Reply { number, reply });
    keeper.reap();
    // Requests that had arrived behind the one for this.
    let daemons: Vec<Number> = keeper.daemons.keys().copied().collect();
    daemons
        .into_iter()
        .for_each(|daemon| keeper.serve_daemon(daemon, EventFlags::empty()));
    keeper.keep()
}

impl Keeper {
    /// Returns only if the program could not be executed.
    pub(super) fn upgrade(&mut self, program: &Path, daemon: Number, request: u64) -> Failure {
        if !matches!(self.stage, Stage::Running) {
            return invalid("only the shim of a running container is replaced".to_owned());
        }
        let failed = |error: io::Error| internal(format!("cannot execute {}: {error}", program.display()));
        if let Err(error) = check(program) {
            return failed(error);
        }
        let error = match self.write_down(daemon, request) {
            Ok(state) => replace(program, &state),
            Err(error) => error,
        };
        if let Err(error) = execute::close_on_exec_from(3) {
            note!("cannot set close-on-exec again: {error}");
        }
        failed(error)
    }

    fn write_down(&self, daemon: Number, request: u64) -> io::Result<OwnedFd> {
        // Without close-on-exec, as what is named in it.
        let mut file = File::from(rustix::fs::memfd_create("corten-shim", MemfdFlags::empty())?);
        let carried = Carried {
            version: VERSION,
            daemon,
            request,
            keeper: self,
        };
        file.write_all(&serde_json::to_vec(&carried)?)?;
        file.rewind()?;
        Ok(file.into())
    }
}

/// Whether the program reads the state.
fn check(program: &Path) -> io::Result<()> {
    let name = CString::new(program.as_os_str().as_bytes())?;
    let version = CString::new(VERSION.to_string())?;
    let reads = CString::new(READS)?;
    let null = File::open("/dev/null")?;
    let null = std::os::fd::AsFd::as_fd(&null);
    let pid = corten_sys::spawn::spawn(&corten_sys::spawn::Command {
        program: &name,
        arguments: &[c"corten-shim", &reads, &version],
        environment: &[],
        descriptors: &[null, null, null],
    })?;
    let pid = rustix::process::Pid::from_raw(pid.cast_signed());
    let status = rustix::process::waitpid(pid, rustix::process::WaitOptions::empty())?;
    match status.and_then(|(_, status)| status.exit_status()) {
        Some(0) => Ok(()),
        _ => Err(io::Error::other("it does not read the state of this shim")),
    }
}

/// Returns only a failure.
fn replace(program: &Path, state: &OwnedFd) -> io::Error {
    let name = match CString::new(program.as_os_str().as_bytes()) {
        Ok(name) => name,
        Err(error) => return error.into(),
    };
    let number = state.as_raw_fd().to_string();
    let arguments = [
        OsStr::new("corten-shim"),
        OsStr::new("."),
        OsStr::new(RESUME),
        OsStr::new(&number),
    ];
    let strings = Strings::new(arguments.map(OsStr::as_bytes)).and_then(|arguments| {
        let none: [&[u8]; 0] = [];
        Ok((arguments, Strings::new(none)?))
    });
    match strings {
        Ok((arguments, environment)) => execute::execve(&name, &arguments, &environment),
        Err(error) => error,
    }
}
