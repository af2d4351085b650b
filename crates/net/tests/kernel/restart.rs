//! What a daemon finds when it starts, and what it does about what others did meanwhile.

use corten_base::ContainerId;
use corten_net::forwarding::{self, Version};
use corten_net::sandbox::{PortRequest, Publishing, SandboxRequest};
use corten_net::{BridgeNetwork, BridgeNetworkConfig, Protocol};
use corten_sys::netlink::Route;
use corten_sys::nftables::{Batch, Netfilter};

use crate::world::{Container, HOST, OUTSIDE, host_asks, ip, network, on_a_host, outside};

fn port(host_port: u16) -> PortRequest {
    let host_port = Some(host_port..=host_port);
    PortRequest {
        protocol: Protocol::Tcp,
        container_port: 80,
        host_ip: None,
        host_port,
    }
}

#[test]
fn a_new_daemon_takes_over_what_runs_and_removes_the_rest() {
    on_a_host(|| {
        let outside = outside();
        let (alive, dead) = {
            let network = network(BridgeNetworkConfig::default());
            let dead = Container::start(&network, 1, &[(None, 8081, 80)]);
            let alive = Container::start(&network, 2, &[(None, 8080, 80)]);
            (alive, dead)
        };
        alive.machine.serve(80);
        let ask = || outside.ask(Protocol::Tcp, &format!("{HOST}:8080"));
        assert_eq!(ask().as_deref(), Some(OUTSIDE));

        let network = network(BridgeNetworkConfig::default());
        assert_eq!(
            ask().as_deref(),
            Some(OUTSIDE),
            "published between opening and recovery"
        );
        let recovered = network
            .recover(std::slice::from_ref(&alive.sandbox))
            .expect("recovered");
        assert_eq!(recovered.links_removed, std::slice::from_ref(&dead.sandbox.link));
        assert_eq!((recovered.ports_removed, recovered.ports_added), (2, 0));
        assert!(recovered.links_missing.is_empty());
        assert_eq!(ask().as_deref(), Some(OUTSIDE));

        // addresses are leased again around those that run, and ports of ours are known
        let third = Container::start(&network, 3, &[]);
        assert_eq!(third.sandbox.address4, dead.sandbox.address4);
        let container = ContainerId::from_random([4; 32]);
        let ports = [port(8080)];
        let request = SandboxRequest {
            container: &container,
            name: "web",
            interface: "eth0",
            address4: None,
            address6: None,
            without_ipv6: false,
            mac: None,
            ports: Publishing::all(&ports),
        };
        let error = network.prepare(&request).expect_err("the port is taken").to_string();
        let owner = alive.sandbox.container.short();
        assert_eq!(
            error,
            format!(
                "failed to set up container networking: driver failed programming external connectivity on endpoint \
                 web ({container}): Bind for 0.0.0.0:8080 failed: port is already allocated (by container {owner})"
            )
        );
        assert_eq!(
            network
                .recover(&[alive.sandbox.clone(), third.sandbox.clone()])
                .expect("again"),
            Default::default()
        );
    });
}

#[test]
fn a_lost_port_is_published_again_and_a_lost_link_is_told() {
    on_a_host(|| {
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        container.machine.serve(80);
        let mut batch = Batch::new("corten");
        batch.delete_table();
        Netfilter::open()
            .expect("netfilter")
            .commit(batch)
            .expect("deleted behind our back");
        let recovered = network
            .recover(std::slice::from_ref(&container.sandbox))
            .expect("recovered");
        assert_eq!(recovered.ports_added, 2);
        assert!(host_asks(Protocol::Tcp, "127.0.0.1:8080").is_some());

        assert!(
            Route::open()
                .expect("netlink")
                .delete_link(&container.sandbox.link)
                .expect("deleted")
        );
        let recovered = network
            .recover(std::slice::from_ref(&container.sandbox))
            .expect("recovered");
        assert_eq!(recovered.links_missing, [container.sandbox.container]);
    });
}

#[test]
fn a_flushed_ruleset_is_written_again() {
    on_a_host(|| {
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        container.machine.serve(80);
        let host = network.host();
        assert!(host.mend().expect("looked").is_empty());
        for (table, bridges) in [("corten", false), ("corten", true), ("corten_guard", false)] {
            let mut batch = if bridges {
                Batch::of_bridges(table)
            } else {
                Batch::new(table)
            };
            batch.delete_table();
            Netfilter::open().expect("netfilter").commit(batch).expect(table);
        }
        let mended = host.mend().expect("written");
        assert_eq!(mended, ["inet corten", "bridge corten", "inet corten_guard"]);
        assert!(host_asks(Protocol::Tcp, "127.0.0.1:8080").is_some());
        assert!(host.mend().expect("looked").is_empty());
    });
}

