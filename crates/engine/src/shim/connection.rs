//! One connection to a shim: requests go out in order, replies come back by number, events in between.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use corten_shim::channel;
use corten_shim::frame::{Decoder, Outgoing};
use corten_shim::protocol::{Envelope, Event, Failure, Message, Reply, Request};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};

/// Events that may wait for a busy owner beside those in [`Connection::unheard`]: an owner that waits for a
/// reply must not keep that reply from being read.
const NEWS_LIMIT: usize = 16;
/// Events that nobody hears for so long are not heard at all: the connection is given up.
const UNHEARD_LIMIT: usize = 16 * 1024;
/// Requests that may wait for the socket.
const REQUESTS_LIMIT: usize = 64;

/// What comes from a shim unasked.
#[derive(Debug)]
pub(crate) enum News {
    /// An event.
    Event(Event),
    /// The connection is broken: the shim has ended, or speaks nonsense.
    Gone,
}

/// A request that got no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShimError {
    /// The shim did what it could and failed.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// The shim has ended.
    #[error("the container's keeper has ended")]
    Gone,
    /// The answer does not belong to the request.
    #[error("the container's keeper gave an answer to another question")]
    Unexpected,
    /// The request cannot be sent.
    #[error("the request does not fit: {0}")]
    TooLarge(String),
}

/// Sends requests to one shim. Clones share the connection.
#[derive(Debug, Clone)]
pub(crate) struct ShimHandle {
    requests: mpsc::Sender<Outbound>,
}

#[derive(Debug)]
struct Outbound {
    request: Request,
    descriptors: Vec<OwnedFd>,
    answer: oneshot::Sender<Result<Reply, ShimError>>,
}

/// Starts to speak over a connected, non-blocking socket. The task ends with the connection.
pub(crate) fn open(socket: OwnedFd) -> io::Result<(ShimHandle, mpsc::Receiver<News>)> {
    let socket = crate::ready::watch(socket, Interest::READABLE | Interest::WRITABLE)?;
    let (requests, incoming) = mpsc::channel(REQUESTS_LIMIT);
    let (news, events) = mpsc::channel(NEWS_LIMIT);
    let connection = Connection {
        socket,
        incoming,
        news,
        decoder: Decoder::new(),
        outgoing: VecDeque::new(),
        unheard: VecDeque::new(),
        waiting: BTreeMap::new(),
        number: 0,
    };
    tokio::spawn(connection.run());
    Ok((ShimHandle { requests }, events))
}

impl ShimHandle {
    /// Sends a request without waiting for its reply; requests are served in the order of their sending.
    pub(crate) async fn submit(&self, request: Request, descriptors: Vec<OwnedFd>) -> Result<Submitted, ShimError> {
        let (answer, reply) = oneshot::channel();
        let outbound = Outbound {
            request,
            descriptors,
            answer,
        };
        self.requests.send(outbound).await.map_err(|_gone| ShimError::Gone)?;
        Ok(Submitted(reply))
    }

    /// Sends a request and waits for its reply.
    pub(crate) async fn request(&self, request: Request, descriptors: Vec<OwnedFd>) -> Result<Reply, ShimError> {
        self.submit(request, descriptors).await?.reply().await
    }

    /// As [`Self::request`] where nothing but `Done` is a good answer.
    pub(crate) async fn ask(&self, request: Request, descriptors: Vec<OwnedFd>) -> Result<(), ShimError> {
        self.submit(request, descriptors).await?.done().await
    }
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Submitted(oneshot::Receiver<Result<Reply, ShimError>>);

impl Submitted {
    /// Waits for the reply; `Failed` is an error.
    pub(crate) async fn reply(self) -> Result<Reply, ShimError> {
        match self.0.await.map_err(|_gone| ShimError::Gone)?? {
            Reply::Failed(failure) => Err(ShimError::Failed(failure)),
            reply => Ok(reply),
        }
    }

