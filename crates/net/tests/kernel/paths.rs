//! Every way packets may go, and some they may not, with real sockets in namespaces.

use crate::world::{
    self, BOTH, Container, HOST, OUTSIDE, bridges_call_firewall, host_asks, ip, joined, network, on_a_host, outside,
};
use corten_net::network::Linked;
use corten_net::{BridgeNetworkConfig, Protocol};
use corten_sys::netlink::Route;
use corten_sys::netlink::address::Address;
use corten_sys::nftables::{Batch, Netfilter};
use corten_sys::sysctl;

/// Runs the same with bridged packets passing the IP firewall and not.
fn both_ways(body: impl Fn() + Clone + Send + 'static) {
    for on in ["1", "0"] {
        let body = body.clone();
        on_a_host(move || {
            if bridges_call_firewall(on) {
                body();
            } else {
                println!("skip: no bridge-nf-call-iptables here");
            }
        });
    }
}

#[test]
fn containers_reach_outside_with_the_hosts_address() {
    both_ways(|| {
        let outside = outside();
        outside.serve(7000);
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[]);
        for protocol in BOTH {
            assert_eq!(
                container.machine.ask(protocol, &format!("{OUTSIDE}:7000")).as_deref(),
                Some(HOST)
            );
        }
    });
}

#[test]
fn published_ports_are_reached_from_outside_with_the_clients_address() {
    both_ways(|| {
        let outside = outside();
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        container.machine.serve(80);
        for protocol in BOTH {
            assert_eq!(outside.ask(protocol, &format!("{HOST}:8080")).as_deref(), Some(OUTSIDE));
        }
    });
}

#[test]
fn published_ports_are_reached_from_the_host() {
    both_ways(|| {
        let _outside = outside();
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        container.machine.serve(80);
        let gateway = network.gateway4().expect("IPv4").to_string();
        for protocol in BOTH {
            assert_eq!(
                host_asks(protocol, "127.0.0.1:8080").as_deref(),
                Some(gateway.as_str()),
                "{protocol}"
            );
            assert_eq!(
                host_asks(protocol, "127.1.2.3:8080").as_deref(),
                Some(gateway.as_str()),
                "{protocol}"
            );
            assert_eq!(
                host_asks(protocol, &format!("{HOST}:8080")).as_deref(),
                Some(HOST),
                "{protocol}"
            );
            assert_eq!(
                host_asks(protocol, &format!("{gateway}:8080")).as_deref(),
                Some(gateway.as_str()),
                "{protocol}"
            );
            let direct = format!("{}:80", container.sandbox.address4.expect("IPv4"));
            assert_eq!(
                host_asks(protocol, &direct).as_deref(),
                Some(gateway.as_str()),
                "{protocol}"
            );
        }
    });
}

#[test]
fn published_ports_are_reached_from_containers_and_their_own() {
    both_ways(|| {
        let _outside = outside();
        let network = network(BridgeNetworkConfig::default());
        let server = Container::start(&network, 1, &[(None, 8080, 80)]);
        let client = Container::start(&network, 2, &[]);
        server.machine.serve(80);
        let gateway = network.gateway4().expect("IPv4").to_string();
        for protocol in BOTH {
            for host in [HOST, gateway.as_str()] {
                let to = format!("{host}:8080");
                assert_eq!(
                    client.machine.ask(protocol, &to).as_deref(),
                    Some(gateway.as_str()),
                    "{protocol} {to}"
                );
                assert_eq!(
                    server.machine.ask(protocol, &to).as_deref(),
                    Some(gateway.as_str()),
                    "{protocol} {to}"
                );
            }
            let direct = format!("{}:80", server.sandbox.address4.expect("IPv4"));
            let own = client.sandbox.address4.expect("IPv4").to_string();
            assert_eq!(
                client.machine.ask(protocol, &direct).as_deref(),
                Some(own.as_str()),
                "{protocol}"
            );
        }
    });
}

#[test]
fn what_is_not_published_is_not_reached_from_outside() {
    both_ways(|| {
        let outside = outside();
        let network = network(BridgeNetworkConfig::default());
        let ports = [(None, 8080, 80), (Some("127.0.0.1"), 8081, 81), (Some(HOST), 8082, 82)];
        let container = Container::start(&network, 1, &ports);
        for port in [80, 81, 82, 83] {
            container.machine.serve(port);
        }
        let address = container.sandbox.address4.expect("IPv4");
        for protocol in BOTH {
            for direct in [80, 83] {
                assert!(
                    outside.is_refused(protocol, &format!("{address}:{direct}")),
                    "{protocol} {direct}"
                );
            }
            assert!(outside.is_refused(protocol, &format!("{HOST}:8081")), "{protocol}");
            assert!(outside.is_refused(protocol, &format!("{HOST}:8083")), "{protocol}");
            assert_eq!(outside.ask(protocol, &format!("{HOST}:8082")).as_deref(), Some(OUTSIDE));
            assert!(host_asks(protocol, "127.0.0.1:8081").is_some());
        }
    });
}

