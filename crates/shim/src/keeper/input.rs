//! From clients to a process, and what becomes of clients that leave.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;

use super::Keeper;
use super::client::{Client, ClientInput};
use super::poll::Number;
use crate::attach::Typed;
use crate::protocol::{Attach, Event};

impl Keeper {
    /// Joins a connection to a process.
    pub(super) fn join(&mut self, socket: OwnedFd, process: Number, attach: &Attach) {
        let number = self.number();
        let mut client = Client::new(socket, process, attach);
        // Without an open standard input it makes no difference what the client sends, nor whether it stops.
        if !self
            .processes
            .get(&process)
            .is_some_and(|process| process.streams.stdin)
        {
            client.input = ClientInput::Unwanted;
        }
        self.clients.insert(number, client);
        self.take_input(number, &attach.early_input);
        self.rewatch(process);
    }

    /// A client's connection is ready.
    pub(super) fn serve_client(&mut self, number: Number, flags: EventFlags) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        let process = client.process;
        if client.is_behind() && client.flush().is_err() {
            return self.drop_client(number);
        }
        let hung_up = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        let full = self
            .processes
            .get(&process)
            .is_some_and(super::process::Process::is_input_full);
        if client.give_up.is_some() {
            if hung_up || !client.is_behind() {
                return self.finish_client(number);
            }
        } else if client.input == ClientInput::Open && !full {
            if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                self.receive_input(number);
            }
        } else if hung_up {
            return self.drop_client(number);
        }
        self.rewatch(process);
    }

    fn receive_input(&mut self, number: Number) {
        let mut buffer = self.take_buffer();
        let Some(client) = self.clients.get(&number) else {
            return;
        };
        match corten_sys::socket::receive(client.socket.as_fd(), &mut buffer) {
            Ok(0) => self.end_input(number),
            Ok(count) => self.take_input(number, &buffer[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => self.drop_client(number),
        }
        self.buffer = buffer;
    }

    fn take_input(&mut self, number: Number, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if client.input != ClientInput::Open || bytes.is_empty() {
            return;
        }
        let process = client.process;
        if client.detach_keys.is_empty() {
            return self.write_input(process, bytes);
        }
        let mut typed = Vec::new();
        let outcome = client.detach_keys.filter(bytes, &mut typed);
        self.write_input(process, &typed);
        if outcome == Typed::Detach {
            self.detach(number);
        }
    }

    /// The client has closed its side. With `StdinOnce` the process's input ends and output goes on; otherwise
    /// the whole attachment ends (observed: dockerd 28.5).
    fn end_input(&mut self, number: Number) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        client.input = ClientInput::Ended;
        let process = client.process;
        let mut held_back = Vec::new();
        client.detach_keys.finish(&mut held_back);
        self.write_input(process, &held_back);
        if self.ends_with_client(process) {
            self.close_input_when_taken(process);
        } else if let Some(client) = self.clients.get_mut(&number) {
            client.finish_by_limit();
            if !client.is_behind() {
                self.finish_client(number);
            }
        }
    }

    fn ends_with_client(&self, process: Number) -> bool {
        self.processes
            .get(&process)
            .is_some_and(|process| process.streams.stdin_once && !process.streams.terminal)
    }

    fn detach(&mut self, number: Number) {
        let Some(client) = self.clients.get(&number) else {
            return;
        };
        let process = client.process;
        if let Some(target) = self.processes.get(&process).map(|process| process.target.clone()) {
            self.announce(&Event::Detached { target });
        }
        self.finish_client(number);
    }

    /// Ends a client's connection in order.
    pub(super) fn finish_client(&mut self, number: Number) {
        if let Some(client) = self.clients.remove(&number) {
            let process = client.process;
            client.close(&self.poll, number);
            self.rewatch(process);
        }
    }

    /// A client is gone: the process and other clients go on.
    pub(super) fn drop_client(&mut self, number: Number) {
        let Some(mut client) = self.clients.remove(&number) else {
            return;
        };
        self.poll.set(
            &mut client.watch,
            client.socket.as_fd(),
            super::poll::Token::Client(number),
            None,
        );
        if client.input == ClientInput::Open && self.ends_with_client(client.process) {
            self.close_input_when_taken(client.process);
        }
        self.rewatch(client.process);
    }

    fn write_input(&mut self, number: Number, bytes: &[u8]) {
        let Some(input) = self
            .processes
            .get_mut(&number)
            .and_then(|process| process.input.as_mut())
        else {
            return;
        };
        input.pending.extend_from_slice(bytes);
        self.flush_input(number);
    }

    fn close_input_when_taken(&mut self, number: Number) {
        if let Some(input) = self
            .processes
            .get_mut(&number)
            .and_then(|process| process.input.as_mut())
        {
            input.closing = true;
            self.flush_input(number);
        }
    }

    /// Gives the process what waits for it.
    pub(super) fn flush_input(&mut self, number: Number) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        let Some(input) = &mut process.input else { return };
        let mut taken = 0;
        let mut broken = false;
        while taken < input.pending.len() {
            match rustix::io::write(&input.descriptor, &input.pending[taken..]) {
                Ok(count) => taken += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                // The process has closed its input: what clients type from now on is dropped.
                Err(_) => {
                    broken = true;
                    break;
                }
            }
        }
        input.pending.drain(..taken);
        if input.pending.is_empty() {
            input.pending = Vec::new();
        }
        if broken || (input.closing && input.pending.is_empty()) {
            process.close_input(&self.poll, number);
        }
        self.rewatch(number);
    }
}
