//! Connections of daemons. One that fails is forgotten; the container does not notice.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::event::epoll::EventFlags;
use serde::{Deserialize, Serialize};

use super::poll::{Number, Token, Watch};
use super::port::is_shortage;
use super::{ACCEPT_PAUSE, Keeper, STARTER, Stage, remove_socket};
use crate::channel;
use crate::frame::{Decoder, Outgoing};
use crate::protocol::{Envelope, Message};

/// A daemon that does not read loses its connection when this many messages wait for it.
const MESSAGES_LIMIT: usize = 1024;

/// A connection and what is on its way to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Daemon {
    #[serde(with = "crate::carried::descriptor")]
    socket: OwnedFd,
    #[serde(with = "crate::keeper::poll::watch")]
    watch: Watch,
    decoder: Decoder,
    outgoing: VecDeque<Outgoing>,
}

impl Daemon {
    pub(super) fn has_nothing_to_send(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// A stream that lacks a message is of no use: readiness then says that the connection has ended.
    fn hang_up(&mut self) {
        self.outgoing.clear();
        if let Err(error) = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both) {
            note!("cannot hang up on a daemon: {error}");
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(frame) = self.outgoing.front_mut() {
            match channel::send(self.socket.as_fd(), frame) {
                Ok(()) => drop(self.outgoing.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Keeper {
    pub(super) fn add_daemon(&mut self, socket: OwnedFd) {
        let number = self.number();
        let daemon = Daemon {
            socket,
            watch: None,
            decoder: Decoder::new(),
            outgoing: VecDeque::new(),
        };
        self.daemons.insert(number, daemon);
        self.watch_daemon(number);
    }

    pub(super) fn accept_daemon(&mut self) {
        let Some(listener) = &self.listener else { return };
        match corten_sys::socket::accept(listener.as_fd()) {
            Ok(socket) => self.add_daemon(socket),
            Err(error) if is_shortage(&error) => {
                self.listener_pause = Some(Instant::now() + ACCEPT_PAUSE);
                self.watch_listener();
            }
            // It has left before it was accepted.
            Err(_) => {}
        }
    }

    pub(super) fn watch_listener(&mut self) {
        if let Some(listener) = &self.listener {
            let wanted = self.listener_pause.is_none().then_some(EventFlags::IN);
            self.poll
                .set(&mut self.listener_watch, listener.as_fd(), Token::Listener, wanted);
        }
    }

    /// Nothing is left to be found: from now on the run directory can be another shim's.
    pub(super) fn stop_listening(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        self.poll
            .set(&mut self.listener_watch, listener.as_fd(), Token::Listener, None);
        if let Err(error) = remove_socket() {
            note!("cannot remove the socket: {error}");
        }
    }

    /// A daemon's connection is ready.
    pub(super) fn serve_daemon(&mut self, number: Number, flags: EventFlags) {
        let Some(daemon) = self.daemons.get_mut(&number) else {
            return;
        };
        if daemon.flush().is_err() {
            return self.drop_daemon(number);
        }
        let mut open = true;
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            open = receive_all(daemon);
        }
        // What a dying daemon has asked for last is still done.
        while let Some((envelope, descriptors)) = self.next_request(number) {
            self.answer(number, envelope, descriptors);
        }
        if open {
            self.watch_daemon(number)
        } else {
            self.drop_daemon(number)
        }
    }

    fn next_request(&mut self, number: Number) -> Option<(Envelope, Vec<OwnedFd>)> {
        match self.daemons.get_mut(&number)?.decoder.decode() {
            Ok(request) => request,
            Err(error) => {
                note!("a daemon's request: {error}");
                self.drop_daemon(number);
                None
            }
        }
    }

    /// Sends a message, or queues it; a daemon that is gone is forgotten when its connection says so.
    pub(super) fn send(&mut self, number: Number, message: &Message) {
        let Some(daemon) = self.daemons.get_mut(&number) else {
            return;
        };
        let frame = Outgoing::new(message, Vec::new()).expect("our messages are short and have no descriptors");
        daemon.outgoing.push_back(frame);
        if daemon.outgoing.len() > MESSAGES_LIMIT || daemon.flush().is_err() {
            daemon.hang_up();
        }
        self.watch_daemon(number);
    }

    fn watch_daemon(&mut self, number: Number) {
        let Some(daemon) = self.daemons.get_mut(&number) else {
            return;
        };
        let mut wanted = EventFlags::IN;
        wanted.set(EventFlags::OUT, !daemon.has_nothing_to_send());
        self.poll.set(
            &mut daemon.watch,
            daemon.socket.as_fd(),
            Token::Daemon(number),
            Some(wanted),
        );
    }

    /// A connection has ended. Without the daemon that started it, a container that was not let go is undone.
    fn drop_daemon(&mut self, number: Number) {
        let Some(mut daemon) = self.daemons.remove(&number) else {
            return;
        };
        self.poll
            .set(&mut daemon.watch, daemon.socket.as_fd(), Token::Daemon(number), None);
        match self.stage {
            Stage::Empty | Stage::Created { .. } if number == STARTER => self.undo(),
            Stage::Exited { .. } if self.daemons.is_empty() => self.release(),
            Stage::Empty
            | Stage::Created { .. }
            | Stage::Running
            | Stage::Ending { .. }
            | Stage::Exited { .. }
            | Stage::Over { .. } => {}
        }
    }
}

/// Receives all that is there; says whether more may come.
fn receive_all(daemon: &mut Daemon) -> bool {
    loop {
        match channel::receive(daemon.socket.as_fd(), &mut daemon.decoder) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Ok(_) | Err(_) => return false,
        }
    }
}
