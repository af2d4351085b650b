//! What is made, what is taken away, what comes back after a restart or after others meddled.

use std::net::UdpSocket;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use corten_base::ContainerId;
use corten_net::sandbox::{PortRequest, Publishing, SandboxRequest};
use corten_net::{BridgeNetworkConfig, MacAddress, Protocol};
use corten_sys::conntrack::Conntrack;
use corten_sys::netlink::Route;
use corten_sys::nftables::Netfilter;
use corten_sys::{netns, sysctl};

use crate::world::{BOTH, Container, HOST, Machine, OUTSIDE, PATIENCE, host_asks, ip, network, on_a_host, outside};

fn port(host_port: u16) -> PortRequest {
    let host_port = Some(host_port..=host_port);
    PortRequest {
        protocol: Protocol::Tcp,
        container_port: 80,
        host_ip: None,
        host_port,
    }
}

fn links() -> Vec<String> {
    let mut names: Vec<_> = Route::open()
        .and_then(|mut kernel| Ok(kernel.links()?))
        .expect("links")
        .into_iter()
        .map(|link| link.name)
        .collect();
    names.sort();
    names
}

#[test]
fn release_leaves_nothing_and_may_be_repeated() {
    on_a_host(|| {
        let outside = outside();
        outside.serve(7000);
        let network = network(BridgeNetworkConfig::default());
        let before = links();
        let container = Container::start(&network, 1, &[(None, 8080, 80), (Some("127.0.0.1"), 8081, 80)]);
        container.machine.serve(80);
        for protocol in BOTH {
            assert!(outside.ask(protocol, &format!("{HOST}:8080")).is_some());
            assert!(container.machine.ask(protocol, &format!("{OUTSIDE}:7000")).is_some());
        }
        let address = ip(&container.sandbox.address4.expect("IPv4").to_string());
        let mut connections = Conntrack::open().expect("conntrack");
        let (began, ended) = connections.count(address).expect("counted");
        assert!(began >= 2 && ended >= 2, "{began} {ended}");

        network.release(&container.sandbox).expect("released");
        assert_eq!(connections.count(address).expect("counted"), (0, 0));
        network.sweep().expect("swept");
        assert_eq!(links(), before);
        let mut kernel = Netfilter::open().expect("netfilter");
        for map in ["published4", "published_any4", "published6", "published_any6"] {
            assert!(kernel.elements("corten", map).expect("listed").is_empty());
        }
        network.release(&container.sandbox).expect("released twice");
        drop(container);
        let next = Container::start(&network, 2, &[(None, 8080, 80)]);
        assert_eq!(next.sandbox.address4.expect("IPv4").to_string(), address.to_string());
    });
}

#[test]
fn a_udp_client_follows_the_port_to_the_next_container() {
    on_a_host(|| {
        let outside = outside();
        let network = network(BridgeNetworkConfig::default());
        let first = Container::start(&network, 1, &[(None, 5353, 53)]);
        first.machine.serve(53);
        let client = outside.run(|| UdpSocket::bind("0.0.0.0:0").expect("a port"));
        let ask = |client: UdpSocket| {
            outside.run(move || {
                client.set_read_timeout(Some(PATIENCE)).expect("a limit");
                client.send_to(b"who am I", format!("{HOST}:5353")).expect("sent");
                let mut buffer = [0; 64];
                let answer = client.recv(&mut buffer);
                (client, answer.is_ok())
            })
        };
        let (client, answered) = ask(client);
        assert!(answered);
        let spare = Container::start(&network, 3, &[]); // takes the next address, so that the port moves
        network.release(&first.sandbox).expect("released");
        drop(first);
        let keeper = Container::start(&network, 4, &[]); // takes the first's address
        let second = Container::start(&network, 2, &[(None, 5353, 53)]);
        second.machine.serve(53);
        let (_, answered) = ask(client);
        assert!(answered, "the client still talks to the old address");
        drop((spare, keeper));
    });
}

/// While nobody had the port, the client's packets made a flow that no rule rewrites.
#[test]
fn a_udp_client_that_went_on_sending_reaches_the_next_container() {
    on_a_host(|| {
        let outside = outside();
        let network = network(BridgeNetworkConfig::default());
        let client = outside.run(|| UdpSocket::bind("0.0.0.0:0").expect("a port"));
        let own = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let client = outside.run(move || {
            client.send_to(b"who am I", format!("{HOST}:5353")).expect("sent");
            client
        });
        own.send_to(b"who am I", "127.0.0.1:5353").expect("sent");
        let next = Container::start(&network, 2, &[(None, 5353, 53)]);
        next.machine.serve(53);
        let answered = outside.run(move || {
            client.set_read_timeout(Some(PATIENCE)).expect("a limit");
            client.send_to(b"who am I", format!("{HOST}:5353")).expect("sent");
            client.recv(&mut [0; 64]).is_ok()
        });
        assert!(answered, "the outside's flow leads to the host still");
        own.set_read_timeout(Some(PATIENCE)).expect("a limit");
        // the first may be told that nobody was there
        let answered =
            (0..2).any(|_| own.send_to(b"who am I", "127.0.0.1:5353").is_ok() && own.recv(&mut [0; 64]).is_ok());
        assert!(answered, "the host's own flow leads to itself still");
    });
}

