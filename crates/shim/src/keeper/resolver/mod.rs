//! The embedded DNS server at 127.0.0.11: names of the container's networks from their tables, everything
//! else from the servers outside.
//!
//! ```text
//! program -> 127.0.0.11:53 -> (rules of redirect.rs) -> two sockets here on ports of the kernel's choice
//!            tables' files   <- look_up.rs
//!            servers outside <- upstream.rs, one socket per question, some of them in the host's namespace
//! ```
//! It lives in the keeper and needs no daemon. Nothing is kept between questions but those that wait for a
//! server. The container can only reach what is its own: a question too many is answered with a failure.

mod look_up;
mod redirect;
mod stream;
mod upstream;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use corten_sys::port::{Sharing, Transport, bound_address, reserve};
use rustix::event::epoll::EventFlags;
use rustix::net::{RecvFlags, SendFlags};
use serde::{Deserialize, Serialize};

use super::Keeper;
use super::poll::{Number, Poll, Token};
use super::request::internal;
use crate::dns::message::{self, Code, Query};
use crate::protocol::{Dns, Failure};
use look_up::{Outcome, look_up};
use stream::Stream;
use upstream::{Client, Flow};

/// Where containers find their names.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

/// How many questions one readiness takes, so that the container's output gets its turn.
const QUESTIONS_PER_TURN: usize = 64;

/// Clients that wait to be accepted over TCP.
const BACKLOG: i32 = 64;

/// The server's state.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Resolver {
    #[serde(with = "crate::carried::descriptor")]
    datagrams: OwnedFd,
    #[serde(with = "crate::carried::descriptor")]
    listener: OwnedFd,
    /// The host's network namespace, if servers have to be asked from there.
    #[serde(with = "crate::carried::optional_descriptor")]
    host: Option<OwnedFd>,
    config: Dns,
    /// Which of a name's addresses comes first.
    rotation: usize,
    /// Clients over TCP; an upgrade of the program closes them, and they ask again.
    #[serde(skip)]
    streams: BTreeMap<Number, Stream>,
    /// Questions that wait for a server.
    #[serde(skip)]
    flows: BTreeMap<Number, Flow>,
}

impl Keeper {
    /// Starts the server, or gives the running one other tables and servers. `host` is the host's network
    /// namespace.
    pub(super) fn set_up_names(&mut self, config: Dns, host: Option<OwnedFd>) -> Result<(), Failure> {
        if let Some(resolver) = &mut self.resolver {
            resolver.config = config;
            resolver.host = host.or(resolver.host.take());
            return Ok(());
        }
        let opened = Resolver::open(&self.poll, config, host);
        self.resolver = Some(opened.map_err(|error| internal(format!("cannot serve names: {error}")))?);
        Ok(())
    }

    /// The container has ended.
    pub(super) fn close_names(&mut self) {
        self.resolver = None;
    }

    /// Something of the server is ready.
    pub(super) fn serve_names(&mut self, token: Token, flags: EventFlags) {
        let Some(mut resolver) = self.resolver.take() else {
            return;
        };
        let mut buffer = self.take_buffer();
        let mut turn = Turn {
            poll: &self.poll,
            next_number: &mut self.next_number,
            buffer: &mut buffer,
        };
        match token {
            Token::NameDatagrams => resolver.take_datagrams(&mut turn),
            Token::NameListener => resolver.accept(&mut turn),
            Token::NameClient(number) => resolver.serve_stream(&mut turn, number, flags),
            Token::NameServer(number) => resolver.hear_server(&mut turn, number),
            _ => {}
        }
        self.buffer = buffer;
        self.resolver = Some(resolver);
    }

    /// When a question has waited long enough for a server, or a client has been silent.
    pub(super) fn names_deadline(&self) -> Option<Instant> {
        self.resolver.as_ref().and_then(Resolver::deadline)
    }

    pub(super) fn expire_names(&mut self, now: Instant) {
        let Some(mut resolver) = self.resolver.take() else {
            return;
        };
        if resolver.deadline().is_some_and(|deadline| deadline <= now) {
            let mut buffer = Vec::new();
            let mut turn = Turn {
                poll: &self.poll,
                next_number: &mut self.next_number,
                buffer: &mut buffer,
            };
            resolver.expire(&mut turn, now);
        }
        self.resolver = Some(resolver);
    }
}

