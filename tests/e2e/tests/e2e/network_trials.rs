//! Networks when something is short, taken, gone, or hostile.

use std::io::{BufRead as _, BufReader};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{LIMIT, both, is_reference, on_daemon, one};
use corten_testkit::DaemonOptions;
use corten_testkit::wait::until_ok;

fn with_arguments(arguments: &[&str]) -> DaemonOptions {
    DaemonOptions {
        arguments: arguments.iter().map(ToString::to_string).collect(),
        ..DaemonOptions::default()
    }
}

#[test]
fn pools_and_subnets_that_run_dry() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    // two networks of the pools: the default one has the first
    let options = with_arguments(&["--default-address-pool=base=10.66.0.0/23,size=24"]);
    on_daemon(options, &["busybox"], |case| {
        case.ok("network create one")?;
        case.fails(
            "network create two",
            1,
            "all predefined address pools have been fully subnetted",
        )?;
        case.ok("network create --subnet 10.67.0.0/30 small")?;
        case.ok("run -d --name only --network small busybox top")?;
        case.fails(
            "run --rm --network small busybox true",
            125,
            "no available IPv4 addresses on this network's address pools: small (",
        )?;
        case.ok("rm -f only")?;
        case.ok("run --rm --network small busybox true")?;
        case.ok("network rm one small")?;
        case.ok("network create two")?;
        case.ok("network rm two")?;
        Ok(())
    })
}

#[test]
fn subnets_that_clash() -> Result<()> {
    one(&["busybox"], |case| {
        let here = case.script("ip link add trial type dummy 2>/dev/null || ip link add trial type veth peer name trialp; ip addr add 10.68.1.1/24 dev trial; ip link set trial up")?;
        ensure!(here.code == 0, "{here}");
        case.ok("network create --subnet 10.69.0.0/24 mine")?;
        case.fails(
            "network create --subnet 10.69.0.128/25 other",
            1,
            "invalid pool request: Pool overlaps with other one on this address space",
        )?;
        let warned = case.run("network create --subnet 10.68.0.0/16 over")?;
        warned.code_is(0)?;
        let (status, said) = case.api(
            "POST",
            "/networks/create",
            r#"{"Name":"over2","IPAM":{"Config":[{"Subnet":"10.68.1.0/25"}]}}"#,
        )?;
        ensure!(status == 403, "{status} {said}: it overlaps another network");
        case.ok("network rm mine over")?;
        let (status, said) = case.api(
            "POST",
            "/networks/create",
            r#"{"Name":"over","IPAM":{"Config":[{"Subnet":"10.68.1.0/25"}]}}"#,
        )?;
        ensure!(status == 201 && said.contains("overlaps"), "{status} {said}");
        case.ok("network rm over")?;
        case.script("ip link del trial")?;
        Ok(())
    })
}

#[test]
fn a_port_of_another_process_is_refused_with_its_name() -> Result<()> {
    one(&["busybox"], |case| {
        let mut taker = case
            .daemon
            .sandbox
            .command("busybox")
            .args(["nc", "-l", "-p", "8099"])
            .spawn()?;
        let refused = until_ok(LIMIT, "the port is taken", || {
            let refused = case.run("run --rm -p 8099:80 busybox true")?;
            ensure!(refused.code != 0, "it is free");
            Ok(refused.to_string())
        });
        taker.kill()?;
        taker.wait()?;
        let refused = refused?;
        ensure!(
            refused.contains("0.0.0.0:8099") && refused.contains("address already in use, held by busybox (pid "),
            "{refused}"
        );
        Ok(())
    })
}

#[test]
fn a_bridge_deleted_by_others_is_there_again_for_the_next_start() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("network create -o com.docker.network.bridge.name=trial0 net")?;
        case.ok("run -d --name before --network net busybox top")?;
        case.script("ip link del trial0")?;
        case.ok("run -d --name after --network net -p 8098:80 busybox httpd -f -p 80 -h /etc")?;
        until_ok(LIMIT, "the port answers", || {
            let said = case.script("curl -s --max-time 5 http://127.0.0.1:8098/hostname")?;
            ensure!(said.code == 0, "{said}");
            Ok(())
        })?;
        case.ok("restart -t 0 before")?;
        case.ok("exec before ping -c 1 -W 3 after")?;
        case.ok("rm -f before after")?;
        case.ok("network rm net")?;
        Ok(())
    })
}

