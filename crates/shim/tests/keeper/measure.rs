//! Figures, not tests: `cargo test --release -p corten-shim --test keeper measure -- --ignored --nocapture --test-threads 1`.

use std::io::Read;
use std::time::{Duration, Instant};

use crate::fixture::*;
use corten_shim::protocol::*;

#[test]
#[ignore = "measures"]
fn whole_lives() {
    let mut lives = Vec::new();
    for _ in 0..200 {
        let begin = Instant::now();
        let mut kept = Kept::new("true", streams());
        let spawned = begin.elapsed();
        kept.create_with(|create| {
            create.plan.process.args = vec!["/bin/true".to_owned()];
        });
        let created = begin.elapsed();
        kept.start();
        let started = begin.elapsed();
        kept.exited();
        let exited = begin.elapsed();
        kept.ask(Request::Release);
        let released = begin.elapsed();
        lives.push([
            created - spawned,
            started - created,
            exited - started,
            released - exited,
        ]);
    }
    for (step, name) in ["spawned..created", "..started", "..exited", "..released"]
        .iter()
        .enumerate()
    {
        let mut times: Vec<Duration> = lives.iter().map(|life| life[step]).collect();
        times.sort();
        println!("{name}: min {:?} median {:?}", times[0], times[times.len() / 2]);
    }
}

#[test]
#[ignore = "measures"]
fn memory() {
    let mut kept = Kept::running("sleep 1000", streams());
    let (_, mut client) = kept.exec(1, "head -c 1000000 /dev/zero", streams());
    client.read_to_end(&mut Vec::new()).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", kept.shim.pid)).unwrap();
    for line in rollup.lines().filter(|line| line.starts_with("Pss")) {
        println!("{line}");
    }
}

#[test]
#[ignore = "measures"]
fn throughput() {
    let script = "yes 012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678 | head -n 1000000";
    for attached in [false, true] {
        let mut kept = Kept::new(script, streams());
        kept.create();
        let client = attached.then(|| {
            kept.attach(Attach {
                stdin: false,
                ..attach(Target::Container)
            })
        });
        let begin = Instant::now();
        kept.start();
        let reader = client.map(|mut client| {
            std::thread::spawn(move || {
                let (mut buffer, mut total) = (vec![0; 65536], 0);
                while let Ok(count @ 1..) = client.read(&mut buffer) {
                    total += count;
                }
                total
            })
        });
        kept.exited();
        let elapsed = begin.elapsed();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", kept.shim.pid)).unwrap();
        let fields: Vec<&str> = stat.split(' ').collect();
        println!(
            "attached {attached}: {elapsed:?}, the shim's CPU: user {} system {} (10 ms each)",
            fields[13], fields[14]
        );
        if let Some(reader) = reader {
            println!("{} bytes", reader.join().unwrap());
        }
    }
}
