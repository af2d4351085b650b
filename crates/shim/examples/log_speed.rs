//! How much CPU the log costs: records standard input as a container's output and says what it took.
//!
//! ```text
//! line=$(printf '%099d' 0); yes "$line" | head -n 1000000 | log_speed /tmp/speed.log
//! ```

use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use corten_base::Timestamp;
use corten_shim::log::{Recorder, Stream, Target};

fn main() -> std::io::Result<()> {
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("/dev/null"), PathBuf::from);
    let target = Target {
        path,
        max_size_bytes: 0,
        max_files: 1,
        format: corten_shim::log::Format::JsonLines,
        attributes: Default::default(),
    };
    let mut recorder = Recorder::open(&target)?;
    let mut buffer = vec![0; 64 * 1024];
    let (begin, mut bytes, mut reads) = (Instant::now(), 0, 0);
    loop {
        let count = std::io::stdin().lock().read(&mut buffer)?;
        if count == 0 {
            break;
        }
        recorder.record(Stream::Stdout, &buffer[..count], Timestamp::now());
        (bytes, reads) = (bytes + count, reads + 1);
    }
    recorder.finish(Stream::Stdout, Timestamp::now());
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let cpu_ms = cpu.tv_sec * 1000 + cpu.tv_nsec / 1_000_000;
    println!(
        "{bytes} bytes in {reads} reads: {cpu_ms} ms CPU, {} ms in all",
        begin.elapsed().as_millis()
    );
    Ok(())
}