/// What the keeper lends for the length of one event.
struct Turn<'k> {
    poll: &'k Poll,
    next_number: &'k mut Number,
    buffer: &'k mut Vec<u8>,
}

impl Turn<'_> {
    fn number(&mut self) -> Number {
        let number = *self.next_number;
        *self.next_number += 1;
        number
    }
}

impl Resolver {
    fn open(poll: &Poll, config: Dns, host: Option<OwnedFd>) -> io::Result<Self> {
        let any = SocketAddr::from((ADDRESS, 0));
        let datagrams = reserve(Transport::Udp, any, Sharing::Nothing)?;
        let listener = reserve(Transport::Tcp, any, Sharing::Nothing)?;
        for socket in [&datagrams, &listener] {
            rustix::io::ioctl_fionbio(socket, true)?;
        }
        rustix::net::listen(&listener, BACKLOG)?;
        let ports = redirect::Ports {
            udp: bound_address(&datagrams)?.port(),
            tcp: bound_address(&listener)?.port(),
        };
        redirect::install(ADDRESS, ports)?;
        poll.set(&mut None, datagrams.as_fd(), Token::NameDatagrams, Some(EventFlags::IN));
        poll.set(&mut None, listener.as_fd(), Token::NameListener, Some(EventFlags::IN));
        Ok(Self {
            datagrams,
            listener,
            host,
            config,
            rotation: 0,
            streams: BTreeMap::new(),
            flows: BTreeMap::new(),
        })
    }

    fn take_datagrams(&mut self, turn: &mut Turn<'_>) {
        for _ in 0..QUESTIONS_PER_TURN {
            let received = rustix::net::recvfrom(&self.datagrams, turn.buffer.as_mut_slice(), RecvFlags::DONTWAIT);
            let Ok((length, _, Some(from))) = received else { return };
            let Ok(from) = SocketAddr::try_from(from) else { continue };
            let question = turn.buffer[..length].to_vec();
            self.ask(turn, Client::Datagram(from), question);
        }
    }

    /// Answers a question, now or when a server has.
    fn ask(&mut self, turn: &mut Turn<'_>, client: Client, question: Vec<u8>) {
        let query = match Query::parse(&question) {
            Ok(query) => query,
            Err(error) => {
                if let Some(answer) = message::refusal(&question, error) {
                    self.reply(turn, &client, &answer);
                }
                return;
            }
        };
        self.rotation = self.rotation.wrapping_add(1);
        match look_up(&self.config, &query, self.rotation) {
            Outcome::Answer(records) => {
                let answer = query.answer(&question, Code::NoError, &records, client.over());
                self.reply(turn, &client, &answer);
            }
            Outcome::Unknown => self.pass_on(turn, client, query, question),
        }
    }

    /// Sends an answer back. Over UDP one that does not fit now is lost, as it may be on any network.
    fn reply(&mut self, turn: &mut Turn<'_>, client: &Client, answer: &[u8]) {
        match client {
            Client::Datagram(address) => {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                if let Err(error) = rustix::net::sendto(&self.datagrams, answer, flags, address) {
                    note_refusal(error);
                }
            }
            Client::Stream(number) => self.send_stream(turn, *number, answer),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let flows = self.flows.values().map(|flow| flow.deadline);
        flows.chain(self.streams.values().map(|stream| stream.deadline)).min()
    }

    fn expire(&mut self, turn: &mut Turn<'_>, now: Instant) {
        let late: Vec<Number> = self
            .flows
            .iter()
            .filter(|(_, flow)| flow.deadline <= now)
            .map(|(number, _)| *number)
            .collect();
        for number in late {
            self.ask_next_server(turn, number);
        }
        self.streams.retain(|_, stream| stream.deadline > now);
    }
}

/// A client that has gone is no news; anything else is.
fn note_refusal(error: rustix::io::Errno) {
    use rustix::io::Errno;
    if !matches!(error, Errno::CONNREFUSED | Errno::AGAIN) {
        note!("cannot answer a question for a name: {error}");
    }
}
