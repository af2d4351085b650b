//! `corten`: the program. Everything is in the library, so that fuzz targets reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    corten_cli::main()
}
