//! Bytes per second into a container, beside the same path over a bare veth and bridge.
//!
//! ```text
//!   daemon's side:  outside --eth0-- inside --corten0-- S, K        (S: iperf3 server, port 5201 published)
//!   bare side:      bare-outside --veth-- bare-host --br0-- bare-b, bare-a
//!   plain side:     the same, and one rule that rewrites the destination (plain-outside, ...)
//! ```
//! The bare side is four network namespaces of its own, where no daemon has set a rule. The plain side tells how
//! much of the difference is what the kernel takes for any published port, whoever publishes it.

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
/// The bare hosts' own address on the link to the outside.
const BARE_HOST: &str = "198.51.102.2";
const LOOPBACK: &str = "127.0.0.1";
const BRIDGED_NAME: &str = "bridge-nf-call-iptables";
/// Both of its values are measured: a host has the first until something loads `br_netfilter`.
const BRIDGED: [&str; 2] = ["0", "1"];

/// A path: where the client runs, and whom it asks.
struct Path<'a> {
    figure: &'a str,
    target: &'a str,
    client: Vec<String>,
    server: String,
    /// Index of the bare path with as many hops.
    against: usize,
    /// Index of the same path through a plain rule.
    plain: Option<usize>,
}

pub(crate) fn published(corten: &Engine, table: &mut Table) -> Result<()> {
    if !corten_testkit::skip::has_program("iperf3") {
        eprintln!("bench: no iperf3 in PATH: throughput is not measured");
        return Ok(());
    }
    let (bare, plain) = (Bare::set_up("bare", "")?, Bare::set_up("plain", PLAIN_RULES)?);
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
    let path = |figure, target, client: &[String], server: &str, against, plain| Path {
        figure,
        target,
        client: client.to_vec(),
        server: server.to_owned(),
        against,
        plain,
    };
    let here: &[String] = &[];
    let paths = [
        path("container to container", "0.97", &inside_client, &address, 0, None),
        path("host to container", "0.97", here, &address, 1, None),
        path(
            "host to published port, the host's address",
            "0.97",
            here,
            INSIDE4,
            1,
            Some(0),
        ),
        path(
            "host to published port on 127.0.0.1",
            "0.97",
            here,
            LOOPBACK,
            1,
            Some(1),
        ),
        path("another host to published port", "0.97", &outside, INSIDE4, 2, Some(2)),
        path("host to published port on [::1], spliced", "-", here, "::1", 1, None),
    ];
    for bridged in BRIDGED {
        for namespace in [&[][..], &in_namespace("bare-host"), &in_namespace("plain-host")] {
            set_bridged(namespace, bridged)?;
        }
        measure(&bare, &plain, &paths, bridged, table)?;
    }
    corten.clear()
}

/// Has what one bridge forwards pass the rules for IP, or not. A host whose kernel has no `br_netfilter`, or has not loaded
/// it, is like one with 0.
fn set_bridged(namespace: &[String], value: &str) -> Result<()> {
    let name = BRIDGED_NAME;
    let script = format!("if [ -e /proc/sys/net/bridge/{name} ]; then echo {value} >/proc/sys/net/bridge/{name}; fi");
    let words = ["env", "sh", "-ec", &script];
    let mut words = namespace.iter().map(String::as_str).chain(words);
    let program = words.next().context("no program")?;
    let status = Command::new(program).args(words).status()?;
    ensure!(status.success(), "{name} could not be set");
    Ok(())
}

