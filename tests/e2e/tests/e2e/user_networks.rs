//! User-defined networks: containers find each other by name there and only there, join and leave while
//! they run, and are kept apart from the others.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, both};
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
    both(&["busybox"], |case| {
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
    both(&["busybox"], |case| {
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
    both(&["busybox"], |case| {
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
    both(&["busybox"], |case| {
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

/// The old way on the default network: variables and a line in `/etc/hosts`, kept right over restarts.
#[test]
fn links() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name db --expose 3306 -e MYSQL_ROOT_PASSWORD=secret busybox sleep 1000")?;
        case.ok("run -d --name wp --link db:mysql busybox sleep 1000")?;
        let before = address(case, "db", "bridge")?;
        let variables = case.ok("exec wp env")?;
        for variable in [
            format!("MYSQL_PORT_3306_TCP_ADDR={before}"),
            "MYSQL_ENV_MYSQL_ROOT_PASSWORD=secret".to_owned(),
            "MYSQL_NAME=/wp/mysql".to_owned(),
        ] {
            ensure!(
                variables.lines().any(|line| line == variable),
                "{variable}: {variables}"
            );
        }
        let id = case.ok("inspect -f '{{slice .Id 0 12}}' db")?;
        let hosts = case.ok("exec wp cat /etc/hosts")?;
        ensure!(hosts.contains(&format!("{before}\tmysql {id} db\n")), "{hosts}");
        case.ok("exec wp ping -c 1 -W 5 mysql")?;
        case.says("inspect -f '{{json .HostConfig.Links}}' wp", "[\"/db:/wp/mysql\"]")?;
        case.ok("stop -t 0 db")?;
        case.ok("run -d --name other busybox sleep 1000")?;
        case.ok("start db")?;
        let after = address(case, "db", "bridge")?;
        ensure!(after != before, "the test needs another address");
        let hosts = case.ok("exec wp cat /etc/hosts")?;
        ensure!(hosts.contains(&format!("{after}\tmysql {id} db\n")), "{hosts}");
        case.ok("stop -t 0 db")?;
        case.fails(
            "restart -t 0 wp",
            1,
            "Cannot link to a non running container: /db AS /wp/mysql",
        )?;
        case.fails(
            "run --rm --link nope busybox true",
            125,
            "could not get container for nope: No such container: nope",
        )?;
        case.ok("network create n1")?;
        case.ok("run -d --name far --network n1 busybox sleep 1000")?;
        case.fails(
            "run --rm --link far busybox true",
            125,
            "not attached to default bridge network",
        )?;
        let answer = case.ok("run --rm --network n1 --link far:near busybox nslookup -type=a near")?;
        ensure!(answer.contains(&address(case, "far", "n1")?), "{answer}");
        case.ok("rm -f wp db other far")?;
        case.ok("network rm n1")?;
        Ok(())
    })
}

#[test]
fn internal_isolated_and_ipv6_only_networks() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create --internal inside")?;
        case.ok("run -d --name i1 -p 8081:80 --network inside busybox sleep 1000")?;
        case.ok("run -d --name i2 --network inside busybox sleep 1000")?;
        case.ok("exec i1 ping -c 1 -W 5 i2")?;
        let routes = case.ok("exec i1 ip route")?;
        ensure!(!routes.contains("default"), "{routes}");
        case.says("inspect -f '{{json .NetworkSettings.Ports}}' i1", "{}")?;
        case.run("exec i1 nslookup nowhere.test")?
            .code_is(1)?
            .mentions("SERVFAIL")?;
        case.ok("network create -o com.docker.network.bridge.enable_icc=false apart")?;
        case.ok("run -d --name a1 --network apart busybox sleep 1000")?;
        case.ok("run -d --name a2 --network apart busybox sleep 1000")?;
        let a2 = address(case, "a2", "apart")?;
        case.run(&format!("exec a1 ping -c 1 -W 1 {a2}"))?.code_is(1)?;
        case.ok("network create --ipv6 --ipv4=false six")?;
        case.ok("run -d --name s1 --network six busybox sleep 1000")?;
        case.ok("run -d --name s2 --network six busybox sleep 1000")?;
        let answer = case.ok("exec s1 nslookup -type=aaaa s2")?;
        let inspected = case.inspect("s2")?["NetworkSettings"]["Networks"]["six"].clone();
        let six = inspected["GlobalIPv6Address"].as_str().unwrap_or_default();
        ensure!(six.starts_with("fd") && answer.contains(six), "{six}: {answer}");
        ensure!(inspected["IPAddress"] == "", "{inspected}");
        until_ok(LIMIT, "an answer over IPv6", || case.ok("exec s1 ping -6 -c 1 -W 5 s2"))?;
        case.ok("rm -f i1 i2 a1 a2 s1 s2")?;
        case.ok("network rm inside apart six")?;
        Ok(())
    })
}

#[test]
fn published_ports_lead_to_users_networks_and_move_with_the_way_out() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create n1")?;
        case.ok("network create n2")?;
        case.ok("run -d --name web -p 8085:80 --network n1 --network n2 busybox httpd -f -h /etc")?;
        let served = |case: &Case, address: &str| {
            let url = format!("http://{address}:8085/hostname");
            until_ok(LIMIT, "the server on its port", || {
                case.script(&format!("curl -s --max-time 5 {url}"))?.success()
            })
        };
        served(case, "127.0.0.1")?;
        served(case, "[::1]")?;
        case.ok("network disconnect n1 web")?;
        served(case, "127.0.0.1")?;
        served(case, "[::1]")?;
        case.ok("port web 80")?;
        case.ok("rm -f web")?;
        case.ok("run --rm -p 8085:80 --network n1 busybox true")?;
        case.ok("network create --subnet 10.77.0.0/30 tiny")?;
        case.ok("run -d --name t1 --network tiny busybox sleep 1000")?;
        case.fails(
            "run --rm --network tiny busybox true",
            125,
            "no available IPv4 addresses on this network's address pools: tiny (",
        )?;
        case.ok("rm -f t1")?;
        case.ok("network rm n1 n2 tiny")?;
        Ok(())
    })
}