    /// As [`Self::reply`] where nothing but `Done` is a good answer.
    pub(crate) async fn done(self) -> Result<(), ShimError> {
        match self.reply().await? {
            Reply::Done => Ok(()),
            Reply::Created { .. } | Reply::Started { .. } | Reply::State(_) | Reply::Failed(_) => {
                Err(ShimError::Unexpected)
            }
        }
    }
}

struct Connection {
    socket: AsyncFd<OwnedFd>,
    incoming: mpsc::Receiver<Outbound>,
    news: mpsc::Sender<News>,
    decoder: Decoder,
    outgoing: VecDeque<Outgoing>,
    unheard: VecDeque<Event>,
    waiting: BTreeMap<u64, oneshot::Sender<Result<Reply, ShimError>>>,
    number: u64,
}

impl Connection {
    async fn run(mut self) {
        while self.turn().await.is_some() {}
        for (_number, answer) in std::mem::take(&mut self.waiting) {
            // Nobody waiting any more is fine.
            drop(answer.send(Err(ShimError::Gone)));
        }
        self.incoming.close();
        for event in self.unheard {
            drop(self.news.send(News::Event(event)).await);
        }
        drop(self.news.send(News::Gone).await);
    }

    /// One step; `None` ends the connection.
    async fn turn(&mut self) -> Option<()> {
        let sending = !self.outgoing.is_empty();
        let (telling, news) = (!self.unheard.is_empty(), self.news.clone());
        tokio::select! {
            permit = news.reserve(), if telling => {
                let event = self.unheard.pop_front()?;
                // Replies still count when the owner has ended.
                if let Ok(permit) = permit {
                    permit.send(News::Event(event));
                }
            }
            outbound = self.incoming.recv() => self.enqueue(outbound?),
            ready = self.socket.readable() => {
                let mut guard = ready.ok()?;
                match guard.try_io(|socket| channel::receive(socket.get_ref().as_fd(), &mut self.decoder)) {
                    Ok(Ok(0) | Err(_)) => return None,
                    Ok(Ok(_)) => self.dispatch()?,
                    Err(_would_block) => {}
                }
            }
            ready = self.socket.writable(), if sending => {
                let mut guard = ready.ok()?;
                let frame = self.outgoing.front_mut()?;
                match guard.try_io(|socket| channel::send(socket.get_ref().as_fd(), frame)) {
                    Ok(Ok(())) => drop(self.outgoing.pop_front()),
                    Ok(Err(_broken)) => return None,
                    Err(_would_block) => {}
                }
            }
        }
        Some(())
    }

    fn enqueue(&mut self, outbound: Outbound) {
        self.number += 1;
        let envelope = Envelope {
            number: self.number,
            request: outbound.request,
        };
        match Outgoing::new(&envelope, outbound.descriptors) {
            Ok(mut frame) => {
                self.waiting.insert(self.number, outbound.answer);
                // Almost always the socket takes it at once, which saves a turn.
                let idle = self.outgoing.is_empty();
                if !(idle && channel::send(self.socket.get_ref().as_fd(), &mut frame).is_ok()) {
                    self.outgoing.push_back(frame);
                }
            }
            Err(error) => drop(outbound.answer.send(Err(ShimError::TooLarge(error.to_string())))),
        }
    }

    fn dispatch(&mut self) -> Option<()> {
        loop {
            match self.decoder.decode::<Message>() {
                Ok(Some((Message::Reply { number, reply }, _descriptors))) => {
                    if let Some(answer) = self.waiting.remove(&number) {
                        drop(answer.send(Ok(reply)));
                    }
                }
                Ok(Some((Message::Event(event), _descriptors))) => {
                    self.unheard.push_back(event);
                    if self.unheard.len() > UNHEARD_LIMIT {
                        return None;
                    }
                }
                Ok(None) => return Some(()),
                Err(error) => {
                    tracing::error!(%error, "a shim speaks nonsense");
                    return None;
                }
            }
        }
    }
}
