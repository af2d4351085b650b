//! Several networks of one daemon: apart from each other, made and removed one by one.

use std::sync::Arc;
use std::time::Instant;

use corten_net::firewall::plan::{Crossing, Open, Source};
use corten_net::sandbox::{Gateway, Publishing, SandboxRequest};
use corten_net::{BridgeNetwork, BridgeNetworkConfig, Host, Protocol};
use corten_sys::netlink::Route;
use corten_sys::nftables::Netfilter;

use crate::world::{BOTH, Container, HOST, OUTSIDE, host_asks, network, on_a_host, outside};

fn config(bridge: &str, number: u8) -> BridgeNetworkConfig {
    BridgeNetworkConfig {
        bridge: bridge.to_owned(),
        gateway: Some(([10, 90, number, 1].into(), 24)),
        ..BridgeNetworkConfig::default()
    }
}

fn one_more(host: &Arc<Host>, config: BridgeNetworkConfig) -> BridgeNetwork {
    let network = BridgeNetwork::make(host, config).expect("made");
    host.add(&network).expect("added");
    network
}

#[test]
fn networks_are_apart() {
    on_a_host(|| {
        let outside = outside();
        let default = network(BridgeNetworkConfig::default());
        let other = one_more(default.host(), config("br-other", 1));
        let one = Container::start(&default, 1, &[(None, 8080, 80)]);
        let two = Container::start(&other, 2, &[(None, 8081, 80)]);
        for container in [&one, &two] {
            container.machine.serve(80);
        }
        let at = |container: &Container| format!("{}:80", container.sandbox.address4.expect("IPv4"));
        for protocol in BOTH {
            assert!(one.machine.is_refused(protocol, &at(&two)), "{protocol}");
            assert!(two.machine.is_refused(protocol, &at(&one)), "{protocol}");
            assert!(host_asks(protocol, &at(&two)).is_some());
            assert_eq!(outside.ask(protocol, &format!("{HOST}:8081")).as_deref(), Some(OUTSIDE));
            // a published port is for everybody
            assert!(one.machine.ask(protocol, &format!("{HOST}:8081")).is_some());
        }
        default.release(&one.sandbox).expect("released");
        assert_eq!(
            outside.ask(Protocol::Tcp, &format!("{HOST}:8081")).as_deref(),
            Some(OUTSIDE)
        );
    });
}

#[test]
fn an_internal_network_leads_nowhere_and_nobody_leads_there() {
    on_a_host(|| {
        let outside = outside();
        outside.serve(7000);
        let default = network(BridgeNetworkConfig::default());
        let internal = BridgeNetworkConfig {
            internal: true,
            ..config("br-in", 2)
        };
        let inside = one_more(default.host(), internal);
        let one = Container::start(&inside, 1, &[(None, 8080, 80)]);
        let two = Container::start(&inside, 2, &[]);
        let stranger = Container::start(&default, 3, &[]);
        assert!(one.sockets.is_empty() && one.sandbox.gateway4.is_none());
        one.machine.serve(80);
        let at = format!("{}:80", one.sandbox.address4.expect("IPv4"));
        // even one that gives itself a way out
        let gateway = inside.gateway4().expect("IPv4").into();
        two.machine.run(move || {
            let mut kernel = Route::open().expect("netlink");
            let link = kernel.link("eth0").expect("asked").expect("there").index;
            kernel.set_default_route(gateway, link).expect("inside, it may");
        });
        for protocol in BOTH {
            assert!(two.machine.ask(protocol, &at).is_some(), "neighbours");
            assert!(host_asks(protocol, &at).is_some(), "the host");
            assert!(
                two.machine.is_refused(protocol, &format!("{OUTSIDE}:7000")),
                "{protocol}"
            );
            assert!(stranger.machine.is_refused(protocol, &at), "{protocol}");
            assert!(outside.is_refused(protocol, &at), "{protocol}");
        }
    });
}

#[test]
fn a_bridge_that_somebody_deleted_comes_back_with_its_rules() {
    on_a_host(|| {
        let default = network(BridgeNetworkConfig::default());
        let other = one_more(default.host(), config("br-other", 3));
        assert!(
            Route::open()
                .expect("netlink")
                .delete_link("br-other")
                .expect("deleted")
        );
        let one = Container::start(&other, 1, &[(None, 8085, 80)]);
        one.machine.serve(80);
        assert!(host_asks(Protocol::Tcp, "127.0.0.1:8085").is_some());
        other.release(&one.sandbox).expect("released");
        other.delete().expect("deleted");
        other.delete().expect("twice is fine");
    });
}

