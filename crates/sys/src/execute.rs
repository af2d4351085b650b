//! Replacing the program: `execve(2)`, descriptors and signals made ready for it.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Argument or environment vector in the form the kernel wants.
#[derive(Debug)]
pub struct Strings {
    pointers: Vec<*const libc::c_char>,
    _owned: Vec<CString>,
}

impl Strings {
    /// Copies `strings`; fails if one contains a zero byte.
    pub fn new<I: IntoIterator<Item = S>, S: Into<Vec<u8>>>(strings: I) -> io::Result<Self> {
        let owned: Vec<CString> = strings
            .into_iter()
            .map(|string| CString::new(string).map_err(io::Error::from))
            .collect::<Result<_, _>>()?;
        let mut pointers: Vec<_> = owned.iter().map(|string| string.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Ok(Self {
            pointers,
            _owned: owned,
        })
    }
}

/// `execve(2)`; returns only its failure.
pub fn execve(path: &CStr, arguments: &Strings, environment: &Strings) -> io::Error {
    // SAFETY: all pointers are C strings owned by the arguments, the vectors end in null (`Strings::new`).
    unsafe {
        libc::execve(
            path.as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
        )
    };
    io::Error::last_os_error()
}

/// `execveat(2)` of the file that `program` refers to; returns only its failure.
pub fn fexecve(program: BorrowedFd<'_>, arguments: &Strings, environment: &Strings) -> io::Error {
    // SAFETY: as in `execve`; the path is empty, so the descriptor itself is executed.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            program.as_raw_fd(),
            c"".as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    io::Error::last_os_error()
}

/// Marks all descriptors from `first` on close-on-exec (`close_range(2)`, Linux 5.11).
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    close_range(first, u32::MAX, CLOSE_RANGE_CLOEXEC)
}

/// Closes all descriptors from `first` to `last`. The caller owns none of them any more: no Rust
/// value that closes one of them may be dropped or used afterwards.
pub fn close_all(first: u32, last: u32) -> io::Result<()> {
    close_range(first, last, 0)
}

const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;

fn close_range(first: u32, last: u32, flags: libc::c_uint) -> io::Result<()> {
    if first > last {
        return Ok(());
    }
    // SAFETY: closes descriptors only; who may still own one is the caller's duty, stated above.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Clears close-on-exec on the descriptor with this number, if it is open.
pub fn keep_on_exec(number: i32) -> io::Result<()> {
    // SAFETY: plain integers; an unopened number gives EBADF.
    match unsafe { libc::fcntl(number, libc::F_SETFD, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Unblocks all signals and gives each its default action, as a fresh program expects.
pub fn reset_signals() {
    for number in 1..=64 {
        // SAFETY: SIG_DFL installs no code. Numbers that may not be changed are refused by the kernel, which is fine.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    // SAFETY: an all-zero set is a valid empty set and outlives the call.
    unsafe {
        let mut empty: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut empty);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut());
    }
}

/// Ends the process at once: no destructors, no handlers, which belong to the program it was cloned from.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: never returns and touches no memory.
    unsafe { libc::_exit(code) }
}
