//! Route netlink against the real kernel, each test in threads with fresh network namespaces.

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread;

use corten_sys::netlink::inside::{Interface, configure};
use corten_sys::netlink::link::{BridgeRequest, PortMode, VethRequest};
use corten_sys::netlink::{Error, Route};
use corten_sys::{netns, sysctl};

/// Runs `body` in a thread of its own with a fresh network namespace; skips without the privilege.
fn in_namespace<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let thread = thread::spawn(|| match netns::enter_new() {
        Ok(()) => Some(body()),
        Err(error) => {
            println!("skip: no network namespace: {error}");
            None
        }
    });
    thread.join().expect("the test's thread")
}

/// A namespace held by a thread that waits.
struct Other {
    namespace: OwnedFd,
    work: mpsc::Sender<Box<dyn FnOnce() + Send>>,
}

impl Other {
    fn new() -> Self {
        let (work, todo) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (ready, namespace) = mpsc::channel();
        thread::spawn(move || {
            netns::enter_new().expect("a second namespace");
            ready.send(netns::current().expect("its descriptor")).expect("a reader");
            todo.iter().for_each(|step| step());
        });
        Self {
            namespace: namespace.recv().expect("the namespace"),
            work,
        }
    }

    fn run<T: Send + 'static>(&self, step: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = mpsc::channel();
        self.work
            .send(Box::new(move || done.send(step()).expect("a reader")))
            .expect("the thread lives");
        result.recv().expect("the step's result")
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn veth<'a>(other: &'a Other, name: &'a str, bridge: u32) -> VethRequest<'a, &'a OwnedFd> {
    let peer_mac = [2, 1, 2, 3, 4, 5];
    VethRequest {
        name,
        bridge: Some(bridge),
        peer_name: "eth0",
        peer_mac,
        peer_namespace: &other.namespace,
        mtu: 1400,
    }
}

fn bridge(kernel: &mut Route, name: &str) -> u32 {
    let request = BridgeRequest {
        name,
        mac: [2, 0, 0, 0, 0, 9],
        group: 77,
        mtu: 0,
    };
    kernel.create_bridge(&request).expect("a bridge");
    kernel.link(name).expect("asked").expect("there").index
}

#[test]
fn one_message_makes_a_configured_pair() {
    in_namespace(|| {
        let mut kernel = Route::open().expect("netlink");
        let index = bridge(&mut kernel, "br0");
        let other = Other::new();
        kernel.create_veth(&veth(&other, "veth0", index)).expect("a pair");

        let near = kernel.link("veth0").expect("asked").expect("there");
        assert_eq!(
            (near.master, near.up, near.kind.as_str(), near.mtu),
            (index, true, "veth", 1400)
        );
        other.run(|| {
            let addresses = [(ip("172.30.0.2"), 16)];
            let interface = Interface {
                name: "eth0",
                addresses: &addresses,
                sysctls: &[],
            };
            configure(&[interface], Some(ip("172.30.0.1")), None).expect("configured");
            let mut kernel = Route::open().expect("netlink");
            let far = kernel.link("eth0").expect("asked").expect("there");
            assert_eq!((far.mac.as_slice(), far.up), (&[2, 1, 2, 3, 4, 5][..], true));
            assert!(
                kernel
                    .addresses()
                    .expect("asked")
                    .iter()
                    .any(|found| found.address == ip("172.30.0.2"))
            );
            let routes = kernel.routes().expect("asked");
            assert!(
                routes
                    .iter()
                    .any(|route| route.destination.is_none() && route.gateway == Some(ip("172.30.0.1")))
            );
            assert_eq!(sysctl::get("ipv6/conf/eth0/disable_ipv6").expect("read"), "1");
            assert!(kernel.link("lo").expect("asked").expect("there").up);
        });
        assert!(kernel.delete_link("veth0").expect("deleted"));
        assert!(!kernel.delete_link("veth0").expect("deleted twice"));
    });
}

#[test]
fn ipv6_addresses_are_usable_at_once() {
    in_namespace(|| {
        let mut kernel = Route::open().expect("netlink");
        let index = bridge(&mut kernel, "br0");
        let other = Other::new();
        kernel.create_veth(&veth(&other, "veth0", index)).expect("a pair");
        other.run(|| {
            let addresses = [(ip("172.30.0.2"), 16), (ip("fd00:30::2"), 64)];
            let interface = Interface {
                name: "eth0",
                addresses: &addresses,
                sysctls: &[],
            };
            configure(&[interface], Some(ip("172.30.0.1")), Some(ip("fd00:30::1"))).expect("configured");
            std::net::UdpSocket::bind("[fd00:30::2]:0").expect("bound at once");
        });
    });
}

#[test]
fn no_interfaces_means_loopback_only() {
    in_namespace(|| {
        configure(&[], None, None).expect("configured");
        std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is up");
        let missing = Interface {
            name: "eth7",
            addresses: &[],
            sysctls: &[],
        };
        let error = configure(&[missing], None, None).expect_err("no such interface");
        assert_eq!(error.to_string(), "interface eth7 is not there");
    });
}

#[test]
fn refusals_name_the_reason() {
    in_namespace(|| {
        let mut kernel = Route::open().expect("netlink");
        let index = bridge(&mut kernel, "br0");
        let request = BridgeRequest {
            name: "br0",
            mac: [2, 0, 0, 0, 0, 9],
            group: 77,
            mtu: 0,
        };
        assert!(
            kernel
                .create_bridge(&request)
                .is_err_and(|error| error.is(libc::EEXIST))
        );
        let other = Other::new();
        let gone: Error = kernel
            .create_veth(&veth(&other, "veth0", index + 50))
            .expect_err("no such bridge");
        assert!(
            kernel.link("veth0").expect("asked").is_none(),
            "half a pair was left: {gone}"
        );
        kernel
            .create_veth(&veth(&other, "veth0", index))
            .expect("a pair, after an error");
        kernel
            .set_port_mode(
                "veth0",
                PortMode {
                    hairpin: true,
                    isolated: false,
                },
            )
            .expect("port mode");
        kernel
            .set_neighbour(index, ip("172.30.0.2"), [2, 1, 2, 3, 4, 5])
            .expect("a neighbour");
        assert!(kernel.delete_neighbour(index, ip("172.30.0.2")).expect("deleted"));
        assert!(!kernel.delete_neighbour(index, ip("172.30.0.2")).expect("deleted twice"));
        assert_eq!(
            kernel
                .links()
                .expect("listed")
                .iter()
                .filter(|link| link.group == 77)
                .count(),
            1
        );
    });
}
