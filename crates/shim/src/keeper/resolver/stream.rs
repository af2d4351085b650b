//! Clients over TCP: each message behind its length (RFC 1035, 4.2.2).

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::net::{RecvFlags, SendFlags};

use super::super::poll::{Number, Token, Watch};
use super::upstream::Client;
use super::{Resolver, Turn};

/// How many clients there are at a time; a further one takes the place of the one that is silent for longest.
const STREAMS_LIMIT: usize = 64;

/// A silent client is let go after this long.
const SILENCE: Duration = Duration::from_secs(10);

/// Answers that wait for a client to take them, in bytes; one that lets more pile up is let go.
const WAITING_LIMIT_BYTES: usize = 256 * 1024;

/// One client.
#[derive(Debug)]
pub(super) struct Stream {
    socket: OwnedFd,
    watch: Watch,
    received: Vec<u8>,
    waiting: Vec<u8>,
    pub(super) deadline: Instant,
}

impl Resolver {
    pub(super) fn accept(&mut self, turn: &mut Turn<'_>) {
        while let Ok(socket) = corten_sys::socket::accept(self.listener.as_fd()) {
            if self.streams.len() >= STREAMS_LIMIT {
                let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.deadline);
                if let Some(number) = oldest.map(|(number, _)| *number) {
                    self.streams.remove(&number);
                }
            }
            let number = turn.number();
            let mut stream = Stream {
                socket,
                watch: None,
                received: Vec::new(),
                waiting: Vec::new(),
                deadline: Instant::now() + SILENCE,
            };
            stream.watch(turn, number);
            self.streams.insert(number, stream);
        }
    }

    pub(super) fn serve_stream(&mut self, turn: &mut Turn<'_>, number: Number, flags: EventFlags) {
        if flags.contains(EventFlags::OUT) {
            self.flush_stream(turn, number);
        }
        let Some(stream) = self.streams.get_mut(&number) else {
            return;
        };
        match rustix::net::recv(&stream.socket, turn.buffer.as_mut_slice(), RecvFlags::DONTWAIT) {
            Ok((length @ 1.., _)) => {
                stream.received.extend_from_slice(&turn.buffer[..length]);
                stream.deadline = Instant::now() + SILENCE;
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => {
                self.streams.remove(&number);
                return;
            }
        }
        while let Some(question) = self
            .streams
            .get_mut(&number)
            .and_then(|stream| take_message(&mut stream.received))
        {
            self.ask(turn, Client::Stream(number), question);
        }
    }

    pub(super) fn send_stream(&mut self, turn: &mut Turn<'_>, number: Number, answer: &[u8]) {
        // a client that has gone
        let Some(stream) = self.streams.get_mut(&number) else {
            return;
        };
        push_message(&mut stream.waiting, answer);
        if stream.waiting.len() > WAITING_LIMIT_BYTES {
            self.streams.remove(&number);
            return;
        }
        self.flush_stream(turn, number);
    }

    fn flush_stream(&mut self, turn: &mut Turn<'_>, number: Number) {
        let Some(stream) = self.streams.get_mut(&number) else {
            return;
        };
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        match rustix::net::send(&stream.socket, &stream.waiting, flags) {
            Ok(sent) => {
                stream.waiting.drain(..sent);
                stream.watch(turn, number);
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => stream.watch(turn, number),
            Err(_) => drop(self.streams.remove(&number)),
        }
    }
}

impl Stream {
    fn watch(&mut self, turn: &Turn<'_>, number: Number) {
        let mut wanted = EventFlags::IN;
        if !self.waiting.is_empty() {
            wanted |= EventFlags::OUT;
        }
        turn.poll.set(
            &mut self.watch,
            self.socket.as_fd(),
            Token::NameClient(number),
            Some(wanted),
        );
    }
}

/// Takes the first whole message, if there is one.
pub(super) fn take_message(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk::<2>()?));
    if bytes.len() < 2 + length {
        return None;
    }
    let message = bytes[2..2 + length].to_vec();
    bytes.drain(..2 + length);
    Some(message)
}

/// Appends a message; one that no length can say is left out.
pub(super) fn push_message(bytes: &mut Vec<u8>, message: &[u8]) {
    if let Ok(length) = u16::try_from(message.len()) {
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_whole() {
        let mut bytes = Vec::new();
        push_message(&mut bytes, b"one");
        push_message(&mut bytes, b"");
        push_message(&mut bytes, b"three");
        bytes.pop();
        assert_eq!(take_message(&mut bytes).as_deref(), Some(&b"one"[..]));
        assert_eq!(take_message(&mut bytes).as_deref(), Some(&b""[..]));
        assert_eq!(take_message(&mut bytes), None);
        bytes.push(b'e');
        assert_eq!(take_message(&mut bytes).as_deref(), Some(&b"three"[..]));
        push_message(&mut bytes, &[0; 70_000]);
        assert!(bytes.is_empty());
    }
}
