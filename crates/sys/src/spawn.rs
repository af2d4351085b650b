//! Executing another program from a large, multi-threaded process: `posix_spawn(3)`, which glibc
//! makes of one `clone(CLONE_VM | CLONE_VFORK)`, so that nothing of the caller's memory is copied.

mod apart;

use std::ffi::{CStr, c_char, c_int, c_short};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

pub use apart::spawn_apart;

/// What is executed and which descriptors it gets.
#[derive(Debug)]
pub struct Command<'a> {
    /// Path of the program; no search in `PATH`.
    pub program: &'a CStr,
    /// All arguments, the name first.
    pub arguments: &'a [&'a CStr],
    /// The whole environment, `NAME=value` each.
    pub environment: &'a [&'a CStr],
    /// Descriptors numbered 0, 1, 2, ... in the program, at most 16; all others are closed.
    pub descriptors: &'a [BorrowedFd<'a>],
}

/// Executes `command` in a session of its own with no signal blocked or ignored, and returns its pid.
/// The caller reaps it.
///
/// # Errors
/// The error of `execve(2)` (`NotFound`, `PermissionDenied`), or that of making the process.
pub fn spawn(command: &Command<'_>) -> io::Result<u32> {
    let mut actions = Actions::new()?;
    actions.number(command.descriptors)?;
    let attributes = Attributes::new()?;
    let arguments = pointers(command.arguments);
    let environment = pointers(command.environment);
    let mut pid = 0;
    // SAFETY: every pointer comes from a reference that outlives the call; both arrays end with a null
    // pointer; actions and attributes are initialised. posix_spawn(3) returns after the exec.
    let error = unsafe {
        libc::posix_spawn(
            &mut pid,
            command.program.as_ptr(),
            &actions.0,
            &attributes.0,
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    };
    check(error)?;
    u32::try_from(pid).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// Takes over a descriptor that the parent passed by its number, and sets close-on-exec. To be called once for
/// each number, before anything else opens descriptors.
///
/// # Errors
/// When the parent has passed nothing there.
pub fn inherited(number: c_int) -> io::Result<OwnedFd> {
    // SAFETY: F_SETFD touches no memory; it fails for a number that is not open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is open, and by the contract above nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn pointers(strings: &[&CStr]) -> Vec<*mut c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr().cast_mut())
        .chain([ptr::null_mut()])
        .collect()
}

fn check(error: c_int) -> io::Result<()> {
    if error == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(error))
    }
}

struct Actions(libc::posix_spawn_file_actions_t);

unsafe extern "C" {
    /// glibc 2.34; the libc crate does not declare it.
    fn posix_spawn_file_actions_addclosefrom_np(actions: *mut libc::posix_spawn_file_actions_t, from: c_int) -> c_int;
}

impl Actions {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the function initialises what it is given, or returns an error.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: initialised just now.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn number(&mut self, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let moves: Vec<(c_int, c_int)> = (0..).zip(descriptors.iter().map(AsRawFd::as_raw_fd)).collect();
        let count = moves.last().map_or(0, |(target, _)| target + 1);
        // All pass through numbers above every source and target, so that none overwrites another.
        let parking = moves.iter().map(|(_, source)| source + 1).max().unwrap_or(0).max(count);
        for (target, source) in &moves {
            self.duplicate(*source, parking + target)?;
        }
        for (target, _) in &moves {
            self.duplicate(parking + target, *target)?;
        }
        // SAFETY: the actions are initialised.
        check(unsafe { posix_spawn_file_actions_addclosefrom_np(&mut self.0, count) })
    }

    fn duplicate(&mut self, from: c_int, to: c_int) -> io::Result<()> {
        // SAFETY: the actions are initialised; the numbers are only recorded.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, from, to) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new` and destroyed once. The result is always zero on Linux.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new() -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the function initialises what it is given, or returns an error.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: initialised just now.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF | c_int::from(libc::POSIX_SPAWN_SETSID);
        let flags = c_short::try_from(flags).expect("the three flags fit into a short");
        let (mut none, mut all) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: sigemptyset(3) and sigfillset(3) initialise the sets, which the calls after them only
        // read; the attributes are initialised.
        unsafe {
            libc::sigemptyset(none.as_mut_ptr());
            libc::sigfillset(all.as_mut_ptr());
            check(libc::posix_spawnattr_setsigmask(&mut attributes.0, none.as_ptr()))?;
            check(libc::posix_spawnattr_setsigdefault(&mut attributes.0, all.as_ptr()))?;
            check(libc::posix_spawnattr_setflags(&mut attributes.0, flags))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new` and destroyed once. The result is always zero on Linux.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn numbers_descriptors_and_reports_a_missing_program() {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        let pid = spawn(&Command {
            program: c"/bin/sh",
            arguments: &[c"sh", c"-c", c"echo $A >&3; ls /proc/self/fd | wc -l >&3"],
            environment: &[c"A=b", c"PATH=/bin:/usr/bin"],
            descriptors: &[null.as_fd(), writer.as_fd(), writer.as_fd(), writer.as_fd()],
        })
        .unwrap();
        drop(writer);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::fs::File::from(reader), &mut text).unwrap();
        // 0 to 3, and the one that `ls` reads the directory with.
        assert_eq!(text, "b\n5\n");
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()).unwrap();
        let missing = Command {
            program: c"/no/such/program",
            arguments: &[],
            environment: &[],
            descriptors: &[],
        };
        assert_eq!(spawn(&missing).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
