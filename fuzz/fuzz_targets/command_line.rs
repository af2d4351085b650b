//! Command lines and `config.json` of `corten`: every command's flags, nothing run.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| corten_cli::fuzz(bytes));
