//! A container that does what it should not: it gets nothing that is another's.

use std::net::{IpAddr, Ipv4Addr};

use corten_net::{BridgeNetworkConfig, Protocol};
use corten_sys::netlink::Route;
use corten_sys::netlink::address::Address;
use corten_sys::netlink::inside::{Interface, configure_all};
use corten_sys::netlink::link::{MacvlanMode, MacvlanRequest};
use corten_sys::netns;

use crate::world::{Container, network, on_a_host};

fn own(container: &Container) -> Ipv4Addr {
    container.sandbox.address4.expect("IPv4")
}

/// Gives the container's interface one more address, as one that may configure it could.
fn take(thief: &Container, address: IpAddr, prefix: u8) {
    thief.machine.run(move || {
        let mut kernel = Route::open().expect("netlink");
        let link = kernel.link("eth0").expect("asked").expect("there").index;
        kernel
            .add_address(Address { link, address, prefix })
            .expect("inside, it may");
    });
}

#[test]
fn nobody_answers_for_anothers_address() {
    on_a_host(|| {
        let gateway6 = Some(("fd00:77::1".parse().expect("an address"), 64));
        let network = network(BridgeNetworkConfig {
            gateway6,
            ..BridgeNetworkConfig::default()
        });
        let victim = Container::start(&network, 1, &[]);
        victim.machine.serve(80);
        let thief = Container::start(&network, 2, &[]);
        thief.machine.serve(81);
        let (victim6, ..) = victim.sandbox.address6.expect("IPv6");
        take(&thief, own(&victim).into(), 16);
        take(&thief, victim6.into(), 64);
        take(&thief, network.gateway4().expect("IPv4").into(), 16);
        // each asks for the first time, and would believe whoever is the quicker
        for number in 3..9 {
            let asker = Container::start(&network, number, &[]);
            let (address, address6) = (own(&victim), victim6);
            assert!(
                asker.machine.ask(Protocol::Tcp, &format!("{address}:80")).is_some(),
                "{number}"
            );
            assert!(
                asker.machine.is_refused(Protocol::Udp, &format!("{address}:81")),
                "{number}"
            );
            assert!(
                asker.machine.ask(Protocol::Tcp, &format!("[{address6}]:80")).is_some(),
                "{number}"
            );
            network.release(&asker.sandbox).expect("released");
        }
        // an address that nobody was given may be shared
        let shared: IpAddr = "172.17.99.99".parse().expect("an address");
        take(&thief, shared, 16);
        let asker = Container::start(&network, 9, &[]);
        assert!(asker.machine.ask(Protocol::Udp, &format!("{shared}:81")).is_some());
    });
}

#[test]
fn nobody_draws_anothers_frames_to_itself() {
    on_a_host(|| {
        let network = network(BridgeNetworkConfig::default());
        let victim = Container::start(&network, 1, &[]);
        victim.machine.serve(80);
        let thief = Container::start(&network, 2, &[]);
        let asker = Container::start(&network, 3, &[]);
        asker.machine.serve(80);
        let (address, mac) = (own(&victim), victim.sandbox.mac.0);
        assert!(asker.machine.ask(Protocol::Tcp, &format!("{address}:80")).is_some());
        thief.machine.run(move || {
            let mut kernel = Route::open().expect("netlink");
            let parent = kernel.link("eth0").expect("asked").expect("there").index;
            let request = MacvlanRequest {
                parent,
                mode: MacvlanMode::Bridge,
                name: "mask0",
                mac,
                namespace: netns::current().expect("its own"),
                mtu: 0,
            };
            kernel.create_macvlan(&request).expect("inside, it may");
            let addresses = [("10.66.0.1".parse().expect("an address"), 24)];
            let mask = Interface {
                name: "mask0",
                addresses: &addresses,
                sysctls: &[],
            };
            configure_all(&[mask], &[]).expect("configured");
            // the question who 10.66.0.2 is goes to all, with the victim's hardware address as its source
            let socket = std::net::UdpSocket::bind("10.66.0.1:0").expect("a port");
            for _ in 0..20 {
                let _lost = socket.send_to(b"mine", "10.66.0.2:9");
            }
        });
        for _ in 0..5 {
            assert!(asker.machine.ask(Protocol::Tcp, &format!("{address}:80")).is_some());
        }
    });
}