#[test]
fn the_next_owner_of_an_address_is_reached_at_once() {
    on_a_host(|| {
        let network = network(BridgeNetworkConfig::default());
        let neighbour = Container::start(&network, 9, &[]);
        // A lost first packet is sent again after a second, every time; a busy machine is not slow every time.
        let mut quickest = Duration::MAX;
        for number in 1..6 {
            let container = Container::start(&network, number, &[(None, 8080, 80)]);
            container.machine.serve(80);
            let direct = format!("{}:80", container.sandbox.address4.expect("IPv4"));
            let started = Instant::now();
            assert!(host_asks(Protocol::Tcp, "127.0.0.1:8080").is_some());
            assert!(neighbour.machine.ask(Protocol::Tcp, &direct).is_some());
            quickest = quickest.min(started.elapsed());
            network.release(&container.sandbox).expect("released");
        }
        assert!(quickest < Duration::from_millis(900), "{quickest:?}");
    });
}

#[test]
fn a_failed_step_leaves_nothing() {
    on_a_host(|| {
        let network = network(BridgeNetworkConfig::default());
        let before = links();
        let container = ContainerId::from_random([1; 32]);
        let holder = std::net::TcpListener::bind("0.0.0.0:8081").expect("a port");
        let ports = [port(8080), port(8081)];
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
        let error = network.prepare(&request).expect_err("one port is taken").to_string();
        assert!(
            error.contains(
                "failed to bind host port for 0.0.0.0:8081:172.17.0.2:80/tcp: address already in use, held by "
            ),
            "{error}"
        );
        drop(holder);

        let prepared = network.prepare(&request).expect("free again");
        assert_eq!(prepared.sandbox.address4.expect("IPv4").to_string(), "172.17.0.2");
        let not_a_namespace = std::fs::File::open("/dev/null").expect("a file");
        network
            .connect(&prepared.sandbox, not_a_namespace.as_fd())
            .expect_err("no namespace");
        assert_eq!(links(), before);
        network.abandon(&prepared.sandbox);
        drop(prepared);
        let machine = Machine::new();
        let taken = machine.run(|| netns::current().expect("its descriptor"));
        let prepared = network.prepare(&request).expect("everything is free again");
        network.connect(&prepared.sandbox, taken.as_fd()).expect("connected");
        network
            .connect(&prepared.sandbox, taken.as_fd())
            .expect_err("the name is taken");
        network.release(&prepared.sandbox).expect("released");
        network.sweep().expect("swept");
        assert_eq!(links(), before);
    });
}

#[test]
fn removal_leaves_the_host_as_it_was() {
    on_a_host(|| {
        let before = links();
        let first = network(BridgeNetworkConfig::default());
        let second = network(BridgeNetworkConfig {
            bridge: "corten-t2".to_owned(),
            table: "corten-t2".to_owned(),
            ..BridgeNetworkConfig::default()
        });
        first.remove().expect("removed");
        assert_eq!(
            sysctl::get("ipv4/ip_forward").expect("read"),
            "1",
            "another daemon still needs it"
        );
        second.remove().expect("removed");
        assert_eq!(sysctl::get("ipv4/ip_forward").expect("read"), "0");
        assert_eq!(links(), before);
        assert!(
            Netfilter::open()
                .expect("netfilter")
                .base_chains()
                .expect("listed")
                .is_empty()
        );
    });
}

