//! Published ports: a real server, reached from everywhere that a user would try.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, both};
use corten_testkit::Outcome;
use corten_testkit::sandbox::{INSIDE4, INSIDE6, OUTSIDE4};
use corten_testkit::wait::until_ok;

const PAGE: &str = "<h1>Welcome to nginx!</h1>";

fn get(case: &Case, url: &str) -> Result<()> {
    let curl = ["--silent", "--show-error", "--max-time", "10", url];
    Outcome::of(case.daemon.sandbox.command("curl").args(curl))?
        .success()?
        .says(PAGE)
        .map(drop)
}

fn get_outside(case: &Case, url: &str) -> Result<()> {
    let curl = ["--silent", "--show-error", "--max-time", "10", url];
    Outcome::of(case.daemon.sandbox.outside("curl").args(curl))?
        .success()?
        .says(PAGE)
        .map(drop)
}

#[test]
fn nginx_is_reached_from_everywhere() -> Result<()> {
    both(&["nginx", "busybox"], |case| {
        case.ok("run -d --name web -p 8080:80 nginx")?;
        until_ok(LIMIT, "nginx on 127.0.0.1", || get(case, "http://127.0.0.1:8080/"))?;
        get(case, "http://[::1]:8080/").context("[::1]")?;
        get(case, "http://localhost:8080/").context("localhost")?;
        get(case, &format!("http://{INSIDE4}:8080/")).context("the host's address")?;
        get(case, &format!("http://[{INSIDE6}]:8080/")).context("the host's IPv6 address")?;
        get_outside(case, &format!("http://{INSIDE4}:8080/")).context("outside, IPv4")?;
        get_outside(case, &format!("http://[{INSIDE6}]:8080/")).context("outside, IPv6")?;
        case.says(&format!("run --rm busybox wget -q -O - http://{INSIDE4}:8080/"), PAGE)
            .context("another container by the host's address")?;
        let address = case.ok("inspect -f '{{.NetworkSettings.IPAddress}}' web")?;
        case.says(&format!("run --rm busybox wget -q -O - http://{address}/"), PAGE)
            .context("another container directly")?;
        case.says(
            &format!("exec web sh -c 'exec 3<>/dev/tcp/{INSIDE4}/8080' 2>/dev/null; echo"),
            "",
        )
        .ok();
        // No process stands behind a published port.
        if !corten_e2e::is_reference()? {
            let inside = corten_testkit::census::processes_of(case.daemon.sandbox.first_pid());
            let names = inside
                .iter()
                .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
            let foreign: Vec<String> = names
                .filter(|name| !["cat", "nsenter", "cortend", "corten-shim", "nginx"].contains(&name.trim()))
                .collect();
            ensure!(foreign.is_empty(), "{foreign:?}");
        }
        // The server sees who asks, not the gateway.
        let seen = case.ok("logs web")?;
        ensure!(seen.contains(&format!("{OUTSIDE4} - - ")), "{seen}");
        ensure!(
            case.ok("ps --format '{{.Ports}}'")?.replace(":::", "[::]:") == "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp",
            "ports in ps"
        );
        case.ok("stop web")?;
        ensure!(
            get(case, "http://127.0.0.1:8080/").is_err(),
            "the port answers after the stop"
        );
        case.ok("start web")?;
        until_ok(LIMIT, "nginx after a restart", || get(case, "http://127.0.0.1:8080/"))?;
        case.ok("rm -f web")?;
        Ok(())
    })
}

#[test]
fn all_exposed_ports_ranges_and_one_address() -> Result<()> {
    both(&["nginx"], |case| {
        case.ok("run -d --name web -P nginx")?;
        let bound = case.inspect("web")?["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"].clone();
        let port = bound.as_str().context("a host port")?;
        until_ok(LIMIT, "nginx on its own port", || {
            get(case, &format!("http://127.0.0.1:{port}/"))
        })?;
        case.ok("rm -f web")?;
        case.ok("run -d --name web -p 127.0.0.1:8000-8001:80 nginx").err();
        case.ok("rm -f web").ok();
        case.ok("run -d --name web -p 127.0.0.1:8081:80 nginx")?;
        until_ok(LIMIT, "nginx on one address", || get(case, "http://127.0.0.1:8081/"))?;
        ensure!(
            get(case, &format!("http://{INSIDE4}:8081/")).is_err(),
            "another address answers"
        );
        ensure!(
            get_outside(case, &format!("http://{INSIDE4}:8081/")).is_err(),
            "outside gets an answer"
        );
        case.ok("rm -f web")?;
        Ok(())
    })
}

