//! A small world for tests: a host with the default network, containers on it and a machine outside,
//! each a thread in a network namespace of its own. The namespaces die with their threads.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use corten_base::ContainerId;
use corten_net::sandbox::{PortRequest, Prepared, Publishing, SandboxRequest};
use corten_net::{BridgeNetwork, BridgeNetworkConfig, MacAddress, Protocol, Sandbox};
use corten_sys::netlink::Route;
use corten_sys::netlink::address::Address;
use corten_sys::netlink::inside::{Interface, configure};
use corten_sys::netlink::link::VethRequest;
use corten_sys::{netns, sysctl};

/// The host's address outside.
pub(crate) const HOST: &str = "198.51.100.1";
/// The address of the machine outside.
pub(crate) const OUTSIDE: &str = "198.51.100.2";
/// The host's IPv6 address outside.
pub(crate) const HOST6: &str = "2001:db8::1";
/// The IPv6 address of the machine outside.
pub(crate) const OUTSIDE6: &str = "2001:db8::2";

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// How long silence must last to be believed.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// Runs `body` in a thread of its own in a fresh network namespace; skips without the privilege.
pub(crate) fn on_a_host(body: impl FnOnce() + Send + 'static) {
    let thread = thread::spawn(|| match netns::enter_new() {
        Ok(()) => {
            configure(&[], None, None).expect("loopback");
            body();
        }
        Err(error) => println!("skip: no network namespace: {error}"),
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A namespace held by a thread that runs steps in it.
pub(crate) struct Machine {
    namespace: OwnedFd,
    work: mpsc::Sender<Box<dyn FnOnce() + Send>>,
}

impl Machine {
    /// A machine with nothing in it.
    pub(crate) fn new() -> Self {
        let (work, todo) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (ready, namespace) = mpsc::channel();
        thread::spawn(move || {
            netns::enter_new().expect("a namespace");
            ready.send(netns::current().expect("its descriptor")).expect("a reader");
            todo.iter().for_each(|step| step());
        });
        Self {
            namespace: namespace.recv().expect("the namespace"),
            work,
        }
    }

    /// Runs a step inside and gives its result.
    pub(crate) fn run<T: Send + 'static>(&self, step: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = mpsc::channel();
        self.work
            .send(Box::new(move || done.send(step()).expect("a reader")))
            .expect("the thread lives");
        result.recv().expect("the step's result")
    }

    /// Serves TCP and UDP on a port: tells each client its own address.
    pub(crate) fn serve(&self, port: u16) {
        self.run(move || {
            let any = SocketAddr::new(ip("::"), port); // takes IPv4 as well
            let udp = UdpSocket::bind(any).expect("a free port");
            let listener = TcpListener::bind(any).expect("a free port");
            thread::spawn(move || serve_tcp(&listener));
            thread::spawn(move || serve_udp(&udp));
        });
    }

    /// Connects, and gives what the server says: this machine's address as seen there.
    pub(crate) fn ask(&self, protocol: Protocol, to: &str) -> Option<String> {
        let to = to.parse().expect("an address with a port");
        self.run(move || ask(protocol, to, PATIENCE))
    }

    /// Whether nobody answers.
    pub(crate) fn is_refused(&self, protocol: Protocol, to: &str) -> bool {
        let to = to.parse().expect("an address with a port");
        self.run(move || ask(protocol, to, SILENCE).is_none())
    }
}

fn serve_tcp(listener: &TcpListener) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        let peer = stream
            .peer_addr()
            .map(|peer| peer.ip().to_canonical().to_string())
            .unwrap_or_default();
        let _closed = stream.write_all(peer.as_bytes());
    }
}

fn serve_udp(socket: &UdpSocket) {
    let mut buffer = [0; 64];
    while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
        if &buffer[..length] == b"end" {
            return;
        }
        let _unreachable = socket.send_to(peer.ip().to_canonical().to_string().as_bytes(), peer);
    }
}

/// Asks a server of [`Machine::serve`], from the calling thread's namespace.
pub(crate) fn ask(protocol: Protocol, to: SocketAddr, patience: Duration) -> Option<String> {
    match protocol {
        Protocol::Tcp => {
            let mut stream = TcpStream::connect_timeout(&to, patience).ok()?;
            stream.set_read_timeout(Some(patience)).expect("a limit");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            Some(answer)
        }
        Protocol::Udp => {
            let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any).expect("a port");
            socket.set_read_timeout(Some(patience)).expect("a limit");
            socket.send_to(b"who am I", to).ok()?;
            let mut buffer = [0; 64];
            let (length, _) = socket.recv_from(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        }
    }
}

