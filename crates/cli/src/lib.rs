//! `corten`: the command line. Reads arguments, calls one engine through `corten_client`, prints.
//!
//! `config`, `context` and `plugin` are what the user has set up, `flag` and `option` read what was typed,
//! `verb` and `dispatch` find the command, `commands` has one file per command, `terminal` and `stream` connect
//! the user's terminal to a container, `format`, `text` and `json` lay out what is shown, `speech` says it in the
//! user's language, `complete` and `manual` serve the shell and man(1). Owns nothing on disk but the user's
//! configuration; restores the terminal on every way out.

mod access;
mod archive;
mod commands;
mod complete;
mod config;
mod container_config;
mod context;
mod copy;
mod credentials;
mod dispatch;
mod failure;
mod flag;
mod format;
mod fuzz;
mod hint;
mod json;
#[cfg(test)]
mod listed;
mod manual;
mod option;
mod output;
mod plugin;
mod progress;
mod prompt;
mod pruned;
mod release;
mod schema;
mod speech;
mod stream;
mod terminal;
mod text;
mod trust;
mod verb;

pub use fuzz::fuzz;

use std::borrow::Cow;
use std::io::IsTerminal as _;

/// Runs the program with the process's arguments: its exit code.
#[must_use]
pub fn main() -> u8 {
    terminal::restore_on_panic();
    // Without it ^C ends what called us too.
    drop(corten_sys::signal::exit_on_interrupt(None));
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let program = dispatch::program_name(arguments.next().as_deref());
    speech::choose(program);
    let outcome = dispatch::run(program, arguments.collect());
    terminal::restore();
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            if !failure.text.is_empty() {
                speech::tell(&dockers(program, &failure.text));
            }
            let hint = failure.hint.or_else(|| hint::advice(program, &failure.text));
            if let Some(hint) = hint.filter(|_| hints_wanted(program)) {
                eprintln!("{} {}", speech::say("hint:"), speech::translate(&hint));
            }
            failure.code
        }
    }
}

/// Docker's users look for Docker's daemon.
fn dockers<'a>(program: &str, text: &'a str) -> Cow<'a, str> {
    if program != "docker" || !text.contains("the Corten daemon ") {
        return Cow::Borrowed(text);
    }
    let text = text.replace("the Corten daemon ", "the Docker daemon ");
    Cow::Owned(text.replace("Is the corten daemon running?", "Is the docker daemon running?"))
}

/// Hints are for people: called `docker`, programs that compare what is said get Docker's words alone.
fn hints_wanted(program: &str) -> bool {
    let off = std::env::var("DOCKER_CLI_HINTS").is_ok_and(|value| flag::parse_bool(&value) == Ok(false));
    !off && (program != "docker" || std::io::stderr().is_terminal())
}
