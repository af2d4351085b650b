//! What the keeper has to say to whoever looks for the cause of a fault: lines in `shim.log`, its standard error.
//!
//! Not `eprintln!`, which panics when the disk is full, and with the shim the container would end.

use std::fmt::Arguments;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

/// More lines than this say nothing new, and the file is in memory.
const LINES_LIMIT: u32 = 1000;

static LINES: AtomicU32 = AtomicU32::new(0);

/// Writes one line; takes what `format!` takes.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::keeper::note::write(format_args!($($text)*))
    };
}

pub(super) fn write(text: Arguments<'_>) {
    if LINES.fetch_add(1, Ordering::Relaxed) < LINES_LIMIT {
        // Nobody is left to be told.
        writeln!(std::io::stderr(), "corten-shim: {text}").unwrap_or_default();
    }
}
