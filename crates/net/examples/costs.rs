//! What the steps of a container's network cost, in a fresh network namespace: minimum and median in
//! microseconds. `cargo run --release -p corten-net --example costs [rounds] [containers beside]`.

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use corten_base::ContainerId;
use corten_net::sandbox::{PortRequest, Prepared, Publishing, SandboxRequest};
use corten_net::{BridgeNetwork, BridgeNetworkConfig, Protocol};
use corten_sys::netlink::inside::{Interface, configure};
use corten_sys::netns;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rounds: u32 = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let beside: u32 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    thread::spawn(move || measure(rounds, beside))
        .join()
        .map_err(|_| anyhow::anyhow!("the measurement panicked"))?
}

fn measure(rounds: u32, beside: u32) -> anyhow::Result<()> {
    netns::enter_new().context("needs root")?;
    configure(&[], None, None)?;
    let mut steps = Steps::default();
    let network = steps.time("open", || BridgeNetwork::open(BridgeNetworkConfig::default()))?;
    let mut others = Vec::new();
    for number in 0..beside {
        others.push(one(&network, number, &mut Steps::default())?);
    }
    for round in 0..rounds {
        let (prepared, namespace) = one(&network, beside + round, &mut steps)?;
        drop(prepared.sockets);
        steps.time("release", || network.release(&prepared.sandbox))?;
        steps.time("namespace end", || drop(namespace));
    }
    steps.print();
    for (prepared, _) in &others {
        network.release(&prepared.sandbox)?;
    }
    network.remove()?;
    Ok(())
}

fn one(network: &BridgeNetwork, number: u32, steps: &mut Steps) -> anyhow::Result<(Prepared, Namespace)> {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    let container = ContainerId::from_random(bytes);
    let port = PortRequest {
        protocol: Protocol::Tcp,
        container_port: 80,
        host_ip: None,
        host_port: None,
    };
    let ports = [port];
    let request = SandboxRequest {
        container: &container,
        name: "costs",
        interface: "eth0",
        address4: None,
        address6: None,
        without_ipv6: false,
        mac: None,
        ports: Publishing::all(&ports),
    };
    let prepared = steps.time("prepare (one port, both families)", || network.prepare(&request))?;
    let namespace = steps.time("namespace", Namespace::new)?;
    steps.time("connect", || network.connect(&prepared.sandbox, namespace.fd.as_fd()))?;
    let sandbox = prepared.sandbox.clone();
    let inside = namespace.run(move || {
        let started = Instant::now();
        let addresses: Vec<_> = sandbox
            .addresses()
            .into_iter()
            .map(|address| (address, sandbox.prefix4))
            .collect();
        let interface = Interface {
            name: "eth0",
            addresses: &addresses,
            sysctls: &[],
        };
        configure(&[interface], sandbox.gateway4.map(Into::into), None).map(|()| started.elapsed())
    })?;
    steps.add("inside", inside);
    steps.time("settle", || network.settle(&prepared.sandbox))?;
    Ok((prepared, namespace))
}

#[derive(Default)]
struct Steps(Vec<(&'static str, Vec<Duration>)>);

impl Steps {
    fn time<T>(&mut self, name: &'static str, step: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = step();
        self.add(name, started.elapsed());
        result
    }

    fn add(&mut self, name: &'static str, cost: Duration) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, costs)) => costs.push(cost),
            None => self.0.push((name, vec![cost])),
        }
    }

    fn print(&mut self) {
        for (name, costs) in &mut self.0 {
            costs.sort();
            let (minimum, median) = (costs[0].as_micros(), costs[costs.len() / 2].as_micros());
            println!(
                "{name:36} min {minimum:6}  median {median:6}  p99 {:6}",
                costs[costs.len() * 99 / 100].as_micros()
            );
        }
    }
}

/// A namespace held by a thread, as a shim holds its container's.
struct Namespace {
    fd: OwnedFd,
    work: mpsc::Sender<Box<dyn FnOnce() + Send>>,
}

impl Namespace {
    fn new() -> anyhow::Result<Self> {
        let (work, todo) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (ready, made) = mpsc::channel();
        thread::spawn(move || {
            let made = netns::enter_new()
                .and_then(|()| File::open("/proc/thread-self/ns/net"))
                .map(OwnedFd::from);
            if ready.send(made).is_ok() {
                todo.iter().for_each(|step| step());
            }
        });
        Ok(Self {
            fd: made.recv()??,
            work,
        })
    }

    fn run<T: Send + 'static>(&self, step: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = mpsc::channel();
        let step = move || done.send(step()).unwrap_or_else(|_| unreachable!("the caller waits"));
        self.work
            .send(Box::new(step))
            .unwrap_or_else(|_| unreachable!("the thread waits for work"));
        result
            .recv()
            .unwrap_or_else(|_| unreachable!("the step sends its result"))
    }
}
