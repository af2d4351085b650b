//! Starting a shim: one `posix_spawn` of `corten-shim <run-dir>` with the control socket as
//! descriptor 3, in a session of its own, with an empty environment.
//!
//! The daemon is its parent and reaps it; a later daemon adopts it through `shim.sock`.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Mode, OFlags};

use crate::channel;
use crate::frame::Outgoing;
use crate::protocol::{Envelope, NetworkNamespace, Request};

/// The number of the control socket in the shim.
pub const CONTROL_DESCRIPTOR: i32 = 3;

/// Where a shim listens for later daemons, in its run directory.
pub const SOCKET_NAME: &str = "shim.sock";

/// Where a shim's standard error goes, in its run directory.
pub const LOG_NAME: &str = "shim.log";

/// The number of the request that [`spawn_into`] sends; its answer can be ignored, because a failure is told again
/// at `Create`.
pub const EARLY: u64 = 0;

/// A started shim.
#[derive(Debug)]
pub struct Spawned {
    /// Its pid.
    pub pid: u32,
    /// The same as a descriptor; readable when the shim has ended, then `waitid(P_PIDFD)` reaps it.
    pub pidfd: OwnedFd,
    /// The daemon's end of the control socket; it does not block.
    pub control: OwnedFd,
}

/// The shim was not started; nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// A path has a zero byte.
    #[error("the path {0:?} has a zero byte")]
    Path(PathBuf),
    /// No descriptors left.
    #[error("cannot make the control socket")]
    Socket(#[source] io::Error),
    /// The run directory is missing or not writable.
    #[error("cannot open {0:?}")]
    Open(PathBuf, #[source] io::Error),
    /// The program does not execute.
    #[error("cannot execute {0:?}")]
    Execute(PathBuf, #[source] io::Error),
}

/// As [`spawn`], and the first thing the shim does is to enter `network`, so that this is done while the daemon
/// still prepares the rest. `Create` has to name the same; the event `NamespaceReady` comes as always.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_into(program: &Path, run_directory: &Path, network: &NetworkNamespace) -> Result<Spawned, SpawnError> {
    let spawned = spawn(program, run_directory)?;
    let request = Request::Namespace(network.clone());
    let mut frame = Outgoing::new(&Envelope { number: EARLY, request }, Vec::new()).expect("a few bytes of JSON");
    // It fits into an empty socket, unless the shim has died already: that is found out when it is asked for more.
    channel::send(spawned.control.as_fd(), &mut frame).unwrap_or_default();
    Ok(spawned)
}

/// Executes the shim `program` for the run directory, which must exist.
///
/// # Errors
/// When the run directory, the program or descriptors are missing.
pub fn spawn(program: &Path, run_directory: &Path) -> Result<Spawned, SpawnError> {
    let (control, theirs) = corten_sys::socket::pair().map_err(SpawnError::Socket)?;
    rustix::io::ioctl_fionbio(&control, true).map_err(|error| SpawnError::Socket(error.into()))?;
    let null = open(Path::new("/dev/null"), OFlags::RDWR)?;
    let log = open(
        &run_directory.join(LOG_NAME),
        OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND,
    )?;
    let (path, directory) = (shielded(program)?, c_path(run_directory)?);
    let arguments: [&CStr; 2] = [c"corten-shim", &directory];
    let command = corten_sys::spawn::Command {
        program: &path,
        arguments: &arguments,
        environment: &[],
        descriptors: &[null.as_fd(), null.as_fd(), log.as_fd(), theirs.as_fd()],
    };
    let pid =
        corten_sys::spawn::spawn_apart(&command).map_err(|error| SpawnError::Execute(program.to_owned(), error))?;
    let child = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a child's pid is positive");
    // It has just been made and nobody reaps it: this cannot fail, and a higher limit would hurt nobody.
    corten_sys::descriptors::lower(Some(child)).unwrap_or_default();
    let pidfd = rustix::process::pidfd_open(child, rustix::process::PidfdFlags::empty())
        .map_err(|error| SpawnError::Socket(error.into()))?;
    Ok(Spawned { pid, pidfd, control })
}

fn open(path: &Path, flags: OFlags) -> Result<OwnedFd, SpawnError> {
    rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)
        .map_err(|error| SpawnError::Open(path.to_owned(), error.into()))
}

/// A program's file, mounted read-only so that no container can write to it through `/proc/<pid>/exe`.
struct Shield {
    program: PathBuf,
    /// Device, inode and time of change of the file; an upgrade replaces it.
    version: (u64, u64, i64),
    mount: OwnedFd,
}

/// The last program that was spawned; a daemon has one.
static SHIELD: Mutex<Option<Shield>> = Mutex::new(None);

/// The path by which another process executes `program` from the same read-only mount; good as long as this one
/// lives and the file is not replaced.
///
/// # Errors
/// The path has a zero byte.
pub fn path_for_others(program: &Path) -> Result<PathBuf, SpawnError> {
    shielded(program).map(|path| PathBuf::from(OsStr::from_bytes(path.as_bytes())))
}

/// Whether the process `pid` executes the file `program` as it is now; an upgrade replaces the file.
///
/// # Errors
/// There is no such process, or no such file.
pub fn executes(pid: u32, program: &Path) -> io::Result<bool> {
    let running = rustix::fs::stat(format!("/proc/{pid}/exe"))?;
    let wanted = rustix::fs::stat(program)?;
    Ok((running.st_dev, running.st_ino) == (wanted.st_dev, wanted.st_ino))
}

/// The path to execute `program` by. Without the kernel's help it is the program's own.
fn shielded(program: &Path) -> Result<CString, SpawnError> {
    let plain = c_path(program)?;
    let Ok(stat) = rustix::fs::stat(program) else {
        return Ok(plain);
    };
    let version = (stat.st_dev, stat.st_ino, stat.st_mtime);
    let mut shield = SHIELD.lock().unwrap_or_else(PoisonError::into_inner);
    if shield
        .as_ref()
        .is_none_or(|known| known.program != program || known.version != version)
    {
        *shield = corten_sys::program::read_only(program).ok().map(|mount| Shield {
            program: program.to_owned(),
            version,
            mount,
        });
    }
    Ok(shield
        .as_ref()
        .map_or(plain, |known| corten_sys::program::path_of(&known.mount)))
}

fn c_path(path: &Path) -> Result<CString, SpawnError> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| SpawnError::Path(path.to_owned()))
}
