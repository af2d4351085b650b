//! Relayed datagrams: each client's address outside is one flow with a connected socket inside, so that answers
//! find their way back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, SocketType};
use serde::{Deserialize, Serialize};

use super::super::poll::{Number, Poll, Token};
use super::{Ports, Spliced};

/// A flow without datagrams is forgotten after this long, as Docker's proxy does.
const FLOW_IDLE: Duration = Duration::from_secs(90);

/// How often idle flows are looked for.
const SWEEP: Duration = Duration::from_secs(10);

/// How many flows there are at most; a further one takes the place of the one that was silent for longest.
const FLOWS_LIMIT: usize = 1024;

/// How many datagrams one readiness moves.
const DATAGRAMS_PER_TURN: usize = 64;

/// All flows by number, and the numbers by client.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Flows {
    flows: BTreeMap<Number, Flow>,
    #[serde(skip)]
    numbers: BTreeMap<(Number, SocketAddr), Number>,
    #[serde(with = "crate::carried::deadline")]
    sweep_at: Option<Instant>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Flow {
    #[serde(with = "crate::carried::descriptor")]
    inside: OwnedFd,
    port: Number,
    client: SocketAddr,
    #[serde(skip, default = "Instant::now")]
    used: Instant,
}

impl Ports {
    /// Datagrams have come from outside.
    pub(super) fn relay_in(&mut self, poll: &Poll, next_number: &mut Number, number: Number, buffer: &mut [u8]) {
        let Some(port) = self.spliced.get(&number) else { return };
        for _ in 0..DATAGRAMS_PER_TURN {
            let received = rustix::net::recvfrom(&port.socket, &mut *buffer, RecvFlags::DONTWAIT);
            let Ok((length, _, Some(from))) = received else { return };
            let Ok(client) = SocketAddr::try_from(from) else {
                continue;
            };
            let flow = self.flows.find_or_open(poll, next_number, number, port, client);
            // A datagram may be lost; an answer "refused" to an earlier one is reported here.
            if let Some(flow) = flow
                && rustix::net::send(
                    &flow.inside,
                    &buffer[..length],
                    SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
                )
                .is_err()
            {
                continue;
            }
        }
    }

    /// Datagrams have come from inside.
    pub(super) fn relay_out(&mut self, number: Number, buffer: &mut [u8]) {
        let Some(flow) = self.flows.flows.get_mut(&number) else {
            return;
        };
        let Some(port) = self.spliced.get(&flow.port) else {
            return;
        };
        flow.used = Instant::now();
        for _ in 0..DATAGRAMS_PER_TURN {
            match rustix::net::recv(&flow.inside, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((length, _)) => {
                    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                    if rustix::net::sendto(&port.socket, &buffer[..length], flags, &flow.client).is_err() {
                        continue;
                    }
                }
                // Nobody listens at the target yet; the error is taken by reading it.
                Err(rustix::io::Errno::CONNREFUSED) => {}
                Err(_) => return,
            }
        }
    }
}

impl Flows {
    /// Finds the numbers of carried flows again.
    pub(super) fn recall(&mut self) {
        self.numbers = self
            .flows
            .iter()
            .map(|(number, flow)| ((flow.port, flow.client), *number))
            .collect();
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.sweep_at
    }

    /// Forgets idle flows when that is due.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.sweep_at.is_none_or(|at| at > now) {
            return;
        }
        self.flows.retain(|_, flow| now.duration_since(flow.used) < FLOW_IDLE);
        self.numbers.retain(|_, number| self.flows.contains_key(number));
        self.sweep_at = (!self.flows.is_empty()).then(|| now + SWEEP);
    }

    fn find_or_open(
        &mut self,
        poll: &Poll,
        next_number: &mut Number,
        port_number: Number,
        port: &Spliced,
        client: SocketAddr,
    ) -> Option<&mut Flow> {
        let now = Instant::now();
        let key = (port_number, client);
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => {
                let inside = open(port.target).ok()?;
                let number = *next_number;
                *next_number += 1;
                poll.set(&mut None, inside.as_fd(), Token::Inside(number), Some(EventFlags::IN));
                self.make_room();
                self.flows.insert(
                    number,
                    Flow {
                        inside,
                        port: port_number,
                        client,
                        used: now,
                    },
                );
                self.numbers.insert(key, number);
                self.sweep_at.get_or_insert(now + SWEEP);
                number
            }
        };
        let flow = self.flows.get_mut(&number)?;
        flow.used = now;
        Some(flow)
    }

    fn make_room(&mut self) {
        if self.flows.len() < FLOWS_LIMIT {
            return;
        }
        let oldest = self
            .flows
            .iter()
            .min_by_key(|(_, flow)| flow.used)
            .map(|(number, _)| *number);
        if let Some(flow) = oldest.and_then(|number| self.flows.remove(&number)) {
            self.numbers.remove(&(flow.port, flow.client));
        }
    }
}

/// A socket inside, connected to the target. Nobody else has it, so closing it ends its registration.
fn open(target: SocketAddr) -> rustix::io::Result<OwnedFd> {
    let family = match target {
        SocketAddr::V4(_) => rustix::net::AddressFamily::INET,
        SocketAddr::V6(_) => rustix::net::AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
    rustix::net::connect(&socket, &target)?;
    Ok(socket)
}