#[test]
fn two_hundred_come_and_go() {
    on_a_host(|| {
        let default = network(BridgeNetworkConfig::default());
        let mut made = Vec::new();
        let began = Instant::now();
        for number in 0..200 {
            made.push(one_more(default.host(), config(&format!("br-{number}"), number)));
        }
        eprintln!("200 networks in {:?}", began.elapsed());
        let container = Container::start(&made[150], 1, &[(None, 8086, 80)]);
        container.machine.serve(80);
        assert!(host_asks(Protocol::Tcp, "127.0.0.1:8086").is_some());
        made[150].release(&container.sandbox).expect("released");
        for network in &made {
            network.delete().expect("deleted");
        }
        let links = Route::open().and_then(|mut kernel| Ok(kernel.links()?)).expect("links");
        assert!(!links.iter().any(|link| link.name.starts_with("br-")));
        let id = corten_base::ContainerId::from_random([9; 32]);
        let request = SandboxRequest {
            container: &id,
            name: "last",
            interface: "eth0",
            address4: None,
            address6: None,
            without_ipv6: false,
            mac: None,
            ports: Publishing::all(&[]),
        };
        default.prepare(&request).expect("the others do not mind");
    });
}

#[test]
fn an_open_network_is_reached_at_its_own_addresses() {
    on_a_host(|| {
        let outside = outside();
        let default = network(BridgeNetworkConfig::default());
        let open = BridgeNetworkConfig {
            four: gateway(Open::Everything),
            ..config("br-open", 4)
        };
        let open = one_more(default.host(), open);
        let one = Container::start(&open, 1, &[]);
        let closed = Container::start(&default, 2, &[]);
        let at = |container: &Container| format!("{}:80", container.sandbox.address4.expect("IPv4"));
        for container in [&one, &closed] {
            container.machine.serve(80);
        }
        for protocol in BOTH {
            assert_eq!(outside.ask(protocol, &at(&one)).as_deref(), Some(OUTSIDE), "{protocol}");
            assert!(outside.is_refused(protocol, &at(&closed)), "{protocol}");
        }
    });
}

fn gateway(open: Open) -> Gateway {
    let source = if open == Open::Routed {
        Source::Own
    } else {
        Source::Masquerade
    };
    Gateway {
        crossing: Crossing { source, open },
        routed: open == Open::Routed,
        bare: false,
        unused: false,
    }
}

#[test]
fn a_routed_network_is_open_where_it_publishes() {
    on_a_host(|| {
        let outside = outside();
        let default = network(BridgeNetworkConfig::default());
        let routed = BridgeNetworkConfig {
            four: gateway(Open::Routed),
            ..config("br-routed", 4)
        };
        let routed = one_more(default.host(), routed);
        let container = Container::start(&routed, 1, &[(Some("0.0.0.0"), 8080, 80)]);
        assert!(container.sandbox.ports.is_empty(), "no port of the host is taken");
        container.machine.serve(80);
        container.machine.serve(81);
        let own = container.sandbox.address4.expect("IPv4");
        let at = |port: u16| format!("{own}:{port}");
        for protocol in BOTH {
            assert_eq!(outside.ask(protocol, &at(80)).as_deref(), Some(OUTSIDE), "{protocol}");
            assert!(outside.is_refused(protocol, &at(81)), "{protocol}");
        }
        outside.serve(7000);
        let seen = container.machine.ask(Protocol::Tcp, &format!("{OUTSIDE}:7000"));
        assert_eq!(seen, Some(own.to_string()), "it leaves with its own address");
        let again = default
            .host()
            .recover(&[(&default, Vec::new()), (&routed, vec![container.sandbox.clone()])]);
        assert_eq!(again.expect("recovered").ports_removed, 0, "a new daemon knows it");
        routed.release(&container.sandbox).expect("released");
        assert!(outside.is_refused(Protocol::Tcp, &at(80)));
        let mut kernel = Netfilter::open().expect("nftables");
        assert!(kernel.elements("corten", "direct4").expect("elements").is_empty());
    });
}

#[test]
fn published_ports_can_be_open_at_both_addresses() {
    on_a_host(|| {
        let outside = outside();
        let network = network(BridgeNetworkConfig {
            four: gateway(Open::Published),
            ..BridgeNetworkConfig::default()
        });
        let container = Container::start(&network, 1, &[(Some("0.0.0.0"), 8080, 80)]);
        container.machine.serve(80);
        let own = container.sandbox.address4.expect("IPv4");
        for to in [format!("{own}:80"), format!("{HOST}:8080")] {
            assert_eq!(outside.ask(Protocol::Tcp, &to).as_deref(), Some(OUTSIDE), "{to}");
        }
        assert!(outside.is_refused(Protocol::Tcp, &format!("{own}:81")));
    });
}

#[test]
fn an_isolated_bridge_has_no_address() {
    on_a_host(|| {
        let default = network(BridgeNetworkConfig::default());
        let isolated = BridgeNetworkConfig {
            internal: true,
            four: Gateway {
                bare: true,
                unused: false,
                ..Gateway::default()
            },
            ..config("br-alone", 4)
        };
        let isolated = one_more(default.host(), isolated);
        let (one, two) = (Container::start(&isolated, 1, &[]), Container::start(&isolated, 2, &[]));
        one.machine.serve(80);
        let at = format!("{}:80", one.sandbox.address4.expect("IPv4"));
        assert!(two.machine.ask(Protocol::Tcp, &at).is_some());
        assert!(host_asks(Protocol::Tcp, &at).is_none(), "the host has no way there");
    });
}
