//! The tar reader: any bytes give entries or an error, never a panic, and never more content than was given.
#![no_main]

use corten_image::tar::TarReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|archive: &[u8]| {
    let mut tar = TarReader::new(archive);
    let mut content = 0;
    while let Ok(Some(_)) = tar.next_entry() {
        loop {
            let length = match tar.fill_data() {
                Ok(data) => data.len(),
                Err(_) => return,
            };
            if length == 0 {
                break;
            }
            tar.consume_data(length);
            content += length;
        }
    }
    assert!(content <= archive.len());
});
