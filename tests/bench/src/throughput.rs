//! Bytes per second into a container, beside the same path over a bare veth and bridge.
//!
//! ```text
//!   daemon's side:  outside --eth0-- inside --corten0-- S, K        (S: iperf3 server, port 5201 published)
//!   bare side:      bare-outside --veth-- bare-host --br0-- bare-b, bare-a
//! ```
//! The bare side is four network namespaces of its own, where no daemon has set a rule.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use corten_testkit::sandbox::INSIDE4;
use corten_testkit::wait::until_ok;

use crate::engine::Engine;
use crate::table::Table;

const ROUNDS: usize = 10;
/// Of one transfer.
const SECONDS: &str = "1";
const PORT: &str = "5201";
const SERVER_LIMIT: Duration = Duration::from_secs(10);
const BARE_SERVER: &str = "10.99.0.3";

/// A path: where the client runs, and whom it asks.
struct Path<'a> {
    figure: &'a str,
    target: &'a str,
    client: Vec<String>,
    server: String,
    /// Index of the bare path with as many hops.
    against: usize,
}

pub(crate) fn published(corten: &Engine, table: &mut Table) -> Result<()> {
    if !corten_testkit::skip::has_program("iperf3") {
        eprintln!("bench: no iperf3 in PATH: throughput is not measured");
        return Ok(());
    }
    let bare = Bare::set_up()?;
    let chroot = ["-v", "/:/host", "busybox", "chroot", "/host"];
    let server = ["run", "-d", "-p", "5201:5201"];
    let server = corten.command(&[&server[..], &chroot, &["iperf3", "-s"]].concat())?;
    let client = corten.command(&[&["run", "-d"][..], &chroot, &["sleep", "100000"]].concat())?;
    let address = corten.command(&["inspect", "-f", "{{.NetworkSettings.IPAddress}}", &server])?;
    let inside_client = {
        let (program, host) = (corten.client.display().to_string(), corten.socket.display());
        let host = format!("--host=unix://{host}");
        [&program, &host, "exec", &client, "chroot", "/host"]
            .map(str::to_owned)
            .to_vec()
    };
    let outside = in_namespace("outside");
    let path = |figure, target, client: &[String], server: &str, against| Path {
        figure,
        target,
        client: client.to_vec(),
        server: server.to_owned(),
        against,
    };
    let here: &[String] = &[];
    let paths = [
        path("container to container", "0.97", &inside_client, &address, 0),
        path("host to container", "0.97", here, &address, 1),
        path("host to published port, the host's address", "0.97", here, INSIDE4, 1),
        path("host to published port on 127.0.0.1", "0.97", here, "127.0.0.1", 1),
        path("another host to published port", "0.97", &outside, INSIDE4, 2),
        path("host to published port on [::1], spliced", "-", here, "::1", 1),
    ];
    measure(&bare, &paths, table)?;
    corten.clear()
}

fn measure(bare: &Bare, paths: &[Path<'_>], table: &mut Table) -> Result<()> {
    let transfers: Vec<(&[String], &str)> = bare
        .clients
        .iter()
        .map(|client| (client.as_slice(), BARE_SERVER))
        .chain(paths.iter().map(|path| (path.client.as_slice(), path.server.as_str())))
        .collect();
    let mut rates = vec![Vec::new(); transfers.len()];
    for round in 0..=ROUNDS {
        for ((client, server), rates) in transfers.iter().zip(&mut rates) {
            let rate = until_ok(SERVER_LIMIT, "a transfer", || transfer(client, server))?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let bridge = std::fs::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables");
    let bridge = bridge.map_or("no br_netfilter".to_owned(), |value| {
        format!("bridge-nf-call-iptables={}", value.trim())
    });
    let (bare, ours) = rates.split_at(bare.clients.len());
    for (path, rates) in paths.iter().zip(ours) {
        let bare = &bare[path.against];
        table.row(
            &format!("iperf3, {}, against a bare veth and bridge ({bridge})", path.figure),
            path.target,
            format!(
                "{:.1} Gbit/s, bare {:.1}: {:.3} (median of {ROUNDS} alternating)",
                median(rates),
                median(bare),
                median(rates) / median(bare)
            ),
        );
    }
    Ok(())
}

/// One transfer; Gbit/s as the server received them.
fn transfer(client: &[String], server: &str) -> Result<f64> {
    let mut words = client.iter().map(String::as_str).collect::<Vec<_>>();
    words.extend(["iperf3", "-J", "-t", SECONDS, "-p", PORT, "-c", server]);
    let (program, arguments) = words.split_first().context("a transfer has a program")?;
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answer: serde_json::Value = serde_json::from_str(&text).with_context(|| text.to_string())?;
    let rate = answer["end"]["sum_received"]["bits_per_second"].as_f64();
    rate.map(|rate| rate / 1e9)
        .with_context(|| format!("{words:?}: {}", answer["error"]))
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn in_namespace(name: &str) -> Vec<String> {
    ["ip", "netns", "exec", name].map(str::to_owned).to_vec()
}

/// The namespaces without a daemon. The sandbox's end takes them along.
struct Bare {
    /// Beside the server, on its host, and behind the host.
    clients: [Vec<String>; 3],
    server: std::process::Child,
}

const BARE_SETUP: &str = "
for name in host a b outside; do ip netns add bare-$name; ip -n bare-$name link set lo up; done
in_host() { ip -n bare-host \"$@\"; }
in_host link add br0 type bridge
in_host addr add 10.99.0.1/24 dev br0
in_host link set br0 up
number=2
for name in a b; do
    in_host link add veth-$name type veth peer name eth0 netns bare-$name
    in_host link set veth-$name master br0 up
    ip -n bare-$name addr add 10.99.0.$number/24 dev eth0
    ip -n bare-$name link set eth0 up
    ip -n bare-$name route add default via 10.99.0.1
    number=$((number + 1))
done
in_host link add eth0 type veth peer name eth0 netns bare-outside
in_host addr add 198.51.102.2/24 dev eth0
in_host link set eth0 up
ip -n bare-outside addr add 198.51.102.1/24 dev eth0
ip -n bare-outside link set eth0 up
ip -n bare-outside route add default via 198.51.102.2
ip netns exec bare-host sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
";

impl Bare {
    fn set_up() -> Result<Self> {
        let status = Command::new("sh").args(["-ec", BARE_SETUP]).status()?;
        ensure!(status.success(), "the bare bridge could not be made");
        let server = Command::new("ip")
            .args(["netns", "exec", "bare-b", "iperf3", "-s"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let clients = ["bare-a", "bare-host", "bare-outside"].map(in_namespace);
        Ok(Self { clients, server })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // The sandbox's end kills what is left.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}
