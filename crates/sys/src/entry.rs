//! A program's start without what std does before `main`.
//!
//! std finds out where the main thread's stack ends, to name an overflow before it dies of it; glibc reads that from
//! `/proc/self/maps` with `scanf`, which brings its number and locale code along: 140 KB in a static program.
//! A program that starts here dies of an overflow all the same (SIGSEGV at the guard page). Arguments and
//! environment are as usual: std takes them from the C library by itself.

/// Makes a `fn() -> u8`, whose value is the exit code, the program's start. Needs `#![cfg_attr(not(test), no_main)]`.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[cfg(not(test))]
        #[unsafe(no_mangle)]
        extern "C" fn main() -> i32 {
            $crate::entry::run($main)
        }

        #[cfg(test)]
        fn main() {
            $crate::entry::run($main)
        }
    };
}

/// Runs `main` as std would: no file that is opened becomes a standard stream that was closed, a closed pipe is an error
/// of the write and no signal, and standard output is flushed.
pub fn run(main: fn() -> u8) -> ! {
    open_streams();
    without_backtraces();
    // SAFETY: ignoring a signal runs no code of ours; no other thread exists.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    std::process::exit(i32::from(main()))
}

/// Puts `/dev/null` where one of the three standard streams is missing.
fn open_streams() {
    let mut streams = [0, 1, 2].map(|fd| libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    });
    // SAFETY: the array has three elements; the call does not wait.
    if unsafe { libc::poll(streams.as_mut_ptr(), 3, 0) } <= 0 {
        return;
    }
    for stream in streams.iter().filter(|stream| stream.revents & libc::POLLNVAL != 0) {
        // SAFETY: the name ends with a zero. The kernel gives the lowest free number, which is this one: lower ones are open.
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) } != stream.fd {
            // As std: nothing may be written to what is taken for a stream.
            std::process::abort();
        }
    }
}

/// Errors of this process get no backtrace, whatever `RUST_BACKTRACE` says; to be called before there is another
/// thread.
///
/// Releases are linked without unwinding tables (`packaging/link`), and walking a stack without them aborts: with the
/// variable set every error would end the program without a word. The environment stays as it is, for those whom
/// the program executes: std looks at it once, and is shown another for that moment.
pub fn without_backtraces() {
    const NEAREST: &str = "RUST_LIB_BACKTRACE";
    let given = std::env::var_os(NEAREST);
    if given.is_none() && std::env::var_os("RUST_BACKTRACE").is_none() {
        return;
    }
    // SAFETY: the caller has one thread, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var(NEAREST, "0") };
    drop(std::backtrace::Backtrace::capture());
    match given {
        // SAFETY: as above.
        Some(value) => unsafe { std::env::set_var(NEAREST, value) },
        // SAFETY: as above.
        None => unsafe { std::env::remove_var(NEAREST) },
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_closed_stream_is_taken_by_nothing() {
        // SAFETY: the child only makes calls that are allowed between fork and exec, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above; the descriptors are the child's own.
            unsafe {
                libc::close(0);
                libc::close(2);
                super::open_streams();
                let are_null =
                    [0, 2].map(|stream| libc::fcntl(stream, libc::F_GETFL) & libc::O_ACCMODE == libc::O_RDWR);
                let next = libc::dup(0);
                libc::_exit(i32::from(are_null != [true; 2] || next < 3));
            }
        }
        let mut status = 0;
        // SAFETY: waits for the child above.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
    }
}
