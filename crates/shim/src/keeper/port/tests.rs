//! Splicing over the loopback of the host: ephemeral ports only.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use super::*;

/// Serves until `done` says so; what a keeper's loop does with these tokens.
struct Loop {
    poll: Poll,
    ports: Ports,
    next_number: Number,
}

impl Loop {
    fn new(socket: OwnedFd, protocol: Protocol, target: SocketAddr) -> Self {
        let mut ports = Ports::default();
        rustix::io::ioctl_fionbio(&socket, true).unwrap();
        ports.spliced.insert(
            0,
            Spliced {
                socket,
                watch: None,
                protocol,
                target,
            },
        );
        let poll = Poll::new().unwrap();
        ports.watch_all(&poll);
        Self {
            poll,
            ports,
            next_number: 1,
        }
    }

    fn run(&mut self, done: impl Fn(&Ports) -> bool) {
        let limit = Instant::now() + Duration::from_secs(20);
        let mut buffer = vec![0; 65536];
        while !done(&self.ports) {
            assert!(Instant::now() < limit, "no end: {:?}", self.ports);
            for (token, _) in self.poll.wait(Some(Duration::from_millis(10))) {
                match token {
                    Token::Port(number) if self.ports.spliced[&number].protocol == Protocol::Udp => {
                        self.ports
                            .relay_in(&self.poll, &mut self.next_number, number, &mut buffer);
                    }
                    Token::Port(number) => {
                        let port = &self.ports.spliced[&number];
                        let (outside, target) = (corten_sys::socket::accept(port.socket.as_fd()).unwrap(), port.target);
                        self.next_number += 1;
                        self.ports.connect(&self.poll, self.next_number, outside, target);
                    }
                    Token::Outside(number) | Token::Inside(number) if self.ports.connections.contains_key(&number) => {
                        self.ports.move_on(&self.poll, number);
                    }
                    Token::Inside(number) => self.ports.relay_out(number, &mut buffer),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

#[test]
fn tcp_both_ways_with_half_close_and_a_slow_reader() {
    let target = TcpListener::bind(local(0)).unwrap();
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut serve = Loop::new(listener.into(), Protocol::Tcp, target.local_addr().unwrap());
    const LENGTH: usize = 8 << 20;
    let server = thread::spawn(move || {
        let (mut connection, _) = target.accept().unwrap();
        let mut question = Vec::new();
        connection.read_to_end(&mut question).unwrap();
        connection.write_all(&vec![b'a'; LENGTH]).unwrap();
        question
    });
    let client = thread::spawn(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(&vec![b'q'; LENGTH]).unwrap();
        connection.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        answer
    });
    serve.run(|_| client.is_finished());
    assert_eq!(server.join().unwrap(), vec![b'q'; LENGTH]);
    assert_eq!(client.join().unwrap(), vec![b'a'; LENGTH]);
    serve.run(|ports| ports.connections.is_empty());
}

#[test]
fn a_target_that_refuses_ends_the_connection() {
    let unused = TcpListener::bind(local(0)).unwrap().local_addr().unwrap();
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut serve = Loop::new(listener.into(), Protocol::Tcp, unused);
    let client = thread::spawn(move || {
        let mut byte = [0];
        // End or reset, but no answer.
        TcpStream::connect(address).unwrap().read(&mut byte).unwrap_or(0)
    });
    serve.run(|_| client.is_finished());
    assert_eq!(client.join().unwrap(), 0);
    assert!(serve.ports.connections.is_empty());
}

#[test]
fn udp_answers_find_their_client() {
    let target = UdpSocket::bind(local(0)).unwrap();
    let port = UdpSocket::bind("[::1]:0").unwrap();
    let address = port.local_addr().unwrap();
    let mut serve = Loop::new(port.into(), Protocol::Udp, target.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut buffer = [0; 16];
        for _ in 0..2 {
            let (length, from) = target.recv_from(&mut buffer).unwrap();
            buffer[..length].make_ascii_uppercase();
            target.send_to(&buffer[..length], from).unwrap();
        }
    });
    let ask = |text: &'static str| {
        thread::spawn(move || {
            let socket = UdpSocket::bind("[::1]:0").unwrap();
            socket.send_to(text.as_bytes(), address).unwrap();
            let mut buffer = [0; 16];
            let (length, _) = socket.recv_from(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        })
    };
    let (one, two) = (ask("one"), ask("two"));
    serve.run(|_| one.is_finished() && two.is_finished());
    assert_eq!(
        (one.join().unwrap(), two.join().unwrap()),
        ("ONE".to_owned(), "TWO".to_owned())
    );
    server.join().unwrap();
    serve.ports.flows.expire(Instant::now() + FLOW_IDLE_AND_MORE);
    assert!(serve.ports.flows.deadline().is_none());
}

/// Longer than flows are kept.
const FLOW_IDLE_AND_MORE: Duration = Duration::from_secs(200);