#[test]
fn loopback_of_the_host_is_closed_to_containers() {
    both_ways(|| {
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[]);
        let secret = std::net::UdpSocket::bind("127.0.0.1:9000").expect("a port");
        secret.set_read_timeout(Some(world::SILENCE)).expect("a limit");
        let gateway = network.gateway4().expect("IPv4");
        container.machine.run(move || {
            route_loopback_by(gateway.into());
            let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("a port");
            socket.send_to(b"end", "127.0.0.1:9000").expect("sent");
        });
        let mut buffer = [0; 8];
        assert!(
            secret.recv(&mut buffer).is_err(),
            "a container reached the host's loopback"
        );
    });
}

/// A hostile machine takes 127/8 for an address of others, behind the gateway.
fn route_loopback_by(gateway: std::net::IpAddr) {
    std::fs::write("/proc/sys/net/ipv4/conf/eth0/route_localnet", "1").expect("its own setting");
    let mut kernel = Route::open().expect("netlink");
    let lo = kernel.link("lo").expect("asked").expect("there").index;
    kernel
        .delete_address(Address {
            link: lo,
            address: ip("127.0.0.1"),
            prefix: 8,
        })
        .expect("its own loopback");
    let eth0 = kernel.link("eth0").expect("asked").expect("there").index;
    kernel.set_default_route(gateway, eth0).expect("a route");
}

#[test]
fn ports_published_on_loopback_are_closed_to_the_outside() {
    both_ways(|| {
        let outside = outside();
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(Some("127.0.0.1"), 8081, 80), (None, 8080, 80)]);
        container.machine.serve(80);
        outside.run(|| route_loopback_by(ip(HOST)));
        for protocol in BOTH {
            for port in [8080, 8081] {
                assert!(
                    outside.is_refused(protocol, &format!("127.0.0.1:{port}")),
                    "{protocol} {port}"
                );
            }
            assert!(outside.ask(protocol, &format!("{HOST}:8080")).is_some(), "{protocol}");
        }
    });
}

#[test]
fn networks_are_apart_but_for_published_ports() {
    both_ways(|| {
        let _outside = outside();
        let one = network(BridgeNetworkConfig::default());
        let other = network(BridgeNetworkConfig {
            bridge: "corten-t2".to_owned(),
            table: "corten-t2".to_owned(),
            ..BridgeNetworkConfig::default()
        });
        assert_ne!(one.subnet4(), other.subnet4());
        let server = Container::start(&one, 1, &[(None, 8080, 80)]);
        server.machine.serve(80);
        server.machine.serve(81);
        let client = Container::start(&other, 2, &[]);
        for protocol in BOTH {
            for port in [80, 81] {
                let direct = format!("{}:{port}", server.sandbox.address4.expect("IPv4"));
                assert!(client.machine.is_refused(protocol, &direct), "{protocol} {port}");
            }
            assert!(
                client.machine.ask(protocol, &format!("{HOST}:8080")).is_some(),
                "{protocol}"
            );
        }
    });
}

#[test]
fn neighbours_can_be_kept_apart() {
    both_ways(|| {
        let network = network(BridgeNetworkConfig {
            inter_container: false,
            ..BridgeNetworkConfig::default()
        });
        let server = Container::start(&network, 1, &[]);
        server.machine.serve(80);
        let client = Container::start(&network, 2, &[]);
        for protocol in BOTH {
            let direct = format!("{}:80", server.sandbox.address4.expect("IPv4"));
            assert!(client.machine.is_refused(protocol, &direct), "{protocol}");
            assert!(host_asks(protocol, &direct).is_some(), "{protocol}");
        }
    });
}

