//! `kill -9` of the daemon at every effect boundary of what changes networks: the networks, the addresses, the
//! names and the container's inside agree afterwards, and a container that runs is reached all the time.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::wait::until_ok;

use crate::kill_daemon::{Operation, interrupt_everywhere, remove_if_there};

fn networks(case: &Case) -> Result<String> {
    case.ok("network ls --filter type=custom --format '{{.Name}}'")
}

/// Removes a user's network if it is there, and makes it anew: nothing of the former is in the way.
fn again_and_gone(case: &Case) -> Result<()> {
    if !networks(case)?.is_empty() {
        case.ok("network inspect net")?;
        case.ok("network rm net")?;
    }
    case.ok("network create --subnet 10.99.0.0/24 -o com.docker.network.bridge.name=kbr0 net")?;
    case.ok("run --rm --network net --ip 10.99.0.9 busybox true")?;
    case.ok("network rm net")?;
    ensure!(networks(case)?.is_empty(), "networks are left");
    Ok(())
}

/// Whether the two reach each other by name over `net`, as often as they should.
fn reach(case: &Case) -> Result<()> {
    until_ok(LIMIT, "a neighbour by name", || {
        case.ok("exec box ping -c 1 -W 5 other")
    })?;
    until_ok(LIMIT, "a neighbour by name", || {
        case.ok("exec other ping -c 1 -W 5 box")
    })?;
    Ok(())
}

#[test]
fn create_and_remove() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[],
            line: "network create --subnet 10.99.0.0/24 -o com.docker.network.bridge.name=kbr0 net",
            afterwards: again_and_gone,
        },
    )?;
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &["network create --subnet 10.99.0.0/24 -o com.docker.network.bridge.name=kbr0 net"],
            line: "network rm net",
            afterwards: again_and_gone,
        },
    )
}

#[test]
fn prune() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[
                "network create --subnet 10.99.0.0/24 -o com.docker.network.bridge.name=kbr0 net",
                "network create --ipv6 more",
                "network create used",
                "run -d --name box --network used busybox top",
            ],
            line: "network prune -f",
            afterwards: |case| {
                case.ok("network prune -f")?;
                case.says("network ls --filter type=custom --format '{{.Name}}'", "used")?;
                case.ok("run --rm --network used busybox ping -c 1 -W 5 box")?;
                remove_if_there(case)?;
                case.ok("network rm used")?;
                again_and_gone(case)
            },
        },
    )
}

#[test]
fn start_on_a_users_network() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[
                "network create net",
                "network create more",
                "run -d --name other --network net busybox sleep 1000",
                "create --name box --network net --network more -p 8080:80 busybox sleep 1000",
            ],
            line: "start box",
            afterwards: |case| {
                if case.ok("inspect -f '{{.State.Running}}' box")? != "true" {
                    case.ok("start box")?;
                }
                reach(case)?;
                case.ok("rm -f other")?;
                remove_if_there(case)?;
                case.ok("network rm net more").map(drop)
            },
        },
    )
}

#[test]
fn connect_and_disconnect() -> Result<()> {
    let afterwards = |case: &Case| {
        let links = case.ok("exec box ls /sys/class/net")?;
        let attached = case.inspect("box")?["NetworkSettings"]["Networks"]["net"]["IPAddress"] != "";
        let attached = attached && case.inspect("box")?["NetworkSettings"]["Networks"]["net"].is_object();
        ensure!(links.contains("eth1") == attached, "{links}, attached: {attached}");
        let routes = case.ok("exec box ip route")?;
        ensure!(routes.matches("default").count() == 1, "{routes}");
        if !attached {
            let hosts = case.ok("exec box cat /etc/hosts")?;
            ensure!(!hosts.contains("172.18."), "{hosts}");
            case.ok("network connect net box")?;
        }
        reach(case)?;
        case.ok("network disconnect net box")?;
        case.says("exec box ls /sys/class/net", "eth0\nlo")?;
        case.ok("rm -f other")?;
        remove_if_there(case)?;
        case.ok("network rm net").map(drop)
    };
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[
                "network create net",
                "run -d --name other --network net busybox sleep 1000",
                "run -d --name box -p 8080:80 busybox sleep 1000",
            ],
            line: "network connect net box",
            afterwards,
        },
    )?;
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[
                "network create net",
                "run -d --name other --network net busybox sleep 1000",
                "run -d --name box -p 8080:80 busybox sleep 1000",
                "network connect net box",
            ],
            line: "network disconnect net box",
            afterwards,
        },
    )
}

#[test]
fn the_end_of_a_container() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[
                "network create net",
                "run -d --name other --network net busybox sleep 1000",
                "network create more",
                "run -d --name box --network net --network more busybox sleep 1000",
            ],
            line: "rm -f box",
            afterwards: |case| {
                until_ok(LIMIT, "the end of the name", || {
                    if case.ok("ps -a --format '{{.Names}}'")?.contains("box") {
                        case.ok("rm -f box")?;
                    }
                    case.run("exec other nslookup -type=a box.net")?.code_is(1)
                })?;
                case.ok("rm -f other")?;
                case.says("ps -aq", "")?;
                case.ok("network rm net more").map(drop)
            },
        },
    )
}

/// A network that becomes the way out takes the published port over, one that ends to be gives it back.
#[test]
fn ports_that_move() -> Result<()> {
    let afterwards = |case: &Case| {
        let fetch = "curl --silent --show-error --fail --max-time 5 http://127.0.0.1:8080/hostname";
        let reached = || until_ok(LIMIT, "the port", || case.script(fetch)?.success().map(drop));
        let leads_by = |name: &str| {
            let way = case.ok("exec box ip route")?;
            let at = case.ok(&format!(
                "inspect -f '{{{{.NetworkSettings.Networks.{name}.Gateway}}}}' box"
            ))?;
            ensure!(way.contains(&format!("default via {at} ")), "{name} {at}: {way}");
            reached()
        };
        reached()?;
        let attached = case.inspect("box")?["NetworkSettings"]["Networks"]["aaa"].is_object();
        leads_by(if attached { "aaa" } else { "net" })?;
        if !attached {
            case.ok("network connect aaa box")?;
            leads_by("aaa")?;
        }
        case.ok("network disconnect aaa box")?;
        leads_by("net")?;
        remove_if_there(case)?;
        case.ok("network rm aaa net").map(drop)
    };
    const RUN: &str = "run -d --name box --network net -p 8080:80 busybox httpd -f -p 80 -h /etc";
    for (prepare, line) in [
        (
            &["network create net", "network create aaa", RUN][..],
            "network connect aaa box",
        ),
        (
            &[
                "network create net",
                "network create aaa",
                RUN,
                "network connect aaa box",
            ],
            "network disconnect aaa box",
        ),
    ] {
        let operation = Operation {
            prepare,
            line,
            afterwards,
        };
        interrupt_everywhere(&["busybox"], &operation)?;
    }
    Ok(())
}