#[test]
fn datagrams_are_answered() -> Result<()> {
    const SERVER: &str = "use IO::Socket::IP; my $s = IO::Socket::IP->new(LocalPort => 9000, Proto => \"udp\", V6Only => 0) or die; while (1) { $s->recv(my $m, 1500); $s->send(\"echo $m\"); }";
    both(&["debian"], |case| {
        case.ok(&format!(
            "run -d --name echo -p 9000:9000/udp debian perl -e '{SERVER}'"
        ))?;
        let ask = |command: &mut std::process::Command, address: &str| -> Result<()> {
            let client = "use IO::Socket::IP; my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 9000, Proto => \"udp\") or die; $s->send(\"hi\"); alarm 3; $s->recv(my $m, 1500); print $m;";
            Outcome::of(command.args(["-e", client, address]))?
                .success()?
                .says("echo hi")
                .map(drop)
        };
        let inside = || case.daemon.sandbox.command("perl");
        let outside = || case.daemon.sandbox.outside("perl");
        until_ok(LIMIT, "an answer on 127.0.0.1", || ask(&mut inside(), "127.0.0.1"))?;
        ask(&mut inside(), "::1").context("[::1]")?;
        ask(&mut inside(), INSIDE4).context("the host's address")?;
        ask(&mut outside(), INSIDE4).context("outside")?;
        ask(&mut outside(), INSIDE6).context("outside, IPv6")?;
        // A second container on the same port must not get the first one's flows, nor the other way round.
        case.ok("rm -f echo")?;
        case.ok(&format!(
            "run -d --name echo -p 9000:9000/udp debian perl -e '{SERVER}'"
        ))?;
        until_ok(LIMIT, "an answer of the second", || ask(&mut outside(), INSIDE4))?;
        case.ok("rm -f echo")?;
        Ok(())
    })
}

#[test]
fn a_taken_port_is_refused_and_nothing_stays() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name first -p 8080:80 busybox sleep 1000")?;
        case.fails(
            "run -d --name second -p 8080:80 busybox sleep 1000",
            125,
            "Bind for 0.0.0.0:8080 failed: port is already allocated",
        )?;
        case.says("inspect -f '{{.State.Status}}' second", "created")?;
        case.ok("rm second")?;
        case.ok("rm -f first")?;
        case.fails(
            "run -d --name twice -p 8080:80 -p 8080:81 busybox sleep 1000",
            125,
            "Bind for 0.0.0.0:8080 failed: port is already allocated",
        )?;
        case.ok("rm twice")?;
        let mut holder = case.daemon.sandbox.command("perl");
        holder.args(["-e", "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 1, ReuseAddr => 1) or die; sleep 1000"]);
        let mut holder = holder.spawn()?;
        let pid = case.daemon.sandbox.program_pid(&holder)?;
        until_ok(LIMIT, "the port's holder", || {
            case.script("grep -q :1F90 /proc/net/tcp")?.success()
        })?;
        let outcome = case
            .run("run -d --name third -p 8080:80 busybox sleep 1000")?
            .code_is(125)?;
        ensure!(outcome.stderr.contains("address already in use"), "{outcome}");
        if !corten_e2e::is_reference()? {
            ensure!(
                outcome.stderr.contains("perl"),
                "the message does not name the process {pid}: {outcome}"
            );
        }
        case.ok("rm third")?;
        holder.kill()?;
        holder.wait()?;
        until_ok(LIMIT, "the free port", || {
            case.run("run --rm -p 8080:80 busybox true")?.success()
        })?;
        Ok(())
    })
}

#[test]
fn bad_ports_are_refused() -> Result<()> {
    both(&["busybox"], |case| {
        case.fails("run --rm -p 70000:80 busybox true", 125, "nvalid hostPort: 70000")?;
        case.fails("run --rm -p 80:80/nosuch busybox true", 125, "nvalid proto: nosuch")?;
        case.fails(
            "run --rm -p 1-3:1-2 busybox true",
            125,
            "nvalid ranges specified for container and host Ports: 1-2 and 1-3",
        )?;
        Ok(())
    })
}
