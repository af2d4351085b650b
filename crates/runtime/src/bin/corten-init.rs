//! `corten-init`: process 1 of a container started with `--init`.
//!
//! `corten-init [--] PROGRAM [ARGUMENT...]` executes the program in a process group of its own that has the
//! terminal, hands every signal on to it, reaps whatever is orphaned, and ends with the program's exit code,
//! 128 + n for signal n, 127 if there is no such program, 126 if it cannot be executed. It owns nothing else and
//! keeps no descriptor but the standard streams.

#![cfg_attr(not(test), no_main)]

use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use corten_sys::clone::{CloneOptions, Cloned, clone3};
use corten_sys::{execute, sigwait};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, setpgid, wait};

corten_sys::entry!(start);

fn start() -> u8 {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--") {
        arguments.remove(0);
    }
    let Some((program, arguments)) = arguments.split_first() else {
        fail("usage: corten-init [--] PROGRAM [ARGUMENT...]", 1);
    };
    // Held before the program exists, so that none is lost.
    if let Err(error) = sigwait::hold_all() {
        fail(&format!("hold signals: {error}"), 1);
    }
    match clone3(CloneOptions::default()) {
        Ok(Cloned::Child) => become_program(program, arguments),
        Ok(Cloned::Parent { pid, pidfd }) => {
            let pid = i32::try_from(pid)
                .ok()
                .and_then(Pid::from_raw)
                .expect("a child has a positive pid");
            std::process::exit(serve(pid, &pidfd));
        }
        Err(error) => fail(&format!("clone: {error}"), 1),
    }
}

fn fail(message: &str, code: i32) -> ! {
    eprintln!("[FATAL corten-init ({})] {message}", std::process::id());
    std::process::exit(code)
}

fn become_program(program: &str, arguments: &[String]) -> ! {
    let own = getpid();
    // Without a terminal, or with one that is somebody else's, there is nothing to take.
    if setpgid(None, None).is_ok() {
        rustix::termios::tcsetpgrp(rustix::stdio::stdin(), own).unwrap_or_default();
    }
    execute::reset_signals();
    let error = Command::new(program).args(arguments).exec();
    let code = if error.kind() == ErrorKind::NotFound { 127 } else { 126 };
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    eprintln!(
        "[FATAL corten-init ({})] exec {program} failed: {reason}",
        own.as_raw_nonzero()
    );
    execute::exit_now(code)
}

/// Hands signals on until the program has ended; gives its exit code.
fn serve(program: Pid, pidfd: &OwnedFd) -> i32 {
    loop {
        let number = match sigwait::next() {
            Ok(number) => number,
            Err(error) => fail(&format!("wait for signals: {error}"), 1),
        };
        if number == Signal::CHILD.as_raw() {
            if let Some(code) = reap(program) {
                return code;
            }
        } else {
            // It may have ended just now.
            corten_sys::signal::send(pidfd.as_fd(), number).unwrap_or_default();
        }
    }
}

/// Collects everything that has ended. One SIGCHLD may stand for many.
fn reap(program: Pid) -> Option<i32> {
    let mut code = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == program {
            code = exit_code(status);
        }
    }
    code
}

fn exit_code(status: WaitStatus) -> Option<i32> {
    status
        .exit_status()
        .or(status.terminating_signal().map(|signal| 128 + signal))
}
