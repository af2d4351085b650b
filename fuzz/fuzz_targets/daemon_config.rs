//! `daemon.json` and `cortend`'s arguments, one a line: values or a complaint.
#![no_main]

use corten_daemon::settings;

libfuzzer_sys::fuzz_target!(|text: &str| {
    drop(settings::file::from_file(text));
    let arguments: Vec<String> = text.lines().map(str::to_owned).collect();
    drop(settings::values::from_arguments("cortend", &arguments));
});
