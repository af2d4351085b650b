//! The reader of json-file log lines under arbitrary bytes: it ends and never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| corten_engine::logs::line::fuzz(bytes));
