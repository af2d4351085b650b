//! Frames of attach and log streams, as a client reads them from a daemon that it does not trust.
#![no_main]

use corten_api::frame::Reader;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut reader = Reader::default();
    for part in data.chunks(7) {
        reader.push(part);
        while let Ok(Some(_)) = reader.next_frame() {}
    }
});
