//! The program `cortend`: reads its settings and runs a daemon.

#![cfg_attr(not(test), no_main)]

use std::io::{self, Write as _};

use anyhow::{Context as _, Result, ensure};
use corten_daemon::pidfile::PidFile;
use corten_daemon::reload::level;
use corten_daemon::settings::{self, Command, Settings, about};
use corten_daemon::{daemon, log, release};

/// Requests are short and the rest waits: two threads serve a busy engine, and each costs memory.
const WORKERS: usize = 2;

/// Archives, directories and the kernel's slow calls run on these; more would only queue on the disk.
const BLOCKING_THREADS: usize = 32;

/// Enough for the deepest of our calls in a debug build.
const STACK_BYTES: usize = 1 << 20;

/// One heap per worker would do; all threads share this many.
const HEAPS: i32 = 2;

corten_sys::entry!(start);

fn start() -> u8 {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_else(|| "cortend".to_owned());
    let arguments: Vec<String> = arguments.collect();
    match run(&program, &arguments) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error:#}");
            1
        }
    }
}

fn run(program: &str, arguments: &[String]) -> Result<()> {
    match settings::read(program, arguments)? {
        Command::Version => show(&format!(
            "Corten version {}, API 1.51 (as Docker {})\n",
            release::VERSION,
            release::ANNOUNCED
        ))?,
        Command::Help => show(&about::help(name(program)))?,
        Command::Validate => show("configuration OK\n")?,
        Command::Clean(settings) => clean(program, &settings)?,
        Command::Run(settings) => serve(program, *settings)?,
    }
    Ok(())
}

/// On standard output; a reader who has seen enough is no failure.
fn show(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Before anything is written: all that a daemon does takes root. Docker's words.
fn ensure_root(program: &str) -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "{} needs to be started with root privileges",
        name(program)
    );
    Ok(())
}

/// For the end of an installation: an engine that lives, or a container, is an error.
fn clean(program: &str, settings: &Settings) -> Result<()> {
    ensure_root(program)?;
    let _alone = PidFile::take(&settings.pidfile)?;
    corten_engine::uninstall::uninstall(&settings.engine)?;
    Ok(())
}

fn serve(program: &str, settings: Settings) -> Result<()> {
    ensure_root(program)?;
    corten_sys::memory::share_heaps(HEAPS);
    corten_sys::memory::forgo_cache();
    let raised = corten_sys::descriptors::raise();
    log::start(settings.log_format, level(settings.level, &settings.live))?;
    if let Err(error) = raised {
        tracing::warn!("cannot raise the limit of descriptors: {error}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK_BYTES)
        .on_thread_start(corten_sys::memory::forgo_cache)
        .enable_all()
        .build()
        .context("start the runtime's threads")?;
    let result = runtime.block_on(daemon::run(settings));
    // What still blocks (an archive half read) dies with the process.
    runtime.shutdown_background();
    result
}

fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
