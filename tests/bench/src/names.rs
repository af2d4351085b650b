//! How fast names are resolved, and what a shim takes that does so and splices besides.
//!
//! The questions come from this program, run again inside a container (`corten-bench resolve NAME`), where it
//! is reached through a bind of the host's root.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use corten_testkit::wait::until_ok;

use crate::engine::Engine;
use crate::process;
use crate::sample::Sample;
use crate::table::Table;

const SERVER: &str = "127.0.0.11:53";
/// Asked one after the other.
const QUESTIONS: usize = 5_000;
/// Asked at full speed.
const FLOOD: usize = 100_000;
/// Of them on their way at a time.
const WINDOW: usize = 32;
/// Containers besides, when memory is looked at.
const OTHERS: usize = 100;
const LIMIT: Duration = Duration::from_secs(5);

/// Both figures, and the memory of the shim that answered.
pub(crate) fn measure(corten: &Engine, table: &mut Table) -> Result<()> {
    corten.command(&["network", "create", "bench-names"])?;
    let run = ["run", "-d", "--network", "bench-names"];
    corten.command(&[&run[..], &["--name", "web", "busybox", "sleep", "100000"]].concat())?;
    let asker = ["--name", "asker", "-p", "18090:80", "-v", "/:/host", "busybox"];
    corten.command(&[&run[..], &asker, &["httpd", "-f", "-p", "80", "-h", "/etc"]].concat())?;
    let program = std::env::current_exe()?.display().to_string();
    let figures = corten.command(&["exec", "asker", "chroot", "/host", &program, "resolve", "web"])?;
    let (each, rate) = figures.split_once('|').context("two figures")?;
    table.row("a container's name resolved, ms min / median", "0.1", each);
    table.row("names resolved per second, 32 on their way", "20000", rate);
    let spliced = splice()?;
    // pages of the program are shared by all shims there are
    crate::many::start_sleepers(corten, OTHERS, 8)?;
    let pid = corten.command(&["inspect", "-f", "{{.State.Pid}}", "asker"])?;
    let shim = parent(&pid)?;
    table.row(
        "a shim that has resolved names and splices a connection, with 100 others, PSS in MiB",
        "0.4",
        format!("{:.2}", process::pss_kib(shim)? as f64 / 1024.0),
    );
    drop(spliced);
    corten.clear()?;
    corten.command(&["network", "rm", "bench-names"]).map(drop)
}

/// A connection through the published port on `[::1]`, over which something has come already.
fn splice() -> Result<TcpStream> {
    until_ok(LIMIT, "an answer through the published port", || {
        let mut stream = TcpStream::connect("[::1]:18090")?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(b"GET /passwd HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let mut begin = [0; 8];
        stream.read_exact(&mut begin)?;
        ensure!(&begin == b"HTTP/1.1", "{begin:?}");
        Ok(stream)
    })
}

fn parent(pid: &str) -> Result<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    Ok(line.context("a process has a parent")?.trim().parse()?)
}

/// What the program does inside the container: prints both figures.
pub(crate) fn resolve(name: &str) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(SERVER)?;
    socket.set_read_timeout(Some(LIMIT))?;
    let mut durations = Vec::with_capacity(QUESTIONS);
    for number in 0..QUESTIONS {
        let begin = Instant::now();
        ask(&socket, name, number)?;
        hear(&socket)?;
        durations.push(begin.elapsed());
    }
    let begin = Instant::now();
    for number in 0..FLOOD + WINDOW {
        if number < FLOOD {
            ask(&socket, name, number)?;
        }
        if number >= WINDOW {
            hear(&socket)?;
        }
    }
    let rate = FLOOD as f64 / begin.elapsed().as_secs_f64();
    let sample = Sample::new(durations);
    println!("{:.3} / {:.3}|{rate:.0}", sample.minimum(), sample.median());
    Ok(())
}

/// Sends one question for the IPv4 address of a name.
fn ask(socket: &UdpSocket, name: &str, number: usize) -> Result<()> {
    let id = u16::try_from(number & 0xffff)?.to_be_bytes();
    let mut message = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len())?);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    socket.send(&message)?;
    Ok(())
}

/// Waits for one answer, which must have an address.
fn hear(socket: &UdpSocket) -> Result<()> {
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    // no error, one record
    ensure!(
        length > 12 && answer[3] & 15 == 0 && answer[6..8] == [0, 1],
        "{:?}",
        answer.get(..length)
    );
    Ok(())
}
