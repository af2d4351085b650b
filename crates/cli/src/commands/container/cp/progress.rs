//! What `cp` says meanwhile and at the end, on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use corten_base::size;
use tokio::task::JoinHandle;

/// Time between two looks at the number of bytes.
const REDRAW: Duration = Duration::from_millis(75);

const SAVE: &str = "\x1b7";
const RESTORE: &str = "\x1b8";
const ERASE_LINE: &str = "\x1b[2K";
const ERASE_TAIL: &str = "\x1b[0K";
const HIDE: &str = "\x1b[?25l";
const SHOW: &str = "\x1b[?25h";

/// A line with a growing number; nothing where standard error is no terminal, or the user wants quiet.
#[derive(Debug)]
pub(super) struct Progress {
    quiet: bool,
    bytes: Arc<AtomicU64>,
    line: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to count, and to draw under `heading`.
    pub(super) fn start(heading: &'static str, quiet: bool) -> Self {
        let bytes = Arc::new(AtomicU64::new(0));
        let drawn = !quiet && io::stderr().is_terminal();
        let line = drawn.then(|| tokio::spawn(draw(heading, Arc::clone(&bytes))));
        Self { quiet, bytes, line }
    }

    /// The counter for whoever moves the bytes.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }

    /// Takes the line away and says how much was copied to `place`. Docker says so after a failure too.
    pub(super) async fn end(mut self, place: &str) {
        if let Some(line) = self.line.take() {
            line.abort();
            line.await.ok();
            eprint!("{SHOW}{RESTORE}{ERASE_LINE}");
        }
        if !self.quiet {
            let bytes = shown(self.bytes.load(Ordering::Relaxed));
            eprintln!("Successfully copied {bytes} to {place}");
        }
    }
}

impl Drop for Progress {
    /// Whoever is interrupted gets the cursor back.
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            line.abort();
            eprint!("{SHOW}");
        }
    }
}

async fn draw(heading: &'static str, bytes: Arc<AtomicU64>) {
    let mut last = 0;
    eprint!("{SAVE}{HIDE}{ERASE_LINE}{heading}{}", shown(last));
    let column = heading.len() + 1;
    loop {
        tokio::time::sleep(REDRAW).await;
        let now = bytes.load(Ordering::Relaxed);
        if now != last {
            eprint!("\x1b[{column}G{ERASE_TAIL}{}", shown(now));
            io::stderr().flush().ok();
            last = now;
        }
    }
}

fn shown(bytes: u64) -> String {
    size::human_digits(bytes, 3)
}
