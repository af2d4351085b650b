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

#[test]
#[ignore = "measures"]
fn splice() {
    use std::io::Write;
    use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
    const BYTES: usize = 4 << 30;
    let mut kept = Kept::new("sleep 1000", streams());
    kept.create();
    let (socket, address) = crate::ports::reserve();
    let ports = vec![PortSocket {
        protocol: Protocol::Tcp,
        splice_to: Some((IpAddr::V4(Ipv4Addr::LOCALHOST), 8080)),
    }];
    kept.ask_with(
        Request::Network(NetworkSetup {
            ports,
            ..NetworkSetup::default()
        }),
        vec![socket],
    );
    kept.start();
    let namespace = std::fs::File::open(format!("/proc/{}/ns/net", kept.shim.pid)).unwrap();
    let (ready, listening) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        corten_sys::netns::enter(&namespace).unwrap();
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        ready.send(()).unwrap();
        let (mut connection, _) = listener.accept().unwrap();
        let (mut buffer, mut total) = (vec![0; 256 * 1024], 0);
        while let Ok(count @ 1..) = connection.read(&mut buffer) {
            total += count;
        }
        total
    });
    listening.recv().unwrap();
    let begin = Instant::now();
    let mut client = TcpStream::connect(address).unwrap();
    let chunk = vec![7; 256 * 1024];
    for _ in 0..BYTES / chunk.len() {
        client.write_all(&chunk).unwrap();
    }
    drop(client);
    assert_eq!(server.join().unwrap(), BYTES);
    let seconds = begin.elapsed().as_secs_f64();
    println!("spliced {:.1} Gbit/s", BYTES as f64 * 8.0 / seconds / 1e9);
}