fn measure(bare: &Bare, plain: &Bare, paths: &[Path<'_>], bridged: &str, table: &mut Table) -> Result<()> {
    let [_, plain_host, plain_outside] = &plain.clients;
    let bare_transfers = bare.clients.each_ref().map(|client| (client.as_slice(), BARE_SERVER));
    let plain_transfers = [
        (plain_host.as_slice(), BARE_HOST),
        (plain_host.as_slice(), LOOPBACK),
        (plain_outside.as_slice(), BARE_HOST),
    ];
    let ours = paths.iter().map(|path| (path.client.as_slice(), path.server.as_str()));
    let transfers: Vec<_> = bare_transfers.into_iter().chain(plain_transfers).chain(ours).collect();
    let mut rates = vec![Vec::new(); transfers.len()];
    for round in 0..=ROUNDS {
        for ((client, server), rates) in transfers.iter().zip(&mut rates) {
            let rate = until_ok(SERVER_LIMIT, "a transfer", || transfer(client, server))?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let medians: Vec<f64> = rates.iter().map(|rates| median(rates)).collect();
    let (bare, rest) = medians.split_at(bare_transfers.len());
    let (plain, ours) = rest.split_at(plain_transfers.len());
    for (path, rate) in paths.iter().zip(ours) {
        let plain = path.plain.map(|at| plain[at]);
        write_rows(path, *rate, bare[path.against], plain, bridged, table);
    }
    Ok(())
}

fn write_rows(path: &Path<'_>, rate: f64, bare: f64, plain: Option<f64>, bridged: &str, table: &mut Table) {
    let bridge = format!("{BRIDGED_NAME}={bridged}");
    let how = format!("median of {ROUNDS} alternating");
    table.row(
        &format!("iperf3, {}, against a bare veth and bridge ({bridge})", path.figure),
        path.target,
        format!("{rate:.1} Gbit/s, bare {bare:.1}: {:.3} ({how})", rate / bare),
    );
    if let Some(plain) = plain {
        table.row(
            &format!("the same against one DNAT rule there, {} ({bridge})", path.figure),
            "0.97",
            format!(
                "{plain:.1} Gbit/s with the rule ({:.3} of bare): {:.3} ({how})",
                plain / bare,
                rate / plain
            ),
        );
    }
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
for name in host a b outside; do ip netns add $side-$name; ip -n $side-$name link set lo up; done
in_host() { ip -n $side-host \"$@\"; }
in_host link add br0 type bridge
in_host addr add 10.99.0.1/24 dev br0
in_host link set br0 up
number=2
for name in a b; do
    in_host link add veth-$name type veth peer name eth0 netns $side-$name
    in_host link set veth-$name master br0 up
    ip -n $side-$name addr add 10.99.0.$number/24 dev eth0
    ip -n $side-$name link set eth0 up
    ip -n $side-$name route add default via 10.99.0.1
    number=$((number + 1))
done
in_host link add eth0 type veth peer name eth0 netns $side-outside
in_host addr add 198.51.102.2/24 dev eth0
in_host link set eth0 up
ip -n $side-outside addr add 198.51.102.1/24 dev eth0
ip -n $side-outside link set eth0 up
ip -n $side-outside route add default via 198.51.102.2
ip netns exec $side-host sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
";

/// What publishes port 5201 of the host, and of its loopback, in the shortest way.
const PLAIN_RULES: &str = "
ip netns exec $side-host sh -c 'echo 1 >/proc/sys/net/ipv4/conf/br0/route_localnet'
ip netns exec $side-host nft '
table ip nat {
    chain prerouting { type nat hook prerouting priority dstnat; tcp dport 5201 fib daddr type local dnat to 10.99.0.3; }
    chain output { type nat hook output priority -100; tcp dport 5201 fib daddr type local dnat to 10.99.0.3; }
    chain postrouting { type nat hook postrouting priority srcnat; ip saddr 127.0.0.0/8 masquerade; }
}'
";

impl Bare {
    fn set_up(side: &str, rules: &str) -> Result<Self> {
        let script = format!("side={side}\n{BARE_SETUP}{rules}");
        let status = Command::new("sh").args(["-ec", &script]).status()?;
        ensure!(status.success(), "the {side} bridge could not be made");
        let server = Command::new("ip")
            .args(["netns", "exec", &format!("{side}-b"), "iperf3", "-s"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let clients = ["a", "host", "outside"].map(|name| in_namespace(&format!("{side}-{name}")));
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
