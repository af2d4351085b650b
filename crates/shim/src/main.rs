//! `corten-shim <run-dir>`: the keeper of one container; the control socket is descriptor 3.

fn main() {}