#[test]
fn a_thousand_ports_are_published_and_one_more_at_a_time() {
    on_a_host(|| {
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        container.machine.serve(80);
        let firewall = corten_net::firewall::Firewall::open("corten", corten_net::Means::default()).expect("the table");
        let publication = |number: u16| corten_net::firewall::Publication {
            protocol: Protocol::Tcp,
            host: std::net::SocketAddr::from(([0, 0, 0, 0], 20_000 + number)),
            container: std::net::SocketAddr::from((container.sandbox.address4.expect("IPv4"), 80)),
        };
        let many: Vec<_> = (0..1000).map(publication).collect();
        firewall.publish(&many).expect("published");
        assert_eq!(firewall.published().expect("listed").len(), 1002);
        for number in [0, 500, 999] {
            assert!(host_asks(Protocol::Tcp, &format!("127.0.0.1:{}", 20_000 + number)).is_some());
        }
        for number in 0..50 {
            firewall.publish(&[publication(2000 + number)]).expect("published");
        }
        firewall.unpublish(&many).expect("unpublished");
        firewall.unpublish(&many).expect("unpublished twice");
        assert_eq!(firewall.published().expect("listed").len(), 52);
        let elsewhere = corten_net::firewall::Publication {
            container: "172.17.0.9:80".parse().expect("address"),
            ..publication(2000)
        };
        firewall.publish(&[elsewhere]).expect_err("it leads elsewhere");
        firewall.publish(&[publication(2000)]).expect("it leads there");
    });
}

#[test]
fn many_at_once_never_share_and_leave_nothing() {
    const THREADS: u8 = 8;
    const ROUNDS: u8 = 12;
    on_a_host(|| {
        let network = std::sync::Arc::new(network(BridgeNetworkConfig::default()));
        let before = links();
        let taken = std::sync::Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
        let worker = |thread: u8| {
            let (network, taken) = (std::sync::Arc::clone(&network), std::sync::Arc::clone(&taken));
            std::thread::spawn(move || {
                let machine = Machine::new();
                let namespace = machine.run(|| netns::current().expect("its descriptor"));
                for round in 0..ROUNDS {
                    let mut bytes = [thread; 32];
                    bytes[1] = round;
                    let container = ContainerId::from_random(bytes);
                    let ports = [PortRequest {
                        host_port: None,
                        ..port(0)
                    }];
                    let request = SandboxRequest {
                        container: &container,
                        name: "c",
                        interface: "eth0",
                        address4: None,
                        address6: None,
                        without_ipv6: false,
                        mac: None,
                        ports: Publishing::all(&ports),
                    };
                    let prepared = network.prepare(&request).expect("prepared");
                    let keys = [
                        prepared.sandbox.address4.expect("IPv4").to_string(),
                        prepared.sandbox.ports[0].host.port().to_string(),
                        prepared.sandbox.link.clone(),
                    ];
                    for key in &keys {
                        assert!(taken.lock().expect("the set").insert(key.clone()), "{key} is taken");
                    }
                    network
                        .connect(&prepared.sandbox, namespace.as_fd())
                        .expect("connected");
                    for key in &keys {
                        taken.lock().expect("the set").remove(key);
                    }
                    network.release(&prepared.sandbox).expect("released");
                    network.sweep().expect("swept"); // the next link has the same name inside
                }
            })
        };
        let workers: Vec<_> = (1..=THREADS).map(worker).collect();
        workers.into_iter().for_each(|worker| worker.join().expect("a worker"));
        network.sweep().expect("swept");
        assert_eq!(links(), before);
        let mut kernel = Netfilter::open().expect("netfilter");
        assert!(kernel.elements("corten", "published_any4").expect("listed").is_empty());
        let next = Container::start(&network, 99, &[]);
        assert_eq!(next.sandbox.address4.expect("IPv4").to_string(), "172.17.0.2");
    });
}

#[test]
fn neighbours_learn_of_another_hardware_address_at_once() {
    on_a_host(|| {
        let gateway6 = Some(("fd00:18::1".parse().expect("an address"), 64));
        let network = network(BridgeNetworkConfig {
            gateway6,
            ..BridgeNetworkConfig::default()
        });
        let asker = Container::start(&network, 1, &[]);
        let given = |last| Some(MacAddress([2, 0x42, 0, 0, 0, last]));
        // given, another given one, and one that is generated: the address is the same each time
        for (number, mac) in [(2, given(1)), (3, given(2)), (4, None), (5, given(3)), (6, None)] {
            let server = Container::start_with(&network, number, &[], mac);
            server.machine.serve(80);
            let four = server.sandbox.address4.expect("IPv4");
            let (six, ..) = server.sandbox.address6.expect("IPv6");
            for at in [format!("{four}:80"), format!("[{six}]:80")] {
                let began = Instant::now();
                assert!(asker.machine.ask(Protocol::Tcp, &at).is_some(), "{number} {at}");
                assert!(host_asks(Protocol::Tcp, &at).is_some(), "{number} {at}: the host");
                let took = began.elapsed();
                assert!(took < Duration::from_millis(900), "{number} {at}: {took:?}");
            }
            network.release(&server.sandbox).expect("released");
        }
    });
}
