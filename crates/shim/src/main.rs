//! `corten-shim <run-dir>`: the keeper of one container; the control socket is descriptor 3.
//!
//! An older shim that is replaced in place uses two options: `--reads VERSION` before, and
//! `corten-shim . --resume DESCRIPTOR` to hand over.

#![cfg_attr(not(test), no_main)]

use std::ffi::OsString;
use std::path::PathBuf;

use corten_shim::keeper;

corten_sys::entry!(start);

const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;

fn start() -> u8 {
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
        Ok(()) => SUCCESS,
        Err(error) => {
            eprintln!("corten-shim: {error}");
            FAILURE
        }
    }
}

fn reads(version: &str) -> u8 {
    let known = version
        .parse()
        .is_ok_and(|version: u32| (1..=keeper::STATE_VERSION).contains(&version));
    if known { SUCCESS } else { FAILURE }
}

fn usage() -> u8 {
    eprintln!("usage: corten-shim RUN-DIRECTORY (started by cortend with its socket as descriptor 3)");
    2
}
