//! Requests per second of nginx behind a published port, a new connection for each, by every way to it.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use corten_testkit::programs;
use corten_testkit::sandbox::INSIDE4;
use corten_testkit::wait::until_ok;

use crate::engine::Engine;
use crate::table::Table;

const ROUNDS: usize = 5;
const REQUESTS: &str = "10000";
const LIMIT: Duration = Duration::from_secs(30);
const WAYS: [&str; 4] = ["direct", "NAT", "127.0.0.1", "[::1]"];

/// Requests per second by each of [`WAYS`].
pub(crate) type Figures = [f64; WAYS.len()];

/// Where the server of each way is published.
const PORTS: [u16; WAYS.len()] = [8080, 8081, 8082, 8083];

/// Medians over alternating rounds; `None` without `ab`.
pub(crate) fn measure(engine: &Engine) -> Result<Option<Figures>> {
    if !corten_testkit::skip::has_program("ab") {
        eprintln!("bench: no ab in PATH: nginx is not measured");
        return Ok(None);
    }
    engine.command(&["load", "-q", "-i", &programs::image("nginx")?.display().to_string()])?;
    // A server for each way: connections of several ways to one server would have the same addresses and ports, and a
    // server refuses a new one whose clock is behind that of the old one, for a second.
    let mut servers = Vec::new();
    for port in PORTS {
        servers.push(engine.command(&["run", "-d", "-p", &format!("{port}:80"), "nginx"])?);
    }
    let format = "{{.NetworkSettings.IPAddress}}";
    let address = engine.command(&["inspect", "-f", format, &servers[0]])?;
    let urls = [
        format!("http://{address}/"),
        format!("http://{INSIDE4}:{}/", PORTS[1]),
        format!("http://127.0.0.1:{}/", PORTS[2]),
        format!("http://[::1]:{}/", PORTS[3]),
    ];
    let mut rates: [Vec<f64>; WAYS.len()] = Default::default();
    for round in 0..=ROUNDS {
        for (url, rates) in urls.iter().zip(&mut rates) {
            let rate = until_ok(LIMIT, "answers of nginx", || requests(url))?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    engine.clear()?;
    Ok(Some(rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
    })))
}

/// One row for each way.
pub(crate) fn report(ours: &Figures, docker: Option<&Figures>, table: &mut Table) {
    let targets = ["-", "-", "2.3 times docker's", "docker's"];
    for (index, (way, target)) in WAYS.iter().zip(targets).enumerate() {
        let beside = docker.map_or("no docker here".to_owned(), |docker| {
            let times = ours[index] / docker[index];
            format!("docker {:.1}k: {times:.2} times", docker[index] / 1e3)
        });
        table.row(
            &format!("nginx, `ab -c16` without keep-alive, {way}, requests/s"),
            target,
            format!("{:.1}k; {beside}", ours[index] / 1e3),
        );
    }
}

fn requests(url: &str) -> Result<f64> {
    let output = Command::new("ab")
        .args(["-q", "-c16", "-n", REQUESTS, url])
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let failed = text.lines().find_map(|line| line.strip_prefix("Failed requests:"));
    anyhow::ensure!(
        failed.is_some_and(|count| count.trim() == "0"),
        "ab {url}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests per second:"));
    rate.and_then(|rest| rest.split_whitespace().next())
        .and_then(|rate| rate.parse().ok())
        .with_context(|| format!("ab {url}: {text}"))
}
