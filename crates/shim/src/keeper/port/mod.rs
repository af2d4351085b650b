//! Reserved host ports. NAT forwards most; those that it cannot serve (IPv6 clients of a container that has IPv4
//! only, `[::1]`) are spliced: the keeper accepts outside and connects inside, because its thread is in the
//! container's network namespace while the reserved sockets stay in the host's.

mod pipe;
mod tcp;
mod udp;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::poll::{Number, Poll, Token, Watch};
use super::request::{internal, invalid};
use super::{ACCEPT_PAUSE, Keeper};
use crate::protocol::{Failure, PortSocket, Protocol};
use pipe::SparePipes;
use tcp::Connection;
use udp::Flows;

/// How many connections are spliced at a time; more wait in the listening sockets. Each takes two descriptors, and
/// four more while data is stuck.
const CONNECTIONS_LIMIT: usize = 2048;

/// How many connections one readiness accepts, so that the container's output gets its turn.
const ACCEPTS_PER_TURN: usize = 32;

/// Connections that wait to be accepted; the kernel lowers it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// All reserved ports and what passes through them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ports {
    /// Bound, so that nobody else can take them.
    #[serde(with = "crate::carried::descriptors")]
    held: Vec<OwnedFd>,
    spliced: BTreeMap<Number, Spliced>,
    connections: BTreeMap<Number, Connection>,
    flows: Flows,
    #[serde(skip)]
    pipes: SparePipes,
    /// Accepting goes on then.
    #[serde(with = "crate::carried::deadline")]
    paused_until: Option<Instant>,
}

/// A port that is served here.
#[derive(Debug, Serialize, Deserialize)]
struct Spliced {
    #[serde(with = "crate::carried::descriptor")]
    socket: OwnedFd,
    #[serde(with = "crate::keeper::poll::watch")]
    watch: Watch,
    protocol: Protocol,
    target: SocketAddr,
}

impl Keeper {
    /// Takes over one descriptor per port.
    pub(super) fn hold_ports(&mut self, ports: &[PortSocket], descriptors: Vec<OwnedFd>) -> Result<(), Failure> {
        if ports.len() != descriptors.len() {
            return Err(invalid(format!(
                "{} ports came with {} sockets",
                ports.len(),
                descriptors.len()
            )));
        }
        for (port, socket) in ports.iter().zip(descriptors) {
            let Some((address, target_port)) = port.splice_to else {
                self.ports.held.push(socket);
                continue;
            };
            let number = self.number();
            let target = SocketAddr::new(address, target_port);
            let refused = |error| internal(format!("cannot serve the port for {target}: {error}"));
            rustix::io::ioctl_fionbio(&socket, true).map_err(refused)?;
            if port.protocol == Protocol::Tcp {
                // Inherited by its connections: those that linger after their end do not block the next run's bind.
                rustix::net::sockopt::set_socket_reuseaddr(&socket, true).map_err(refused)?;
                rustix::net::listen(&socket, BACKLOG).map_err(refused)?;
            }
            let spliced = Spliced {
                socket,
                watch: None,
                protocol: port.protocol,
                target,
            };
            self.ports.spliced.insert(number, spliced);
        }
        self.ports.watch_all(&self.poll);
        Ok(())
    }

    /// Gives all ports back to the host.
    pub(super) fn close_ports(&mut self) {
        let mut ports = std::mem::take(&mut self.ports);
        for (number, port) in &mut ports.spliced {
            self.poll
                .set(&mut port.watch, port.socket.as_fd(), Token::Port(*number), None);
            // Whoever else still has the descriptor must not keep the port alive.
            if port.protocol == Protocol::Tcp
                && let Err(error) = rustix::net::shutdown(&port.socket, rustix::net::Shutdown::Both)
            {
                note!("cannot stop listening: {error}");
            }
        }
    }

    /// A reserved port is ready.
    pub(super) fn serve_port(&mut self, number: Number) {
        let Some(protocol) = self.ports.spliced.get(&number).map(|port| port.protocol) else {
            return;
        };
        match protocol {
            Protocol::Tcp => self.accept_connections(number),
            Protocol::Udp => {
                let mut buffer = self.take_buffer();
                self.ports
                    .relay_in(&self.poll, &mut self.next_number, number, &mut buffer);
                self.buffer = buffer;
            }
        }
    }

    fn accept_connections(&mut self, number: Number) {
        for _ in 0..ACCEPTS_PER_TURN {
            let Some(port) = self.ports.spliced.get(&number) else {
                return;
            };
            let target = port.target;
            match corten_sys::socket::accept(port.socket.as_fd()) {
                Ok(outside) => {
                    let connection = self.number();
                    self.ports.connect(&self.poll, connection, outside, target);
                }
                Err(error) if is_shortage(&error) => {
                    self.ports.paused_until = Some(Instant::now() + ACCEPT_PAUSE);
                    break;
                }
                // None waits, or one has left before it was accepted: there may be more.
                Err(_) => break,
            }
            if self.ports.connections.len() >= CONNECTIONS_LIMIT {
                break;
            }
        }
        self.ports.watch_all(&self.poll);
    }

    /// One side of a spliced connection or flow is ready.
    pub(super) fn serve_splice(&mut self, number: Number) {
        if self.ports.connections.contains_key(&number) {
            self.ports.move_on(&self.poll, number);
            return;
        }
        let mut buffer = self.take_buffer();
        self.ports.relay_out(number, &mut buffer);
        self.buffer = buffer;
    }
}

impl Ports {
    /// Completes what an older program has handed over.
    pub(super) fn recall(&mut self) {
        self.flows.recall();
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.paused_until, self.flows.deadline()].into_iter().flatten().min()
    }

    /// Does what is due.
    pub(super) fn expire(&mut self, poll: &Poll, now: Instant) {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
            self.watch_all(poll);
        }
        self.flows.expire(now);
    }

    /// New places inside for what is spliced, in the order in which the ports came.
    pub(super) fn retarget(&mut self, ports: &[PortSocket]) {
        let targets = ports.iter().filter_map(|port| port.splice_to);
        for (port, target) in self.spliced.values_mut().zip(targets) {
            port.target = SocketAddr::from(target);
        }
    }

    /// Accepts while there is room.
    fn watch_all(&mut self, poll: &Poll) {
        let room = self.connections.len() < CONNECTIONS_LIMIT && self.paused_until.is_none();
        for (number, port) in &mut self.spliced {
            let wanted = (room || port.protocol == Protocol::Udp).then_some(EventFlags::IN);
            poll.set(&mut port.watch, port.socket.as_fd(), Token::Port(*number), wanted);
        }
    }
}

/// Descriptors or memory have run out.
pub(super) fn is_shortage(error: &std::io::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    shortages
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests;
