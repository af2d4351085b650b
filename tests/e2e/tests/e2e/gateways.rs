//! Which network gives the way out, and that host ports lead in by it: for each family its own, while networks come and
//! go.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, Client, LIMIT, is_reference, on_daemon};
use corten_testkit::sandbox::{INSIDE4, INSIDE6};
use corten_testkit::wait::until_ok;
use corten_testkit::{DaemonOptions, Outcome};

const SERVER: &str = "run -d --name web --network n4 --network n6 -p 8000:80 busybox httpd -f -p [::]:80 -h /etc";
const FOUR: &str = "80/tcp -> 0.0.0.0:8000";
const SIX: &str = "80/tcp -> [::]:8000";

fn with(arguments: &[&str], body: impl Fn(&mut Case) -> Result<()>) -> Result<()> {
    let options = DaemonOptions {
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        ..DaemonOptions::default()
    };
    on_daemon(options, &["busybox"], |case| {
        let clients = [Client::Docker, Client::Corten];
        for client in clients.into_iter().take(if is_reference()? { 1 } else { 2 }) {
            case.client = client;
            for network in [
                "--subnet 10.81.0.0/24 n4",
                "--ipv4=false --ipv6 --subnet fd81::/64 n6",
                "--subnet 10.80.0.0/24 a4",
                "--subnet 10.82.0.0/24 --ipv6 --subnet fd82::/64 zdual",
            ] {
                case.ok(&format!("network create {network}"))?;
            }
            body(case).with_context(|| format!("with client {client:?}"))?;
            case.ok("network rm n4 n6 a4 zdual")?;
            case.daemon.leaves_nothing()?;
        }
        Ok(())
    })
}

/// From another machine, over a family.
fn get(case: &Case, address: &str) -> Result<()> {
    let url = format!("http://{address}:8000/hostname");
    let curl = [
        "--silent",
        "--show-error",
        "--fail",
        "--globoff",
        "--max-time",
        "2",
        &url,
    ];
    let got = Outcome::of(case.daemon.sandbox.outside("curl").args(curl))?;
    got.success().map(drop)
}

/// What is published, reached, and where the ways lead out.
fn leads(case: &Case, ports: &[&str], four: &str, six: &str) -> Result<()> {
    let said = case.ok("port web")?;
    ensure!(said.lines().eq(ports.iter().copied()), "want {ports:?}, got {said}");
    let six_address = format!("[{INSIDE6}]");
    for (port, address) in [(FOUR, INSIDE4), (SIX, &six_address)] {
        if ports.contains(&port) {
            until_ok(LIMIT, address, || get(case, address))?;
        } else {
            ensure!(get(case, address).is_err(), "{address} answers");
        }
    }
    for (family, gateway) in [("-4", four), ("-6", six)] {
        let routes = case.ok(&format!("exec web ip {family} route"))?;
        let ways: Vec<&str> = routes.lines().filter(|line| line.starts_with("default")).collect();
        let want = usize::from(!gateway.is_empty());
        ensure!(
            ways.len() == want && ways.iter().all(|way| way.contains(gateway)),
            "{gateway}: {routes}"
        );
    }
    Ok(())
}

#[test]
fn ports_are_split_by_family_and_follow_the_way_out() -> Result<()> {
    for (arguments, proxy) in [(&["--userland-proxy=false"][..], false), (&[], true)] {
        with(arguments, |case| {
            case.ok(SERVER)?;
            leads(case, &[FOUR, SIX], "10.81.0.1", "fd81::1")?;
            case.ok("network connect a4 web")?;
            leads(case, &[FOUR, SIX], "10.80.0.1", "fd81::1")?;
            case.ok("network disconnect n4 web")?;
            leads(case, &[FOUR, SIX], "10.80.0.1", "fd81::1")?;
            case.ok("network connect zdual web")?;
            leads(case, &[FOUR, SIX], "10.82.0.1", "fd82::1")?;
            case.ok("network disconnect zdual web")?;
            case.ok("network disconnect n6 web")?;
            // Without who serves it, IPv6 is not led to a container that has none.
            let alone: &[&str] = if proxy { &[FOUR, SIX] } else { &[FOUR] };
            leads(case, alone, "10.80.0.1", "")?;
            case.ok("network connect n6 web")?;
            leads(case, &[FOUR, SIX], "10.80.0.1", "fd81::1")?;
            case.ok("network disconnect a4 web")?;
            leads(case, &[SIX], "", "fd81::1")?;
            case.ok("network connect n4 web")?;
            leads(case, &[FOUR, SIX], "10.81.0.1", "fd81::1")?;
            case.ok("restart -t 0 web")?;
            leads(case, &[FOUR, SIX], "10.81.0.1", "fd81::1")?;
            case.ok("rm -f web").map(drop)
        })?;
    }
    Ok(())
}

#[test]
fn a_port_that_a_network_brings_is_taken_then() -> Result<()> {
    if is_reference()? {
        // After a connection that failed for the port, it cannot make another to the same network.
        return Ok(());
    }
    with(&["--userland-proxy=false"], |case| {
        let only_four = SERVER.replace("--network n6 ", "");
        case.ok(&only_four)?;
        leads(case, &[FOUR], "10.81.0.1", "")?;
        case.ok("run -d --name other --network n6 -p 8000:80 busybox top")?;
        let refused = case.run("network connect zdual web")?.code_is(1)?;
        let text = "Error response from daemon: driver failed programming external connectivity on endpoint web";
        refused.mentions(text)?.mentions("port is already allocated")?;
        case.says("port web", FOUR)?;
        case.ok("rm -f other")?;
        case.ok("network connect zdual web")?;
        leads(case, &[FOUR, SIX], "10.82.0.1", "fd82::1")?;
        case.fails(
            "run --rm --network n6 -p 8000:80 busybox true",
            125,
            "port is already allocated",
        )?;
        case.ok("rm -f web").map(drop)
    })
}
