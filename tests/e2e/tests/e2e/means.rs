//! The daemon's options that say by which means packets are moved: `iptables`, `ip6tables`, `userland-proxy`,
//! `ip-masq`, `ip-forward`.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, on_daemon};
use corten_testkit::sandbox::{INSIDE4, OUTSIDE4};
use corten_testkit::wait::until_ok;
use corten_testkit::{DaemonOptions, Outcome};

const SERVER: &str = "run -d --name web -p 8080:80 busybox httpd -f -p 80 -h /etc";

fn with(arguments: &[&str], body: impl FnOnce(&mut Case) -> Result<()>) -> Result<()> {
    let options = DaemonOptions {
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        ..DaemonOptions::default()
    };
    on_daemon(options, &["busybox"], body)
}

fn get(case: &Case, address: &str) -> Result<()> {
    let url = format!("http://{address}:8080/hostname");
    let curl = ["--silent", "--show-error", "--fail", "--max-time", "5", &url];
    Outcome::of(case.daemon.sandbox.command("curl").args(curl))?
        .success()
        .map(drop)
}

/// The tables of the firewall that are named after the engine.
fn tables(case: &Case) -> Result<String> {
    Ok(case.script("nft list tables | grep -w corten; true")?.text().to_owned())
}

fn setting(case: &Case, name: &str) -> Result<String> {
    Ok(case.script(&format!("cat /proc/sys/net/{name}"))?.text().to_owned())
}

#[test]
fn without_rules_keepers_serve_the_ports() -> Result<()> {
    with(&["--iptables=false", "--ip6tables=false"], |case| {
        case.ok(SERVER)?;
        for address in ["127.0.0.1", "[::1]", INSIDE4] {
            until_ok(LIMIT, address, || get(case, address))?;
        }
        let mut ports: Vec<String> = case.ok("port web")?.lines().map(str::to_owned).collect();
        ports.sort();
        ensure!(ports == ["80/tcp -> 0.0.0.0:8080", "80/tcp -> [::]:8080"], "{ports:?}");
        // Neighbours meet on the bridge; no rule has to let them.
        let inside = case.ok("inspect -f '{{.NetworkSettings.IPAddress}}' web")?;
        let fetch = format!("wget -q -O - http://{inside}/hostname");
        case.ok(&format!("run --rm busybox {fetch}"))?;
        ensure!(
            setting(case, "ipv4/ip_forward")? == "1",
            "forwarding is another option's"
        );
        case.ok("network create --internal shut")?;
        case.ok("run --rm --network shut -p 8081:80 busybox true")?;
        case.ok("network rm shut")?;
        if !is_reference()? {
            ensure!(tables(case)?.is_empty(), "tables without rules: {}", tables(case)?);
            // The host's 127/8 is closed to containers by rules otherwise; without, the kernel's own check is on.
            ensure!(
                setting(case, "ipv4/conf/corten0/route_localnet")? == "0",
                "route_localnet"
            );
            case.daemon.kill()?;
            get(case, "127.0.0.1")?;
            case.daemon.launch()?;
            get(case, INSIDE4)?;
        }
        case.ok("rm -f web").map(drop)
    })
}

#[test]
fn rules_of_one_family_are_switched_off_alone() -> Result<()> {
    with(&["--iptables=false"], |case| {
        case.ok("network create --ipv6 --subnet fd00:77::/64 six")?;
        case.ok(&SERVER.replace("run", "run --network six"))?;
        for address in ["127.0.0.1", "[::1]", INSIDE4] {
            until_ok(LIMIT, address, || get(case, address))?;
        }
        if !is_reference()? {
            let mapped = case.script("nft list table inet corten | grep -c 'elements.*8080'")?;
            ensure!(mapped.text() == "1", "IPv6 alone is translated: {mapped}");
        }
        case.ok("rm -f web")?;
        case.ok("network rm six").map(drop)
    })
}

#[test]
fn without_the_userland_proxy_rules_alone_serve() -> Result<()> {
    with(&["--userland-proxy=false"], |case| {
        case.ok(SERVER)?;
        for address in ["127.0.0.1", INSIDE4] {
            until_ok(LIMIT, address, || get(case, address))?;
        }
        ensure!(
            get(case, "[::1]").is_err(),
            "[::1] leads to a container that has IPv4 only"
        );
        case.says("port web", "80/tcp -> 0.0.0.0:8080")?;
        // What nobody can serve is left out (observed: dockerd 28.5).
        case.ok("run -d --name six -p [::1]:8081:80 busybox sleep 1000")?;
        case.says("inspect -f '{{json .NetworkSettings.Ports}}' six", r#"{"80/tcp":null}"#)
            .or_else(|_| case.says("inspect -f '{{json .NetworkSettings.Ports}}' six", r#"{"80/tcp":[]}"#))?;
        case.ok("rm -f web six").map(drop)
    })
}

#[test]
fn without_either_a_port_is_taken_and_leads_nowhere() -> Result<()> {
    let off = ["--iptables=false", "--ip6tables=false", "--userland-proxy=false"];
    with(&off, |case| {
        case.ok(SERVER)?;
        case.says("port web", "80/tcp -> 0.0.0.0:8080")?;
        case.fails("run --rm -p 8080:80 busybox true", 125, "port is already allocated")?;
        ensure!(get(case, "127.0.0.1").is_err(), "somebody serves the port");
        case.ok("rm -f web").map(drop)
    })
}

#[test]
fn containers_leave_with_their_own_address_without_masquerade() -> Result<()> {
    with(&["--ip-masq=false"], |case| {
        let route = format!("ip route add 172.16.0.0/12 via {INSIDE4}");
        Outcome::of(case.daemon.sandbox.outside("sh").args(["-c", &route]))?.success()?;
        let server = "use IO::Socket::IP; my $s = IO::Socket::IP->new(LocalPort => 7000, Listen => 1, ReuseAddr => 1) or die; \
                      $| = 1; print qq(up\\n); my $c = $s->accept; print $c $c->peerhost";
        let mut outside = case.daemon.sandbox.outside("perl");
        let mut child = outside
            .args(["-e", server])
            .stdout(std::process::Stdio::null())
            .spawn()?;
        let ask = format!("run --rm busybox sh -c 'hostname -i; until nc {OUTSIDE4} 7000; do sleep 0.1; done'");
        let said = case.ok(&ask);
        child.kill().ok();
        child.wait()?;
        let said = said?;
        let addresses: Vec<&str> = said.split_whitespace().collect();
        ensure!(addresses.len() == 2 && addresses[0] == addresses[1], "{said}");
        Ok(())
    })
}

#[test]
fn forwarding_is_left_alone_when_asked() -> Result<()> {
    with(&["--ip-forward=false"], |case| {
        case.ok("run --rm busybox true")?;
        ensure!(setting(case, "ipv4/ip_forward")? == "0", "forwarding was turned on");
        Ok(())
    })
}
