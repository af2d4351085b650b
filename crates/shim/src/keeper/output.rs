//! From a process to the log and the clients.

use std::os::fd::AsFd;

use corten_base::Timestamp;
use rustix::io::Errno;

use super::poll::Number;
use super::process::LAST_OUTPUT_BYTES;
use super::{BUFFER_BYTES, FIRST_PROCESS, Keeper};
use crate::log::Stream;

/// What one read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    Bytes,
    Nothing,
    End,
}

impl Keeper {
    /// Output is readable.
    pub(super) fn read_output(&mut self, number: Number, stream: Stream) {
        let readable = self.processes.get(&number).is_some_and(|process| !process.blocked);
        if readable && self.pump(number, stream) == Read::End {
            self.settle(number);
        }
    }

    /// Takes all that an ended process has left, also what clients are not ready for.
    pub(super) fn drain(&mut self, number: Number) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            // Somebody who has survived could write for ever.
            let rounds = LAST_OUTPUT_BYTES / BUFFER_BYTES;
            (0..rounds)
                .take_while(|_| self.pump(number, stream) == Read::Bytes)
                .for_each(drop);
        }
    }

    fn pump(&mut self, number: Number, stream: Stream) -> Read {
        let mut buffer = self.take_buffer();
        let read = self
            .processes
            .get_mut(&number)
            .and_then(|process| process.output(stream).as_ref())
            .map(|output| rustix::io::read(&output.descriptor, &mut buffer[..]));
        let outcome = match read {
            None => Read::End,
            Some(Ok(count @ 1..)) => {
                self.distribute(number, stream, &buffer[..count]);
                Read::Bytes
            }
            Some(Err(Errno::AGAIN | Errno::INTR)) => Read::Nothing,
            // A terminal that nobody holds open any more answers EIO.
            Some(Ok(_) | Err(_)) => {
                self.end_output(number, stream);
                Read::End
            }
        };
        self.buffer = buffer;
        outcome
    }

    fn distribute(&mut self, number: Number, stream: Stream, bytes: &[u8]) {
        if number == FIRST_PROCESS
            && let Some(recorder) = &mut self.recorder
        {
            recorder.record(stream, bytes, Timestamp::now());
            if recorder.was_rotated() {
                self.announce(&crate::protocol::Event::LogRotated);
            }
        }
        let mut gone = Vec::new();
        let mut behind = false;
        for (client_number, client) in self.clients.iter_mut().filter(|(_, client)| client.process == number) {
            if client.deliver(stream, bytes).is_err() {
                gone.push(*client_number);
            }
            behind |= client.is_behind();
        }
        if behind {
            self.rewatch(number);
        }
        gone.into_iter().for_each(|client| self.drop_client(client));
    }

    fn end_output(&mut self, number: Number, stream: Stream) {
        if let Some(process) = self.processes.get_mut(&number) {
            process.close_output(&self.poll, number, stream);
        }
        if number == FIRST_PROCESS
            && let Some(recorder) = &mut self.recorder
        {
            recorder.finish(stream, Timestamp::now());
        }
    }

    /// Stops waiting for output that something outside the container holds open.
    pub(super) fn abandon_output(&mut self, number: Number) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.end_output(number, stream);
        }
        self.settle(number);
    }

    /// Watches a process's streams and clients as their state now wants it.
    pub(super) fn rewatch(&mut self, number: Number) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        let (full, allowed) = (process.is_input_full(), process.allowed_backlog_bytes());
        let mut behind = false;
        for (client_number, client) in self.clients.iter_mut().filter(|(_, client)| client.process == number) {
            client.watch(&self.poll, *client_number, full);
            behind |= client.backlog_bytes() > allowed;
        }
        process.blocked = behind;
        process.watch_outputs(&self.poll, number);
        if let Some(input) = &mut process.input {
            let wanted = full.then_some(rustix::event::epoll::EventFlags::OUT);
            let token = super::poll::Token::Input(number);
            self.poll.set(&mut input.watch, input.descriptor.as_fd(), token, wanted);
        }
    }
}
