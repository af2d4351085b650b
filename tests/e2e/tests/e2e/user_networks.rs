//! User-defined networks: containers find each other by name there and only there, join and leave while
//! they run, and are kept apart from the others.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, one};
use corten_testkit::wait::until_ok;

/// The address that a container has on a network.
fn address(case: &Case, container: &str, network: &str) -> Result<String> {
    let inspected = case.inspect(container)?;
    let address = inspected["NetworkSettings"]["Networks"][network]["IPAddress"].as_str();
    let address = address.unwrap_or_default().to_owned();
    ensure!(
        !address.is_empty(),
        "{container} has no address on {network}: {inspected}"
    );
    Ok(address)
}

/// Whether a container finds a name, and at this address.
fn finds(case: &Case, container: &str, name: &str, address: &str) -> Result<()> {
    let answer = case.ok(&format!("exec {container} nslookup -type=a {name}"))?;
    ensure!(answer.contains(&format!("Address: {address}")), "{name}: {answer}");
    Ok(())
}

/// The illustration of a user's bridge beside the default one, as the course draws it.
#[test]
fn containers_of_a_bridge_find_each_other_and_nobody_else() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok("network create -d bridge my_bridge")?;
        ensure!(id.len() == 64, "{id}");
        case.ok("run -d --name cont1 busybox sleep 1000")?;
        case.ok("run -d --name cont2 --network my_bridge busybox sleep 1000")?;
        let cont2 = address(case, "cont2", "my_bridge")?;
        case.ok("network connect my_bridge cont1")?;
        let interfaces = case.ok("exec cont1 ls /sys/class/net")?;
        ensure!(interfaces == "eth0\neth1\nlo", "{interfaces}");
        case.ok(&format!("exec cont1 ping -c 1 -W 5 {cont2}"))?;
        case.ok("exec cont1 ping -c 1 -W 5 cont2")?;
        finds(case, "cont1", "cont2", &cont2)?;
        let cont1 = address(case, "cont1", "my_bridge")?;
        finds(case, "cont2", "cont1", &cont1)?;
        case.ok("exec cont2 ping -c 1 -W 5 cont1.my_bridge")?;
        let outsider = case.run(&format!("run --rm busybox ping -c 1 -W 1 {cont2}"))?;
        outsider.code_is(1).context("the default bridge reaches my_bridge")?;
        case.fails("network rm my_bridge", 1, "network my_bridge has active endpoints")?;
        case.ok("network disconnect my_bridge cont1")?;
        case.says("exec cont1 ls /sys/class/net", "eth0\nlo")?;
        let hosts = case.ok("exec cont1 cat /etc/hosts")?;
        ensure!(!hosts.contains(&cont1), "{hosts}");
        case.ok("rm -f cont1 cont2")?;
        case.says("network rm my_bridge", "my_bridge")?;
        Ok(())
    })
}

#[test]
fn aliases_several_networks_and_their_way_out() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("network create --subnet 192.168.23.0/24 n1")?;
        case.ok("network create --subnet 192.168.24.0/24 n2")?;
        case.ok("run -d --name db --network n1 --ip 192.168.23.45 --network-alias store --hostname hosty busybox sleep 1000")?;
        case.ok("run -d --name web --network n1 --network name=n2,gw-priority=3,alias=zed,ip=192.168.24.50 busybox sleep 1000")?;
        ensure!(address(case, "db", "n1")? == "192.168.23.45");
        for name in ["db", "store", "hosty", "DB", "db.n1"] {
            finds(case, "web", name, "192.168.23.45")?;
        }
        let id = case.ok("inspect -f '{{slice .Id 0 12}}' db")?;
        finds(case, "web", &id, "192.168.23.45")?;
        let routes = case.ok("exec web ip route")?;
        ensure!(routes.contains("default via 192.168.24.1 dev eth1"), "{routes}");
        case.ok("network disconnect n2 web")?;
        let routes = case.ok("exec web ip route")?;
        ensure!(routes.contains("default via 192.168.23.1 dev eth0"), "{routes}");
        case.ok("restart -t 0 db")?;
        finds(case, "web", "db", "192.168.23.45")?;
        case.ok("rename db base")?;
        finds(case, "web", "base", "192.168.23.45")?;
        case.ok("rename base db")?;
        case.ok("stop -t 0 db")?;
        let gone = case.run("exec web nslookup -type=a db.n1")?;
        ensure!(!gone.text().contains("192.168.23.45"), "a stopped container has a name");
        case.ok("network connect --ip 192.168.24.46 --alias later n2 db")?;
        case.ok("start db")?;
        case.ok("network connect n2 web")?;
        finds(case, "web", "later", "192.168.24.46")?;
        case.ok("rm -f db web")?;
        case.ok("network rm n1 n2")?;
        Ok(())
    })
}