/// The host's own question.
pub(crate) fn host_asks(protocol: Protocol, to: &str) -> Option<String> {
    ask(protocol, to.parse().expect("an address with a port"), PATIENCE)
}

/// Both transports.
pub(crate) const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];

/// An address.
pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A container on the network.
pub(crate) struct Container {
    /// Its namespace.
    pub(crate) machine: Machine,
    /// Its place.
    pub(crate) sandbox: Sandbox,
    /// What its shim would hold.
    pub(crate) sockets: Vec<OwnedFd>,
}

impl Container {
    /// Starts a container with these ports published: host address, host port, container port; TCP and UDP.
    pub(crate) fn start(network: &BridgeNetwork, number: u8, ports: &[(Option<&str>, u16, u16)]) -> Self {
        Self::start_with(network, number, ports, None)
    }

    /// The same with a hardware address of its own.
    pub(crate) fn start_with(
        network: &BridgeNetwork,
        number: u8,
        ports: &[(Option<&str>, u16, u16)],
        mac: Option<MacAddress>,
    ) -> Self {
        let container = ContainerId::from_random([number; 32]);
        let ports: Vec<_> = ports
            .iter()
            .flat_map(|&port| BOTH.map(|protocol| request(protocol, port)))
            .collect();
        let request = SandboxRequest {
            container: &container,
            name: "test",
            interface: "eth0",
            address4: None,
            address6: None,
            without_ipv6: false,
            mac,
            ports: Publishing::all(&ports),
        };
        let Prepared { sandbox, sockets } = network.prepare(&request).expect("prepared");
        let machine = Machine::new();
        network.connect(&sandbox, machine.namespace.as_fd()).expect("connected");
        let inside = sandbox.clone();
        machine.run(move || {
            let four = inside.address4.map(|address| (IpAddr::V4(address), inside.prefix4));
            let six = inside
                .address6
                .map(|(address, prefix, _)| (IpAddr::V6(address), prefix));
            let addresses: Vec<_> = four.into_iter().chain(six).collect();
            let gateway6 = inside.address6.and_then(|(_, _, gateway)| gateway).map(IpAddr::V6);
            let interface = Interface {
                name: &inside.interface,
                addresses: &addresses,
                sysctls: &[],
            };
            configure(&[interface], inside.gateway4.map(IpAddr::V4), gateway6).expect("configured");
        });
        network.settle(&sandbox).expect("settled");
        Self {
            machine,
            sandbox,
            sockets,
        }
    }
}

fn request(protocol: Protocol, (host_ip, host_port, container_port): (Option<&str>, u16, u16)) -> PortRequest {
    PortRequest {
        protocol,
        container_port,
        host_ip: host_ip.map(ip),
        host_port: Some(host_port..=host_port),
    }
}

/// The default network of this thread's host.
pub(crate) fn network(config: BridgeNetworkConfig) -> BridgeNetwork {
    BridgeNetwork::open(config).expect("a network")
}

/// A machine outside, joined to this thread's host, with no route to the containers but by the host.
pub(crate) fn outside() -> Machine {
    joined("ext0", [(HOST, OUTSIDE, 24), (HOST6, OUTSIDE6, 64)])
}

/// A machine joined by a link to this thread's host: the host's address, the machine's, the prefix length.
pub(crate) fn joined(link_name: &str, addresses: [(&'static str, &'static str, u8); 2]) -> Machine {
    let mut kernel = Route::open().expect("netlink");
    let machine = Machine::new();
    let (peer_mac, peer_namespace) = ([2, 0, 0, 0, 9, 8], &machine.namespace);
    let veth = VethRequest {
        name: link_name,
        bridge: None,
        peer_name: "eth0",
        peer_mac,
        peer_namespace,
        mtu: 0,
    };
    kernel.create_veth(&veth).expect("a cable");
    let link = kernel.link(link_name).expect("asked").expect("there").index;
    for (host, _, prefix) in addresses {
        kernel
            .add_address(Address {
                link,
                address: ip(host),
                prefix,
            })
            .expect("the host's address");
    }
    machine.run(move || {
        let [four, six] = addresses.map(|(host, own, prefix)| (ip(host), (ip(own), prefix)));
        let interface = Interface {
            name: "eth0",
            addresses: &[four.1, six.1],
            sysctls: &[],
        };
        configure(&[interface], Some(four.0), Some(six.0)).expect("configured");
    });
    machine
}

/// Lets bridged packets pass the IP firewall, or not; `false` if this kernel has no such setting.
pub(crate) fn bridges_call_firewall(on: &str) -> bool {
    sysctl::set("bridge/bridge-nf-call-iptables", on).is_ok()
        && sysctl::set("bridge/bridge-nf-call-ip6tables", on).is_ok()
}
