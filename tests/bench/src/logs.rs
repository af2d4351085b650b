//! A million lines of a hundred bytes: written by a detached container, read back, and carried to an attached client.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::engine::Engine;
use crate::floor::Floor;
use crate::peers::Peers;
use crate::sample::{Sample, time};
use crate::table::Table;

const LINES: usize = 1_000_000;
const ROUNDS: usize = 5;
/// A single round takes Docker ten seconds.
const PEER_ROUNDS: usize = 1;
/// Docker does not rotate unless told to.
const NO_ROTATION: [&str; 2] = ["--log-opt", "max-file=1"];

/// Busybox prints 99 characters and a newline, a million times.
fn script() -> String {
    format!("yes {} | head -n {LINES}", "x".repeat(99))
}

pub(crate) fn measure(floor: &Floor, corten: &Engine, peers: &Peers, table: &mut Table) -> Result<()> {
    let (mut bare, mut figures) = (Vec::new(), Figures::default());
    for round in 0..=ROUNDS {
        let alone = alone(&floor.root)?;
        let one = Figures::of(corten)?;
        if round > 0 {
            bare.push(alone);
            figures.add(one);
        }
    }
    let seconds = |durations: Vec<Duration>| {
        let sample = Sample::new(durations);
        format!("{:.2} / {:.2}", sample.minimum() / 1e3, sample.median() / 1e3)
    };
    table.row(
        "1,000,000 lines of 100 bytes: the program alone, s min / median",
        "-",
        seconds(bare),
    );
    table.row(
        "the same in `corten run -d`, rotation off, and `wait`",
        "0.7",
        seconds(figures.detached),
    );
    table.row("`corten logs | wc -l` of them", "0.5", seconds(figures.read));
    table.row(
        "the same in an attached `corten run --rm`",
        "0.8",
        seconds(figures.attached),
    );
    let Some(docker) = &peers.docker else { return Ok(()) };
    let mut figures = Figures::default();
    for _ in 0..PEER_ROUNDS {
        figures.add(Figures::of(docker)?);
    }
    table.row(
        "the three with docker CLI and dockerd, s",
        "-",
        format!(
            "{:.2}; {:.2}; {:.2}",
            Sample::new(figures.detached).minimum() / 1e3,
            Sample::new(figures.read).minimum() / 1e3,
            Sample::new(figures.attached).minimum() / 1e3
        ),
    );
    Ok(())
}

#[derive(Debug, Default)]
struct Figures {
    detached: Vec<Duration>,
    read: Vec<Duration>,
    attached: Vec<Duration>,
}

impl Figures {
    /// One round of each.
    fn of(engine: &Engine) -> Result<Self> {
        let script = script();
        let log = if engine.name == "docker" { &[][..] } else { &NO_ROTATION };
        let program = ["busybox", "sh", "-c", &script];
        let begin = Instant::now();
        let id = engine.command(&[&["run", "-d"][..], log, &program].concat())?;
        engine.command(&["wait", &id])?;
        let detached = begin.elapsed();
        let read = time(|| counted(engine.client_command(&["logs", &id])))?;
        engine.command(&["rm", &id])?;
        let arguments = [&["run", "--rm"][..], log, &program].concat();
        let attached = time(|| counted(engine.client_command(&arguments)))?;
        Ok(Self {
            detached: vec![detached],
            read: vec![read],
            attached: vec![attached],
        })
    }

    fn add(&mut self, other: Self) {
        self.detached.extend(other.detached);
        self.read.extend(other.read);
        self.attached.extend(other.attached);
    }
}

/// The program in a changed root, its output read and thrown away.
fn alone(root: &Path) -> Result<Duration> {
    time(|| {
        let mut command = Command::new("chroot");
        command.arg(root).args(["/bin/sh", "-c", &script()]);
        counted(command)
    })
}

/// Runs a program and counts its lines through a pipe, as `wc -l` does; another number than [`LINES`] is an error.
fn counted(mut command: Command) -> Result<()> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().context("output was asked for")?;
    let mut buffer = vec![0; 64 * 1024];
    let mut lines = 0;
    loop {
        let count = output.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        lines += buffer[..count].iter().filter(|byte| **byte == b'\n').count();
    }
    let status = child.wait()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    ensure!(lines == LINES, "{command:?} gave {lines} lines");
    Ok(())
}
