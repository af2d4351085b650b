//! `corten-runtime`: the runtime behind the OCI runtime command line, as container engines call it.
//!
//! On disk, below `--root` (default `/run/corten-runtime`), per container:
//!
//! ```text
//! <id>/state.json   what is known of the container, with its plan
//! <id>/start        named pipe; a byte in it lets the program start; removed by `start`
//! <id>/status       named pipe; the program's exec reports a failure there
//! ```
//!
//! The container's process outlives the command that made it; `delete` removes its control groups.

#![cfg_attr(not(test), no_main)]

mod arguments;
mod console;
mod create;
mod delete;
mod exec;
mod features;
mod inspect;
mod kill;
mod log;
mod spec;
mod start;
mod state;

use arguments::{Command, Global};

corten_sys::entry!(start);

fn start() -> u8 {
    let mut words = std::env::args().skip(1);
    let (global, command) = match arguments::parse(&mut words) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("corten-runtime: {error:#}");
            return 1;
        }
    };
    if matches!(command, Command::Create(_) | Command::Run(_) | Command::Exec(_))
        && let Err(error) = corten_sys::program::ensure_read_only()
    {
        eprintln!("corten-runtime: warning: cannot protect this program from the container: {error}");
    }
    match execute(&global, command) {
        Ok(code) => code,
        Err(error) => {
            log::report(&global, &error);
            eprintln!("corten-runtime: {error:#}");
            1
        }
    }
}

fn execute(global: &Global, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Create(options) => create::create(global, &options).map(|_| 0),
        Command::Run(options) => create::run(global, &options),
        Command::Start { id } => start::start(global, &id).map(|()| 0),
        Command::State { id } => inspect::state(global, &id).map(|()| 0),
        Command::Kill { id, signal, all } => kill::kill(global, &id, &signal, all).map(|()| 0),
        Command::Delete { id, force } => delete::delete(global, &id, force).map(|()| 0),
        Command::Exec(options) => exec::exec(global, &options),
        Command::Processes { id, json } => inspect::processes(global, &id, json).map(|()| 0),
        Command::List { json, quiet } => inspect::list(global, json, quiet).map(|()| 0),
        Command::Pause { id } => kill::pause(global, &id).map(|()| 0),
        Command::Resume { id } => kill::resume(global, &id).map(|()| 0),
        Command::Spec { bundle } => spec::write(&bundle).map(|()| 0),
        Command::Features => features::print().map(|()| 0),
        Command::Version => {
            println!("corten-runtime version {}\nspec: 1.2.0", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
        Command::Help => {
            println!("{}", arguments::USAGE);
            Ok(0)
        }
    }
}
