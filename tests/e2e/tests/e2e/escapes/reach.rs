//! Ways through the network: abstract sockets, routers, names, what a firewall's reload leaves open.

use anyhow::{Result, ensure};
use corten_e2e::{both, one};

/// A container in the host's network finds no abstract socket of the engine's.
#[test]
fn no_abstract_socket_of_the_engine() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name other busybox sleep 1000")?;
        let sockets = case.ok("run --rm --net host busybox cat /proc/net/unix")?;
        // Claims of names that nobody can connect to are no way in: what listens is.
        let listens = |line: &&str| line.contains(" @") && line.contains("corten") && line.contains(" 00010000 ");
        ensure!(sockets.lines().filter(listens).count() == 0, "{sockets}");
        let claims = sockets
            .lines()
            .filter(|line| line.contains("@corten/") && !line.contains(" 0002 01 "));
        ensure!(claims.count() == 0, "{sockets}");
        case.ok("rm -f other")?;
        Ok(())
    })
}

/// A container that advertises routes changes none of the host's; a network without IPv6 has none.
#[test]
fn nobody_routes_by_advertisement() -> Result<()> {
    both(&["busybox"], |case| {
        case.says("run --rm busybox sh -c 'grep -c eth0 /proc/net/if_inet6'", "0")
            .or_else(|_| {
                let said = case.run("run --rm busybox sh -c 'grep eth0 /proc/net/if_inet6'")?;
                ensure!(said.text().is_empty(), "IPv6 where there is to be none: {said}");
                Ok(())
            })?;
        case.ok("network create --ipv6 six")?;
        case.ok("run -d --name routed --network six busybox sleep 1000")?;
        let bridges = case.script("for n in $(ls /proc/sys/net/ipv6/conf | grep -E '^(br-|corten)'); do cat /proc/sys/net/ipv6/conf/$n/accept_ra; done | sort -u")?;
        ensure!(bridges.text() == "0", "a bridge accepts routes: {}", bridges.text());
        case.ok("rm -f routed")?;
        case.ok("network rm six")?;
        Ok(())
    })
}

/// Somebody else's firewall is loaded anew: isolation between networks, and of ports published to one address, stays.
#[test]
fn isolation_outlives_anothers_reload() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("network create one")?;
        case.ok("network create two")?;
        case.ok("run -d --name a1 --network one busybox sleep 1000")?;
        case.ok("run -d --name b1 --network two -p 127.0.0.1:8088:80 busybox sleep 1000")?;
        let address = case.ok("inspect -f '{{.NetworkSettings.Networks.two.IPAddress}}' b1")?;
        let apart = |case: &corten_e2e::Case| -> Result<()> {
            case.run(&format!("exec a1 ping -c 1 -W 1 {address}"))?.code_is(1)?;
            Ok(())
        };
        apart(case)?;
        case.script("for t in iptables ip6tables; do command -v $t >/dev/null && { $t -F; $t -X; $t -t nat -F; $t -t nat -X; }; done; true")?
            .success()?;
        apart(case)?;
        case.ok("rm -f a1 b1")?;
        case.ok("network rm one two")?;
        Ok(())
    })
}