/// Only the port, only from the one that has the link, only as long as both are there.
#[test]
fn a_link_opens_one_port_between_two_that_are_kept_apart() {
    both_ways(|| {
        let network = network(BridgeNetworkConfig {
            inter_container: false,
            ..BridgeNetworkConfig::default()
        });
        let [server, client, third] = [1, 2, 3].map(|number| Container::start(&network, number, &[]));
        server.machine.serve(80);
        server.machine.serve(81);
        client.machine.serve(80);
        third.machine.serve(80);
        let to = |container: &Container, port: u16| format!("{}:{port}", container.sandbox.address4.expect("IPv4"));
        let linked = Linked {
            parent: &client.sandbox,
            child: &server.sandbox,
        };
        let closed_to_others = |protocol| {
            for (from, to) in [
                (&client, to(&server, 81)),
                (&server, to(&client, 80)),
                (&third, to(&server, 80)),
                (&third, to(&client, 80)),
                (&client, to(&third, 80)),
                (&server, to(&third, 80)),
            ] {
                assert!(from.machine.is_refused(protocol, &to), "{protocol} {to}");
            }
        };
        let both = [(Protocol::Tcp, 80), (Protocol::Udp, 80)];
        network.open_link(linked, &both).expect("opened");
        for protocol in BOTH {
            assert!(client.machine.ask(protocol, &to(&server, 80)).is_some(), "{protocol}");
            closed_to_others(protocol);
        }

        // A daemon that starts again keeps it open, and a flushed ruleset comes back with it.
        let running = [&server, &client, &third].map(|container| container.sandbox.clone());
        network.recover(&running).expect("recovered");
        let mut batch = Batch::of_bridges("corten");
        batch.delete_table();
        Netfilter::open().expect("netfilter").commit(batch).expect("deleted");
        network.host().mend().expect("mended");
        assert!(client.machine.ask(Protocol::Tcp, &to(&server, 80)).is_some());
        closed_to_others(Protocol::Tcp);

        network.close_link(linked).expect("closed");
        for protocol in BOTH {
            assert!(client.machine.is_refused(protocol, &to(&server, 80)), "{protocol}");
            closed_to_others(protocol);
        }

        network.open_link(linked, &both).expect("opened");
        assert!(client.machine.ask(Protocol::Tcp, &to(&server, 80)).is_some());
        network.release(&client.sandbox).expect("released");
        // The address is another's now.
        let heir = Container::start(&network, 4, &[]);
        assert!(heir.machine.is_refused(Protocol::Tcp, &to(&server, 80)));
        assert!(third.machine.is_refused(Protocol::Tcp, &to(&server, 80)));
        assert!(server.machine.is_refused(Protocol::Tcp, &to(&third, 80)));
        network.open_link(linked, &both).expect("nothing: one of them is gone");
        assert!(heir.machine.is_refused(Protocol::Tcp, &to(&server, 80)));
    });
}

#[test]
fn a_host_that_did_not_forward_still_does_not() {
    both_ways(|| {
        let outside = outside();
        outside.serve(7000);
        let other = joined(
            "ext9",
            [
                ("203.0.113.1", "203.0.113.2", 24),
                ("2001:db8:9::1", "2001:db8:9::2", 64),
            ],
        );
        let to = format!("{OUTSIDE}:7000");
        assert!(other.is_refused(Protocol::Tcp, &to), "the host forwarded before");

        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[]);
        assert!(container.machine.ask(Protocol::Tcp, &to).is_some());
        assert!(other.is_refused(Protocol::Tcp, &to), "the host forwards for others");
        assert_eq!(sysctl::get("ipv4/ip_forward").expect("read"), "1");

        network.remove().expect("removed");
        assert_eq!(sysctl::get("ipv4/ip_forward").expect("read"), "0");
    });
}

/// A Docker that is started later finds forwarding on, and its containers are not ours to cut off.
#[test]
fn bridges_of_docker_are_forwarded_all_the_same() {
    on_a_host(|| {
        let outside = outside();
        outside.serve(7000);
        let other = joined(
            "ext9",
            [
                ("203.0.113.1", "203.0.113.2", 24),
                ("2001:db8:9::1", "2001:db8:9::2", 64),
            ],
        );
        let _network = network(BridgeNetworkConfig::default());
        let to = format!("{OUTSIDE}:7000");
        assert!(other.is_refused(Protocol::Tcp, &to), "the host forwards for others");
        for step in [
            "link add docker0 type bridge",
            "address flush dev ext9",
            "link set ext9 master docker0",
            "address add 203.0.113.1/24 dev docker0",
            "link set docker0 up",
        ] {
            match std::process::Command::new("ip").args(step.split(' ')).status() {
                Ok(status) if status.success() => {}
                result => return println!("skip: no ip to play Docker ({step}): {result:?}"),
            }
        }
        assert!(other.ask(Protocol::Tcp, &to).is_some(), "Docker's bridge is cut off");
    });
}

#[test]
fn strict_reverse_path_filters_are_no_obstacle() {
    both_ways(|| {
        for link in ["all", "default"] {
            sysctl::set(&format!("ipv4/conf/{link}/rp_filter"), "1").expect("set");
        }
        let outside = outside();
        outside.serve(7000);
        let network = network(BridgeNetworkConfig::default());
        let server = Container::start(&network, 1, &[(None, 8080, 80)]);
        server.machine.serve(80);
        for protocol in BOTH {
            assert!(host_asks(protocol, "127.0.0.1:8080").is_some(), "{protocol}");
            assert!(host_asks(protocol, &format!("{HOST}:8080")).is_some(), "{protocol}");
            assert!(outside.ask(protocol, &format!("{HOST}:8080")).is_some(), "{protocol}");
            assert!(
                server.machine.ask(protocol, &format!("{HOST}:8080")).is_some(),
                "{protocol}"
            );
            assert!(
                server.machine.ask(protocol, &format!("{OUTSIDE}:7000")).is_some(),
                "{protocol}"
            );
        }
    });
}
