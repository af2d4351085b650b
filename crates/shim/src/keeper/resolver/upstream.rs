//! Questions that the tables do not know, passed on to the servers outside: one after the other, each with a
//! socket of its own on a port and with a number that nobody can guess, over what the client used.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use corten_sys::netns;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::super::poll::{Number, Token, Watch};
use super::stream::{push_message, take_message};
use super::{Resolver, Turn};
use crate::dns::message::{self, Code, Judgement, Over, Query};
use crate::protocol::NameServer;

/// How many questions wait for servers at a time; a further one fails at once.
const FLOWS_LIMIT: usize = 256;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Client {
    Datagram(SocketAddr),
    Stream(Number),
}

impl Client {
    pub(super) fn over(&self) -> Over {
        match self {
            Self::Datagram(_) => Over::Datagram,
            Self::Stream(_) => Over::Stream,
        }
    }
}

/// A question that waits for a server.
#[derive(Debug)]
pub(super) struct Flow {
    client: Client,
    query: Query,
    /// As the client sent it.
    question: Vec<u8>,
    /// Our number for it.
    id: u16,
    socket: OwnedFd,
    watch: Watch,
    /// Of the stream to the server: what is still to be sent, and what has come.
    waiting: Vec<u8>,
    received: Vec<u8>,
    /// The server after this one.
    next_server: usize,
    pub(super) deadline: Instant,
}

impl Resolver {
    pub(super) fn pass_on(&mut self, turn: &mut Turn<'_>, client: Client, query: Query, question: Vec<u8>) {
        if self.flows.len() >= FLOWS_LIMIT {
            self.fail(turn, &client, &query, &question);
            return;
        }
        self.pass_on_from(turn, 0, client, query, question);
    }

    /// Asks the first server from `server` on that can be reached; fails if there is none.
    fn pass_on_from(&mut self, turn: &mut Turn<'_>, server: usize, client: Client, query: Query, question: Vec<u8>) {
        for at in server..self.config.servers.len() {
            let Some(server) = self.config.servers.get(at) else {
                break;
            };
            let id = random_id();
            let Ok((socket, waiting)) = self.send(server, client.over(), id, &question) else {
                continue;
            };
            let number = turn.number();
            let mut flow = Flow {
                client,
                query,
                question,
                id,
                socket,
                watch: None,
                waiting,
                received: Vec::new(),
                next_server: at + 1,
                deadline: Instant::now() + PATIENCE,
            };
            flow.watch(turn, number);
            self.flows.insert(number, flow);
            return;
        }
        self.fail(turn, &client, &query, &question);
    }

    fn fail(&mut self, turn: &mut Turn<'_>, client: &Client, query: &Query, question: &[u8]) {
        let answer = query.answer(question, Code::ServerFailure, &[], client.over());
        self.reply(turn, client, &answer);
    }

    /// A server has said something, or its stream is ready.
    pub(super) fn hear_server(&mut self, turn: &mut Turn<'_>, number: Number) {
        let Some(flow) = self.flows.get_mut(&number) else {
            return;
        };
        let heard = match flow.client.over() {
            Over::Datagram => flow.hear_datagram(turn.buffer),
            Over::Stream => flow.hear_stream(turn.buffer),
        };
        match heard {
            Heard::Nothing => flow.watch(turn, number),
            Heard::Answer(mut answer) => {
                let Some(flow) = self.flows.remove(&number) else { return };
                message::renumber(&mut answer, flow.query.id);
                self.reply(turn, &flow.client, &answer);
            }
            Heard::Unable => self.ask_next_server(turn, number),
        }
    }

    pub(super) fn ask_next_server(&mut self, turn: &mut Turn<'_>, number: Number) {
        if let Some(flow) = self.flows.remove(&number) {
            self.pass_on_from(turn, flow.next_server, flow.client, flow.query, flow.question);
        }
    }

    /// Sends the question under our number; over a stream, gives what is to be sent once it is connected.
    fn send(&self, server: &NameServer, over: Over, id: u16, question: &[u8]) -> io::Result<(OwnedFd, Vec<u8>)> {
        let mut question = question.to_vec();
        message::renumber(&mut question, id);
        let socket = self.socket(server, over)?;
        match over {
            Over::Datagram => {
                rustix::net::connect(&socket, &server.address)?;
                rustix::net::send(&socket, &question, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
                Ok((socket, Vec::new()))
            }
            Over::Stream => {
                match rustix::net::connect(&socket, &server.address) {
                    Ok(()) | Err(Errno::INPROGRESS) => {}
                    Err(error) => return Err(error.into()),
                }
                let mut waiting = Vec::with_capacity(question.len() + 2);
                push_message(&mut waiting, &question);
                Ok((socket, waiting))
            }
        }
    }

    /// A socket in the namespace that the server is asked from.
    fn socket(&self, server: &NameServer, over: Over) -> io::Result<OwnedFd> {
        let family = match server.address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let kind = match over {
            Over::Datagram => SocketType::DGRAM,
            Over::Stream => SocketType::STREAM,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let open = || rustix::net::socket_with(family, kind, flags, None).map_err(io::Error::from);
        match &self.host {
            Some(host) if server.from_host => netns::visit(host, open)?,
            Some(_) | None => open(),
        }
    }
}

/// What came from a server.
enum Heard {
    Nothing,
    Answer(Vec<u8>),
    Unable,
}

impl Flow {
    fn watch(&mut self, turn: &Turn<'_>, number: Number) {
        let wanted = if self.waiting.is_empty() {
            EventFlags::IN
        } else {
            EventFlags::OUT
        };
        turn.poll.set(
            &mut self.watch,
            self.socket.as_fd(),
            Token::NameServer(number),
            Some(wanted),
        );
    }

    fn hear_datagram(&self, buffer: &mut [u8]) -> Heard {
        match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((length, _)) => self.judge(buffer[..length].to_vec()),
            Err(Errno::AGAIN | Errno::INTR) => Heard::Nothing,
            // nobody listens there
            Err(_) => Heard::Unable,
        }
    }

    fn hear_stream(&mut self, buffer: &mut [u8]) -> Heard {
        if !self.waiting.is_empty() {
            return match rustix::net::send(&self.socket, &self.waiting, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(sent) => {
                    self.waiting.drain(..sent);
                    Heard::Nothing
                }
                Err(Errno::AGAIN | Errno::INTR) => Heard::Nothing,
                Err(_) => Heard::Unable,
            };
        }
        match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((length @ 1.., _)) => {
                self.received.extend_from_slice(&buffer[..length]);
                match take_message(&mut self.received) {
                    Some(answer) => self.judge(answer),
                    None => Heard::Nothing,
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => Heard::Nothing,
            Ok(_) | Err(_) => Heard::Unable,
        }
    }

    /// What answers nothing that was asked is not heard.
    fn judge(&self, answer: Vec<u8>) -> Heard {
        match message::judge(&answer, self.id, &self.question) {
            Some(Judgement::Answered) => Heard::Answer(answer),
            Some(Judgement::Unable) => Heard::Unable,
            None => Heard::Nothing,
        }
    }
}

fn random_id() -> u16 {
    let [low, high, ..] = RandomState::new().hash_one(0u8).to_ne_bytes();
    u16::from_ne_bytes([low, high])
}
