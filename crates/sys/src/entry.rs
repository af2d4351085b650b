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

/// Runs `main` as std would: a closed pipe is an error of the write and no signal, and standard output is flushed.
pub fn run(main: fn() -> u8) -> ! {
    // SAFETY: ignoring a signal runs no code of ours; no other thread exists.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    std::process::exit(i32::from(main()))
}
