//! The program `cortend`: reads its settings and runs a daemon.

#![cfg_attr(not(test), no_main)]

use anyhow::{Context as _, Result};
use corten_daemon::pidfile::PidFile;
use corten_daemon::reload::level;
use corten_daemon::settings::{self, Command, Settings, flag};
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
        Command::Version => println!(
            "Corten version {}, API 1.51 (as Docker {})",
            release::VERSION,
            release::ANNOUNCED
        ),
        Command::Help => help(program),
        Command::Validate => println!("configuration OK"),
        Command::Clean(settings) => clean(&settings)?,
        Command::Run(settings) => serve(*settings)?,
    }
    Ok(())
}

/// For the end of an installation: an engine that lives, or a container, is an error.
fn clean(settings: &Settings) -> Result<()> {
    let _alone = PidFile::take(&settings.pidfile)?;
    corten_engine::uninstall::uninstall(&settings.engine)?;
    Ok(())
}

fn serve(settings: Settings) -> Result<()> {
    corten_sys::memory::share_heaps(HEAPS);
    let raised = corten_sys::descriptors::raise();
    log::start(settings.log_format, level(settings.level, &settings.live))?;
    if let Err(error) = raised {
        tracing::warn!("cannot raise the limit of descriptors: {error}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .context("start the runtime's threads")?;
    let result = runtime.block_on(daemon::run(settings));
    // What still blocks (an archive half read) dies with the process.
    runtime.shutdown_background();
    result
}

fn help(program: &str) {
    println!(
        "Usage: {} [OPTIONS]\n\nThe Corten daemon. Flags are dockerd's; these take effect:\n",
        name(program)
    );
    for flag in flag::FLAGS.iter().filter(|flag| flag.effect == flag::Effect::Used) {
        match flag.short {
            Some(letter) => println!("  -{letter}, --{}", flag.name),
            None => println!("      --{}", flag.name),
        }
    }
}

fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
