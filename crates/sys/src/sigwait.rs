//! Taking signals one by one instead of being interrupted by them.

use std::io;

/// Signals that report a fault of the program itself and are never held back, and those of a terminal's job control.
const LEFT_ALONE: [libc::c_int; 9] = [
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

fn held() -> libc::sigset_t {
    // SAFETY: an all-zero set is valid memory for sigfillset, which initialises it; the numbers are valid signals.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        for signal in LEFT_ALONE {
            libc::sigdelset(&raw mut set, signal);
        }
        set
    }
}

/// Holds all signals back for [`next`]; those of job control are ignored.
pub fn hold_all() -> io::Result<()> {
    let set = held();
    // SAFETY: the set is initialised and outlives the call; SIG_IGN installs no code.
    let result = unsafe {
        libc::signal(libc::SIGTTIN, libc::SIG_IGN);
        libc::signal(libc::SIGTTOU, libc::SIG_IGN);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut())
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Waits for the next signal that [`hold_all`] holds back and gives its number.
pub fn next() -> io::Result<i32> {
    let set = held();
    loop {
        // SAFETY: the set is initialised and outlives the call; no information is asked for.
        let number = unsafe { libc::sigwaitinfo(&raw const set, std::ptr::null_mut()) };
        if number > 0 {
            return Ok(number);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
