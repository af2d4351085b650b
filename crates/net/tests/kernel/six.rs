//! The ways of packets on a network that has IPv6 too.

use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use corten_net::sandbox::Way;
use corten_net::{BridgeNetworkConfig, Protocol};

use corten_sys::sysctl;

use crate::world::{BOTH, Container, HOST6, OUTSIDE6, bridges_call_firewall, host_asks, network, on_a_host, outside};

fn config() -> BridgeNetworkConfig {
    let gateway6 = Some(("fd00:17::1".parse().expect("an address"), 64));
    BridgeNetworkConfig {
        gateway6,
        ..BridgeNetworkConfig::default()
    }
}

#[test]
fn published_outbound_and_hairpin() {
    for on in ["1", "0"] {
        on_a_host(move || {
            if !bridges_call_firewall(on) {
                println!("skip: no bridge-nf-call-ip6tables here");
                return;
            }
            let outside = outside();
            outside.serve(7000);
            let network = network(config());
            let server = Container::start(&network, 1, &[(None, 8080, 80)]);
            server.machine.serve(80);
            server.machine.serve(81);
            let client = Container::start(&network, 2, &[]);
            let (own, _, gateway) = server.sandbox.address6.expect("an IPv6 address");
            for protocol in BOTH {
                let host = format!("[{HOST6}]:8080");
                assert_eq!(
                    client.machine.ask(protocol, &format!("[{OUTSIDE6}]:7000")).as_deref(),
                    Some(HOST6)
                );
                let began = Instant::now();
                assert_eq!(outside.ask(protocol, &host).as_deref(), Some(OUTSIDE6), "{protocol}");
                let took = began.elapsed();
                assert!(
                    took < Duration::from_millis(900),
                    "{protocol}: the bridge waited for its own address ({took:?})"
                );
                assert_eq!(host_asks(protocol, &host).as_deref(), Some(HOST6), "{protocol}");
                let seen = gateway.expect("a way out").to_string();
                assert_eq!(
                    client.machine.ask(protocol, &host).as_deref(),
                    Some(seen.as_str()),
                    "{protocol} {on}"
                );
                assert_eq!(
                    server.machine.ask(protocol, &host).as_deref(),
                    Some(seen.as_str()),
                    "{protocol} {on}"
                );
                for port in [80, 81] {
                    assert!(
                        outside.is_refused(protocol, &format!("[{own}]:{port}")),
                        "{protocol} {port}"
                    );
                }
                assert!(outside.is_refused(protocol, &format!("[{HOST6}]:8081")), "{protocol}");
            }
            network.release(&server.sandbox).expect("released");
            assert!(outside.is_refused(Protocol::Udp, &format!("[{HOST6}]:8080")));
        });
    }
}

#[test]
fn the_shim_has_what_it_must_splice() {
    on_a_host(|| {
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        assert_eq!(container.sockets.len(), container.sandbox.ports.len());
        let spliced: Vec<_> = container
            .sandbox
            .ports
            .iter()
            .filter(|port| matches!(port.way, Way::Splice(_)))
            .collect();
        assert_eq!(spliced.len(), 2);
        assert!(
            spliced
                .iter()
                .all(|port| port.host.is_ipv6() && port.way.splice_to().is_some())
        );
        assert!(container.sockets.iter().all(|socket| socket.as_raw_fd() > 2));
    });
}

#[test]
fn a_host_keeps_the_routes_that_routers_advertise() {
    on_a_host(|| {
        let _outside = outside();
        let key = "ipv6/conf/ext0/accept_ra";
        assert_eq!(sysctl::get(key).expect("read"), "1");
        let network = network(config());
        assert_eq!(sysctl::get(key).expect("read"), "2");
        assert_eq!(sysctl::get("ipv6/conf/all/forwarding").expect("read"), "1");
        network.remove().expect("removed");
        assert_eq!(sysctl::get("ipv6/conf/all/forwarding").expect("read"), "0");
    });
}