#[test]
fn two_hundred_networks() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    let options = with_arguments(&["--default-address-pool=base=10.64.0.0/14,size=26"]);
    on_daemon(options, &[], |case| {
        let begun = Instant::now();
        for number in 0..200 {
            let (status, said) = case.api("POST", "/networks/create", &format!(r#"{{"Name":"n{number}"}}"#))?;
            ensure!(status == 201, "{number}: {status} {said}");
        }
        let made = begun.elapsed();
        let names = case.ok("network ls --format '{{.Name}}'")?;
        let count = names
            .lines()
            .filter(|name| name.starts_with('n') && *name != "none")
            .count();
        ensure!(count == 200, "{count} are listed");
        let begun = Instant::now();
        for number in 0..200 {
            let (status, said) = case.api("DELETE", &format!("/networks/n{number}"), "")?;
            ensure!(status == 204, "{number}: {status} {said}");
        }
        println!("200 networks: made in {made:?}, removed in {:?}", begun.elapsed());
        Ok(())
    })
}

/// One socket all the time, as a client has it that never opens another.
#[test]
fn a_udp_clients_flow_reaches_the_restarted_container() -> Result<()> {
    const SERVER: &str = "use IO::Socket::IP; my $s = IO::Socket::IP->new(LocalPort => 9000, Proto => \"udp\", V6Only => 0) or die; while (1) { $s->recv(my $m, 1500); $s->send($ENV{SAYS}); }";
    const CLIENT: &str = "use IO::Socket::IP; $| = 1; my $s = IO::Socket::IP->new(PeerHost => \"127.0.0.1\", PeerPort => 8097, Proto => \"udp\") or die; my $last = \"\"; while (1) { $s->send(\"x\"); my $m = \"\"; eval { local $SIG{ALRM} = sub { die }; alarm 1; $s->recv($m, 1500); alarm 0; }; print \"$m\\n\" if $m ne $last && $m ne \"\"; $last = $m if $m ne \"\"; select undef, undef, undef, 0.05; }";
    one(&["debian", "busybox"], |case| {
        let serve =
            |name: &str| format!("run -d --name {name} -e SAYS={name} -p 8097:9000/udp debian perl -e '{SERVER}'");
        let mut client = case
            .daemon
            .sandbox
            .command("perl")
            .args(["-e", CLIENT])
            .stdout(std::process::Stdio::piped())
            .spawn()?;
        let heard = BufReader::new(client.stdout.take().context("its output")?).lines();
        let (told, hear) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || heard.map_while(Result::ok).try_for_each(|line| told.send(line)));
        let next = || hear.recv_timeout(LIMIT).context("the client hears nothing");
        let tried = (|| {
            case.ok(&serve("first"))?;
            ensure!(next()? == "first");
            // another container has the address now, and the port leads elsewhere
            case.ok("rm -f first")?;
            case.ok("run -d --name squatter busybox top")?;
            case.ok(&serve("second"))?;
            ensure!(next()? == "second");
            case.ok("restart -t 0 second")?;
            case.ok("stop -t 0 second")?;
            case.ok(&serve("third"))?;
            ensure!(next()? == "third");
            case.ok("rm -f second third squatter").map(drop)
        })();
        client.kill()?;
        client.wait()?;
        // what it still says nobody wants
        drop(hear);
        drop(reader.join());
        tried
    })
}

/// Also shown below the engine: crates/net/tests/kernel/hostile.rs (ARP, neighbour discovery, hardware addresses) and
/// paths.rs (127.0.0.1 of the host by `route_localnet`, ports published on it).
#[test]
fn a_container_does_not_reach_other_bridges_by_routes_through_its_gateway() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create --subnet 10.71.1.0/24 one")?;
        case.ok("network create --subnet 10.71.2.0/24 other")?;
        case.ok("run -d --name victim --network other busybox top")?;
        case.ok("run -d --name thief --network one --cap-add NET_ADMIN --cap-add NET_RAW busybox top")?;
        case.ok("exec thief ip route add 10.71.2.0/24 via 10.71.1.1")?;
        let tried = case.run("exec thief ping -c 1 -W 1 10.71.2.2")?;
        ensure!(tried.code != 0, "its packets are forwarded: {tried}");
        case.ok("exec thief ip addr add 10.71.2.2/32 dev eth0")?;
        let tried = case.run("exec thief ping -c 1 -W 1 -I 10.71.2.2 10.71.1.1")?;
        ensure!(tried.code != 0, "an address of another network is answered: {tried}");
        case.ok("run --rm --network other busybox ping -c 1 -W 3 10.71.2.2")
            .context("its own neighbours reach it")?;
        case.ok("rm -f victim thief")?;
        case.ok("network rm one other")?;
        Ok(())
    })
}

#[test]
fn a_container_is_not_found_by_a_name_that_it_gives_itself() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create net")?;
        case.ok("run -d --name victim --network net busybox top")?;
        case.ok(
            "run -d --name thief --network net --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW busybox top",
        )?;
        case.ok("exec thief hostname victim")?;
        // a name server of its own, at the victim's side of the network and at 127.0.0.11's port
        case.ok("exec -d thief sh -c 'while true; do nc -u -l -p 53 -e cat; done'")?;
        let address = case.ok("inspect -f '{{.NetworkSettings.Networks.net.IPAddress}}' victim")?;
        let answer = case.ok("run --rm --network net busybox nslookup -type=a victim")?;
        let found: Vec<&str> = answer.lines().filter(|line| line.starts_with("Address: ")).collect();
        ensure!(found == [format!("Address: {address}")], "{answer}");
        case.ok("rm -f victim thief")?;
        case.ok("network rm net")?;
        Ok(())
    })
}

#[test]
fn ipvlan_says_that_the_kernel_has_none() -> Result<()> {
    one(&[], |case| {
        case.script("ip link add under type veth peer name beneath && ip link set under up")?
            .success()?;
        let create = "network create -d ipvlan -o parent=under --subnet 10.71.3.0/24";
        for (option, message) in [
            (
                "ipvlan_mode=l4",
                "requested ipvlan mode 'l4' is not valid, 'l2' mode is the ipvlan driver default",
            ),
            (
                "ipvlan_flag=x",
                "requested ipvlan flag 'x' is not valid, 'bridge' is the ipvlan driver default",
            ),
        ] {
            case.fails(&format!("{create} -o {option} no"), 1, message)?;
        }
        let is_there = case
            .script("ip link add tried link under type ipvlan && ip link delete tried")?
            .code
            == 0;
        for mode in ["l2", "l3", "l3s"] {
            let line = format!("{create} -o ipvlan_mode={mode} made");
            if is_there {
                case.ok(&line)?;
                case.ok("network rm made")?;
            } else {
                case.fails(&line, 1, "operation not supported")?;
            }
        }
        case.says("network ls -q --filter type=custom", "")?;
        case.script("ip link delete under")?.success().map(drop)
    })
}
