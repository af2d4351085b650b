//! How long a shim takes from its spawning to its end when its daemon leaves at once: `spawn_speed PROGRAM...`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use corten_shim::spawn::spawn;
use rustix::process::{WaitId, WaitIdOptions};

const ROUNDS: usize = 300;

fn main() -> std::io::Result<()> {
    let directory = std::env::temp_dir().join(format!("corten-spawn-speed-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    for program in std::env::args_os().skip(1).map(PathBuf::from) {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let spawned = spawn(&program, &directory).map_err(std::io::Error::other)?;
            drop(spawned.control);
            rustix::process::waitid(
                WaitId::PidFd(std::os::fd::AsFd::as_fd(&spawned.pidfd)),
                WaitIdOptions::EXITED,
            )?;
            times.push(begin.elapsed());
        }
        times.sort();
        let mean: Duration = times.iter().sum::<Duration>() / ROUNDS as u32;
        println!(
            "{}: min {:?} median {:?} mean {mean:?}",
            program.display(),
            times[0],
            times[ROUNDS / 2]
        );
    }
    std::fs::remove_dir_all(directory)
}