#[test]
fn a_guard_that_was_lost_in_part_is_made_whole() {
    on_a_host(|| {
        let gateway6 = Some(("fd00:18::1".parse().expect("an address"), 64));
        let network = network(BridgeNetworkConfig {
            gateway6,
            ..BridgeNetworkConfig::default()
        });
        let kept = || forwarding::guarded(&mut Netfilter::open().expect("netfilter")).expect("asked");
        assert_eq!(kept(), [Version::V4, Version::V6]);
        assert_eq!(network.host().mend().expect("written"), ["bridge corten"]);
        // As after a flush that another daemon, with IPv6 alone, noticed first.
        let mut batch = Batch::new("corten_guard");
        batch.clear_chain("forward4").delete_chain("forward4");
        Netfilter::open().expect("netfilter").commit(batch).expect("deleted");
        // A new network of the same daemon does not make it forget what was guarded.
        network.host().admit(&[&network]).expect("admitted");
        assert_eq!(network.host().mend().expect("written"), ["inet corten_guard"]);
        assert_eq!(kept(), [Version::V4, Version::V6]);
    });
}

#[test]
fn a_bridge_or_table_deleted_by_others_comes_back() {
    on_a_host(|| {
        let network = network(BridgeNetworkConfig::default());
        assert!(Route::open().expect("netlink").delete_link("corten0").expect("deleted"));
        let first = Container::start(&network, 1, &[(None, 8080, 80)]);
        first.machine.serve(80);
        assert!(host_asks(Protocol::Tcp, "127.0.0.1:8080").is_some());

        let mut batch = Batch::new("corten");
        batch.delete_table();
        Netfilter::open().expect("netfilter").commit(batch).expect("deleted");
        let second = Container::start(&network, 2, &[(None, 8081, 80)]);
        second.machine.serve(80);
        for port in [8080, 8081] {
            assert!(
                host_asks(Protocol::Tcp, &format!("127.0.0.1:{port}")).is_some(),
                "{port}"
            );
        }
    });
}

#[test]
fn pools_that_the_host_uses_are_left_out() {
    on_a_host(|| {
        let mut kernel = Route::open().expect("netlink");
        let lo = kernel.link("lo").expect("asked").expect("there").index;
        let address = corten_sys::netlink::address::Address {
            link: lo,
            address: ip("172.17.200.1"),
            prefix: 24,
        };
        kernel.add_address(address).expect("the host's own");
        let network = network(BridgeNetworkConfig::default());
        assert_eq!(network.subnet4().expect("IPv4").to_string(), "172.18.0.0/16");
        drop(network);
        kernel.delete_address(address).expect("gone");
        let again: BridgeNetwork = crate::world::network(BridgeNetworkConfig::default());
        assert_eq!(
            again.subnet4().expect("IPv4").to_string(),
            "172.18.0.0/16",
            "the bridge's subnet is kept"
        );
    });
}

#[test]
fn another_subnet_may_be_configured() {
    on_a_host(|| {
        drop(network(BridgeNetworkConfig::default()));
        let gateway = Some(("10.88.0.1".parse().expect("an address"), 24));
        let range = Some("10.88.0.128/25".parse().expect("a subnet"));
        let network = network(BridgeNetworkConfig {
            gateway,
            range,
            ..BridgeNetworkConfig::default()
        });
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        assert_eq!(container.sandbox.address4.expect("IPv4").to_string(), "10.88.0.128");
        container.machine.serve(80);
        assert_eq!(host_asks(Protocol::Tcp, "127.0.0.1:8080").as_deref(), Some("10.88.0.1"));
        let addresses = Route::open().expect("netlink").addresses().expect("listed");
        assert!(
            !addresses.iter().any(|found| found.address == ip("172.17.0.1")),
            "the former address is gone"
        );
    });
}

#[test]
fn two_daemons_do_not_share_a_bridge_or_table() {
    on_a_host(|| {
        let first = network(BridgeNetworkConfig::default());
        let open = |bridge: &str, table: &str| {
            let (bridge, table) = (bridge.to_owned(), table.to_owned());
            BridgeNetwork::open(BridgeNetworkConfig {
                bridge,
                table,
                ..BridgeNetworkConfig::default()
            })
        };
        let error = open("corten0", "corten").expect_err("it is taken").to_string();
        assert!(
            error.starts_with("bridge corten0 belongs to another daemon that runs: "),
            "{error}"
        );
        let error = open("corten9", "corten").expect_err("it is taken").to_string();
        assert!(
            error.starts_with("nftables table corten belongs to another daemon that runs: "),
            "{error}"
        );
        open("corten9", "corten9").expect("its own");
        drop(first);
        open("corten0", "corten").expect("free again");
    });
}
