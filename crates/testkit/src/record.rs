//! The record of a test run: what each test asked of the clients and of the engine, for the lists in docs/compat.
//!
//! With `CORTEN_RECORD` naming a directory, every client command is a line of JSON in `clients-<pid>.jsonl` there, what
//! was skipped in `skipped-<pid>.jsonl`, and every daemon writes its calls (its own record) to a `calls-*.jsonl` whose
//! first line is the test. `cargo xtask compat` reads them. Without that variable nothing is recorded.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

/// Carries a test's name to where its commands end, which may be on another thread.
const TEST: &str = "CORTEN_RECORD_TEST";

/// Programs whose commands are recorded.
const CLIENTS: [&str; 2] = ["docker", "corten"];

/// The running test, `e2e::lifecycle::stops`; none where nothing is recorded or the thread is not a test's own.
fn test() -> Option<String> {
    std::env::var_os("CORTEN_RECORD")?;
    let binary = std::env::current_exe().ok()?;
    let binary = binary.file_stem()?.to_str()?;
    // Cargo adds a hash to the name.
    let binary = binary.rsplit_once('-').map_or(binary, |(name, _)| name);
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main")?;
    Some(format!("{binary}::{test}"))
}

/// A new file for the calls of one daemon.
pub(crate) fn calls_file() -> Option<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = test()?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = format!("calls-{}-{number}.jsonl", std::process::id());
    append(&file, &json!({ "test": name }))?;
    Some(PathBuf::from(std::env::var_os("CORTEN_RECORD")?).join(file))
}

/// Notes on a command which test it belongs to.
pub(crate) fn mark(command: &mut Command) {
    if let Some(test) = test() {
        command.env(TEST, test);
    }
}

/// A client's command was made; it may run on a terminal or go on by itself.
pub(crate) fn made(command: &Command) {
    client(command, None);
}

/// A command has ended.
pub(crate) fn ended(command: &Command, code: i32) {
    client(command, Some(code));
}

/// A test cannot run here.
pub(crate) fn skipped(why: &str) {
    if let Some(test) = test() {
        append(
            &format!("skipped-{}.jsonl", std::process::id()),
            &json!({ "test": test, "why": why }),
        );
    }
}

fn client(command: &Command, code: Option<i32>) {
    let marked = command.get_envs().find(|(name, _)| *name == TEST);
    let Some(test) = marked.and_then(|(_, value)| value?.to_str()) else {
        return;
    };
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let is_client = |word: &String| CLIENTS.contains(&word.rsplit('/').next().unwrap_or(word));
    let Some(at) = words.iter().position(is_client) else {
        return;
    };
    let client = if words[at] == "docker" { "docker" } else { "corten" };
    let line = json!({ "test": test, "client": client, "words": words[at + 1..], "code": code });
    append(&format!("clients-{}.jsonl", std::process::id()), &line);
}

/// One write for one line, so that threads do not mix theirs. What cannot be written is missed by the reader.
fn append(name: &str, line: &Value) -> Option<()> {
    let path = PathBuf::from(std::env::var_os("CORTEN_RECORD")?).join(name);
    let mut file = File::options().create(true).append(true).open(path).ok()?;
    file.write_all(format!("{line}\n").as_bytes()).ok()
}