#[test]
fn what_cannot_be_is_refused_in_dockers_words() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("network create n1")?;
        case.ok("network create --subnet 192.168.23.0/24 n2")?;
        case.ok("run -d --name c1 busybox sleep 1000")?;
        case.ok("run -d --name c2 --network n1 busybox sleep 1000")?;
        case.ok("run -d --name c3 --network n2 --ip 192.168.23.46 busybox sleep 1000")?;
        let c1 = case.ok("inspect -f '{{.Id}}' c1")?;
        let not_connected = format!("container {c1} is not connected to network n1");
        let table = [
            ("network create n1", "network with name n1 already exists"),
            (
                "network create host",
                "operation is not permitted on predefined host network",
            ),
            ("network create -d nope n3", "plugin \"nope\" not found"),
            ("network create -d overlay n3", "This node is not a swarm manager."),
            (
                "network create -d host n3",
                "only one instance of \"host\" network is allowed",
            ),
            (
                "network create --subnet 192.168.23.0/25 n3",
                "invalid pool request: Pool overlaps with other one on this address space",
            ),
            (
                "network create --subnet 192.168.24.5/24 n3",
                "invalid network config:\ninvalid subnet 192.168.24.5/24: it should be 192.168.24.0/24",
            ),
            ("network create --ipv4=false n3", "IPv4 or IPv6 must be enabled"),
            (
                "network create --config-from zz n3",
                "configuration network \"zz\" does not exist",
            ),
            (
                "network create -o com.docker.network.bridge.enable_icc=x n3",
                "failed to parse com.docker.network.bridge.enable_icc value: x (strconv.ParseBool: parsing \"x\": invalid syntax)",
            ),
            (
                "network rm bridge",
                "bridge is a pre-defined network and cannot be removed",
            ),
            ("network rm nope", "network nope not found"),
            ("network connect nope c1", "network nope not found"),
            ("network connect n1 nope", "No such container: nope"),
            (
                "network connect n1 c2",
                "endpoint with name c2 already exists in network n1",
            ),
            (
                "network connect host c1",
                "cannot connect container to host network - container must be created in host network mode",
            ),
            ("network disconnect n1 c1", &not_connected),
            ("network disconnect -f n1 nope", "endpoint nope not found"),
            (
                "network connect --ip 172.18.0.9 n1 c1",
                "invalid endpoint settings:\nuser specified IP address is supported only when connecting to networks with user configured subnets",
            ),
            ("network connect --ip 192.168.23.46 n2 c1", "Address already in use"),
            (
                "network connect --ip 192.168.99.1 n2 c1",
                "no configured subnet or ip-range contain the IP address 192.168.99.1",
            ),
            ("network ls --filter nope=x", "invalid filter 'nope'"),
            ("network ls --filter type=x", "invalid filter: 'type'='x'"),
        ];
        for (line, text) in table {
            case.fails(line, 1, text)?;
        }
        case.fails(
            "run --rm --network nope busybox true",
            125,
            "failed to set up container networking: network nope not found",
        )?;
        case.fails(
            "run --rm --network n1 --ip 172.18.0.77 busybox true",
            125,
            "invalid config for network n1: invalid endpoint settings:\nuser specified IP address is supported only when connecting to networks with user configured subnets",
        )?;
        case.ok("rm -f c1 c2 c3")?;
        let pruned = case.ok("network prune -f")?;
        ensure!(pruned.contains("n1") && pruned.contains("n2"), "{pruned}");
        case.says("network ls --format '{{.Name}}'", "bridge\nhost\nnone")?;
        Ok(())
    })
}

#[test]
fn events_and_lists() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok("network create --label a=b n1")?;
        case.ok("run --rm --network n1 busybox true")?;
        case.says("network ls -q --no-trunc --filter label=a=b", &id)?;
        case.says(
            "network ls --filter driver=null --format '{{.Name}} {{.Scope}}'",
            "none local",
        )?;
        case.ok("network rm n1")?;
        let events = until_ok(LIMIT, "all events", || {
            let events = case.ok(&format!(
                "events --since 1h --until 0s --filter network={id} --format '{{{{.Action}}}}'"
            ))?;
            ensure!(events.lines().count() == 4, "{events}");
            Ok(events)
        })
        .context("create, connect, disconnect, destroy")?;
        ensure!(events == "create\nconnect\ndisconnect\ndestroy", "{events}");
        Ok(())
    })
}
