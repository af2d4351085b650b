//! Clients and daemons that come, misbehave and leave at random, and upgrades in between; the container must not
//! notice.
//!
//! The seed is printed; `CORTEN_SEED` repeats a run.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use crate::fixture::*;
use corten_shim::protocol::*;

const STEPS: u32 = 150;

/// Numbers from a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let clock = || u64::from(std::process::id()) | corten_base::Timestamp::now().unix_nanos().cast_unsigned() << 20;
        let seed = std::env::var("CORTEN_SEED")
            .ok()
            .map_or_else(clock, |text| text.parse().unwrap());
        println!("CORTEN_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 1
    }
}

#[test]
fn nothing_that_clients_and_daemons_do_disturbs_the_container() {
    if !possible() {
        return;
    }
    let mut dice = Dice::new();
    let mut kept = Kept::running(
        "while read line; do echo \"$line\"; done",
        Streams {
            stdin: true,
            ..streams()
        },
    );
    let descriptors = |kept: &Kept| {
        std::fs::read_dir(format!("/proc/{}/fd", kept.shim.pid))
            .unwrap()
            .count()
    };
    let before = descriptors(&kept);
    let mut clients = Vec::new();
    let mut started = 0;
    for step in 0..STEPS {
        match dice.below(8) {
            0 | 1 => clients.push(attach_somehow(&mut kept, &mut dice)),
            2 => {
                started += 1;
                let script = ["exit 1", "cat", "yes | head -n 20000", "echo a; echo b >&2"][dice.below(4) as usize];
                let streams = if dice.flip() { with_stdin() } else { streams() };
                clients.push(kept.exec(step as u8, script, streams).1);
            }
            3 => stranger(&kept, &mut dice),
            4 if !clients.is_empty() => use_somehow(&clients[dice.below(clients.len() as u64) as usize], &mut dice),
            5 if !clients.is_empty() => drop(clients.swap_remove(dice.below(clients.len() as u64) as usize)),
            6 if dice.below(4) == 0 => crate::upgrade::upgrade(&mut kept),
            _ => {
                let reply = kept.ask(Request::State);
                assert!(
                    matches!(&reply, Reply::State(state) if state.exit.is_none()),
                    "{reply:?}"
                );
            }
        }
    }
    drop(clients);
    let mut ended = 0;
    while ended < started {
        match kept.event() {
            Event::ExecExited { .. } => ended += 1,
            Event::Detached { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    // After an upgrade the log is opened again when there is something to write.
    wait_for("as few descriptors as before", || descriptors(&kept) <= before);
    kept.signal(Target::Container, 9);
    while !matches!(kept.event(), Event::Exited(_)) {}
    // Strangers have left their mark, and only they.
    let log = kept.read("run/shim.log");
    assert!(log.lines().all(|line| line.contains("a daemon's request")), "{log}");
    assert!(matches!(kept.ask(Request::Release), Reply::Done));
    wait_for("the shim's end", || has_ended(&kept.shim.pidfd));
}

fn attach_somehow(kept: &mut Kept, dice: &mut Dice) -> UnixStream {
    let early = vec![b'e'; dice.below(100_000) as usize];
    kept.attach(Attach {
        stdin: dice.flip(),
        stdout: dice.flip(),
        stderr: dice.flip(),
        multiplexed: dice.flip(),
        detach_keys: if dice.flip() { vec![b'q', b'x'] } else { Vec::new() },
        early_input: if dice.below(8) == 0 { early } else { Vec::new() },
        ..attach(Target::Container)
    })
}

/// As a client that does not wait for anything: what would block is left out.
fn use_somehow(mut client: &UnixStream, dice: &mut Dice) {
    client.set_nonblocking(true).unwrap();
    let mut buffer = vec![0; 70_000];
    // The shim may have closed the connection, or be full.
    match dice.below(5) {
        0 => client.write_all(b"line\n").unwrap_or_default(),
        1 => client.write_all(b"qx").unwrap_or_default(),
        2 => client.shutdown(Shutdown::Write).unwrap_or_default(),
        3 => client.write_all(&vec![b'z'; 50_000]).unwrap_or_default(),
        _ => drop(client.read(&mut buffer)),
    }
}

/// A daemon that sends half a request, or nonsense, or nothing.
fn stranger(kept: &Kept, dice: &mut Dice) {
    let mut socket = UnixStream::connect(kept.path("run/shim.sock")).unwrap();
    let request = br#"{"number":1,"request":"State"}"#;
    let mut frame = Vec::new();
    frame.extend_from_slice(&(request.len() as u32).to_le_bytes());
    frame.extend_from_slice(&(dice.below(2) as u32).to_le_bytes());
    frame.extend_from_slice(request);
    frame.truncate(dice.below(frame.len() as u64 + 1) as usize);
    if dice.below(4) == 0 {
        frame = (0..64).map(|_| dice.below(256) as u8).collect();
    }
    socket.write_all(&frame).unwrap();
}
