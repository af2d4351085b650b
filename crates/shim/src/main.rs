//! `corten-shim <run-dir>`: the keeper of one container; the control socket is descriptor 3.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(run_directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: corten-shim RUN-DIRECTORY (started by cortend with its socket as descriptor 3)");
        return ExitCode::from(2);
    };
    // It is executed by a descriptor's path, whose last component would be its name.
    rustix::thread::set_name(c"corten-shim").unwrap_or_default();
    match corten_shim::keeper::run(&run_directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corten-shim: {error}");
            ExitCode::FAILURE
        }
    }
}
