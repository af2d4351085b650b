//! `corten-shim <run-dir>`: the keeper of one container; the control socket is descriptor 3.
//!
//! An older shim that is replaced in place uses two options: `--reads VERSION` before, and
//! `corten-shim . --resume DESCRIPTOR` to hand over.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use corten_shim::keeper;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let texts: Vec<Option<&str>> = arguments.iter().map(|argument| argument.to_str()).collect();
    let result = match texts[..] {
        [Some(keeper::READS), Some(version)] => return reads(version),
        [_, Some(keeper::RESUME), Some(state)] => match state.parse() {
            Ok(state) => keeper::resume(state),
            Err(_) => return usage(),
        },
        [_] => keeper::run(&PathBuf::from(&arguments[0])),
        _ => return usage(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corten-shim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn reads(version: &str) -> ExitCode {
    let known = version
        .parse()
        .is_ok_and(|version: u32| (1..=keeper::STATE_VERSION).contains(&version));
    if known { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("usage: corten-shim RUN-DIRECTORY (started by cortend with its socket as descriptor 3)");
    ExitCode::from(2)
}