/// Containers beside the host on one of its links: the machine at its other end sees them as machines.
#[test]
fn macvlan() -> Result<()> {
    both(&["busybox"], |case| {
        let subnet = "--subnet 198.51.100.0/24 --gateway 198.51.100.1 --ip-range 198.51.100.64/26";
        case.ok(&format!("network create -d macvlan -o parent=eth0 {subnet} lan"))?;
        case.ok("run -d --name m1 --network lan busybox sleep 1000")?;
        case.ok("run -d --name m2 --network lan --ip 198.51.100.99 busybox sleep 1000")?;
        ensure!(address(case, "m1", "lan")?.starts_with("198.51.100."));
        case.ok("exec m1 ping -c 1 -W 5 m2")?;
        until_ok(LIMIT, "the machine outside", || {
            case.ok("exec m2 ping -c 1 -W 5 198.51.100.1")
        })?;
        let routes = case.ok("exec m1 ip route")?;
        ensure!(routes.contains("default via 198.51.100.1 dev eth0"), "{routes}");
        case.ok("run -d --name later busybox sleep 1000")?;
        case.ok("network connect lan later")?;
        finds(case, "later", "m2", "198.51.100.99")?;
        case.ok("network disconnect lan later")?;
        case.says("exec later ls /sys/class/net", "eth0\nlo")?;
        case.fails(
            "network create -d macvlan -o parent=nope0 --subnet 10.9.1.0/24 mv",
            1,
            "invalid subinterface vlan name nope0, example formatting is eth0.10",
        )?;
        case.fails(
            "network create -d macvlan -o macvlan_mode=zz -o parent=eth0 mv",
            1,
            "requested macvlan mode 'zz' is not valid, 'bridge' mode is the macvlan driver default",
        )?;
        case.ok("rm -f m1 m2 later")?;
        case.ok("network rm lan")?;
        // Over a link that is down a container starts as well; it reaches its neighbours when the link is up.
        case.script("ip tuntap add mode tap down0")?.success()?;
        case.ok("network create -d macvlan -o parent=down0 lan")?;
        case.ok("run -d --name m1 --network lan busybox sleep 1000")?;
        case.ok("rm -f m1")?;
        case.ok("network rm lan")?;
        case.script("ip link del down0")?.success()?;
        Ok(())
    })
}
