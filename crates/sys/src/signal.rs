//! Signals: a keeper learns of its children's ends by a descriptor and ignores requests to end; a command line ends by
//! them with an exit code of its own.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

/// Blocks SIGCHLD and returns a descriptor (signalfd(2), close-on-exec, not blocking) that is readable when a child
/// has ended. The blocked signal is inherited by children: whoever executes a program unblocks it.
///
/// # Errors
/// When no descriptor is left.
pub fn watch_children() -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset(3) initialises the set, the other calls only read or change it. The caller has one
    // thread, so sigprocmask(2) means the whole process.
    let descriptor = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        if libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just returned this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Takes what is waiting in a descriptor of [`watch_children`]; several ends may have been merged into one.
///
/// # Errors
/// `WouldBlock` when nothing waits.
pub fn acknowledge(children: BorrowedFd<'_>) -> io::Result<()> {
    let mut information = MaybeUninit::<libc::signalfd_siginfo>::uninit();
    let length = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the buffer has the given length, and nobody reads what the kernel writes there.
    let count = unsafe { libc::read(children.as_raw_fd(), information.as_mut_ptr().cast(), length) };
    if count < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Survives SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1 and SIGUSR2. A handler that does nothing is used
/// instead of `SIG_IGN`, because execve(2) resets handlers and keeps ignored signals ignored.
///
/// # Errors
/// Never on Linux with these signals.
pub fn survive() -> io::Result<()> {
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGPIPE,
        libc::SIGUSR1,
        libc::SIGUSR2,
    ] {
        // SAFETY: a zeroed sigaction is valid (no flags, empty mask); the handler is a function that touches nothing.
        let result = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &action, ptr::null_mut())
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    default_internal()
}

/// glibc's posix_spawn(3) leaves its two internal signals ignored, and its sigaction(3) refuses to touch them.
fn default_internal() -> io::Result<()> {
    // The kernel's structure: handler (zero is the default), flags, restorer, mask.
    let action = [0u64; 4];
    for signal in [32, 33] {
        let old: *mut u64 = ptr::null_mut();
        // SAFETY: rt_sigaction(2) reads the four words and writes nothing.
        let result = unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), old, 8) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

extern "C" fn nothing(_signal: c_int) {}

/// The exit code of [`exit_on_interrupt`]; negative: 128 and the signal's number.
static INTERRUPTED: AtomicI32 = AtomicI32::new(-1);

/// SIGINT and SIGTERM end the process with this exit code, by default 128 and the signal's number. Who dies of the
/// signal itself takes the shell's script along.
///
/// # Errors
/// Never on Linux with these signals.
pub fn exit_on_interrupt(code: Option<i32>) -> io::Result<()> {
    INTERRUPTED.store(code.unwrap_or(-1), Ordering::Relaxed);
    on_interrupt(leave as *const () as libc::sighandler_t)
}

/// [`exit_on_interrupt`] no more. For who listens to the two signals: registering keeps the handler that is there, and
/// calls it too.
///
/// # Errors
/// Never on Linux with these signals.
pub fn leave_interrupts_to_listeners() -> io::Result<()> {
    on_interrupt(libc::SIG_DFL)
}

fn on_interrupt(handler: libc::sighandler_t) -> io::Result<()> {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: a zeroed sigaction is valid (no flags, empty mask); the handler is the default or `leave`, which
        // reads an atomic and calls _exit(2), both safe in a handler.
        let result = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler;
            libc::sigaction(signal, &action, ptr::null_mut())
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

extern "C" fn leave(signal: c_int) {
    let code = INTERRUPTED.load(Ordering::Relaxed);
    // SAFETY: _exit(2) touches no memory and does not return.
    unsafe { libc::_exit(if code < 0 { 128 + signal } else { code }) }
}

/// Sends a signal by number to the process of a pidfd.
///
/// # Errors
/// ESRCH when it has ended, `InvalidInput` for a number that is no signal.
pub fn send(process: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let information: *const libc::siginfo_t = ptr::null();
    // SAFETY: pidfd_send_signal(2) takes a null siginfo; no memory is passed.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, information, 0) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
