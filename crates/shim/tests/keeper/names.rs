//! The embedded name server as a program in the container finds it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::fixture::*;
use corten_shim::names::{self, Entry};
use corten_shim::protocol::*;

const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);
const OUTSIDE: [u8; 4] = [9, 9, 9, 9];

/// A question for IPv4 addresses.
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// Code, whether it was cut, and the addresses, if the answer is nothing but address records.
fn read(answer: &[u8], question: &[u8]) -> (u8, bool, Vec<[u8; 4]>) {
    assert_eq!(answer[..2], question[..2], "the number");
    assert_eq!(answer[12..question.len()], question[12..], "the question");
    let records = answer[question.len()..].chunks_exact(16);
    let addresses = records.map(|record| record[12..].try_into().unwrap()).collect();
    (answer[3] & 15, answer[2] & 2 != 0, addresses)
}

fn ask(name: &str) -> (u8, bool, Vec<[u8; 4]>) {
    let (socket, question) = (UdpSocket::bind("127.0.0.1:0").unwrap(), question(name));
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.connect(SERVER).unwrap();
    socket.send(&question).unwrap();
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).unwrap();
    read(&answer[..length], &question)
}

fn ask_stream(name: &str) -> (u8, bool, Vec<[u8; 4]>) {
    let (mut stream, question) = (TcpStream::connect(SocketAddr::from(SERVER)).unwrap(), question(name));
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = u16::try_from(question.len()).unwrap().to_be_bytes();
    // in two parts, as a slow client might
    stream.write_all(&length).unwrap();
    stream.write_all(&question).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).unwrap();
    read(&answer, &question)
}

/// A server outside: one address for every name, a hundred for `big.test` and over TCP alone, silence for
/// `mute.test`.
fn outside() -> SocketAddr {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = udp.local_addr().unwrap();
    let tcp = TcpListener::bind(address).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, client)) = udp.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length], false) {
                udp.send_to(&answer, client).unwrap();
            }
        }
    });
    thread::spawn(move || {
        for stream in tcp.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 512];
            let mut length = 0;
            while length < 2 || length < 2 + usize::from(u16::from_be_bytes([buffer[0], buffer[1]])) {
                length += stream.read(&mut buffer[length..]).unwrap();
            }
            let answer = answer(&buffer[2..length], true).unwrap();
            stream
                .write_all(&u16::try_from(answer.len()).unwrap().to_be_bytes())
                .unwrap();
            stream.write_all(&answer).unwrap();
        }
    });
    address
}

fn answer(question: &[u8], stream: bool) -> Option<Vec<u8>> {
    let is = |name: &[u8]| question.windows(name.len()).any(|part| part == name);
    if is(b"mute") {
        return None;
    }
    let big = is(b"big");
    let count = if big { if stream { 100 } else { 0 } } else { 1 };
    let mut answer = question.to_vec();
    answer[2] = if big && !stream { 0x83 } else { 0x81 };
    answer[3] = 0x80;
    answer[7] = count;
    for _ in 0..count {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(OUTSIDE);
    }
    Some(answer)
}

fn nobody() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn table(kept: &Kept, containers: u8) -> PathBuf {
    let path = kept.path("net.names");
    let mut text = names::header("net");
    for number in 1..=containers {
        text += &names::line(&Entry {
            key: format!("k{number}"),
            addresses: vec![Ipv4Addr::new(10, 0, 0, number).into()],
            names: vec![format!("c{number}"), "all".to_owned()],
        });
    }
    std::fs::write(&path, text).unwrap();
    path
}

/// A running container with names and these servers, and a way to do things in its namespace.
fn kept(containers: u8, servers: &[SocketAddr]) -> Kept {
    let mut kept = Kept::new("exec sleep 1000", streams());
    kept.create();
    let server = |address: &SocketAddr| NameServer {
        address: *address,
        from_host: true,
    };
    let dns = Dns {
        tables: vec![table(&kept, containers)],
        aliases: vec![("other".to_owned(), "c1".to_owned())],
        servers: servers.iter().map(server).collect(),
    };
    let setup = NetworkSetup {
        dns: Some(dns),
        ..NetworkSetup::default()
    };
    let host = if servers.is_empty() {
        Vec::new()
    } else {
        vec![corten_sys::netns::current().unwrap()]
    };
    let reply = kept.ask_with(Request::Network(setup), host);
    assert!(matches!(reply, Reply::Done), "{reply:?}");
    kept.start();
    kept
}

fn inside<T: Send + 'static>(kept: &Kept, act: impl FnOnce() -> T + Send + 'static) -> T {
    let namespace = std::fs::File::open(format!("/proc/{}/ns/net", kept.shim.pid)).unwrap();
    let acted = thread::spawn(move || {
        corten_sys::netns::enter(&namespace).unwrap();
        act()
    });
    acted.join().unwrap()
}

#[test]
fn names_of_the_tables_and_of_the_world() {
    if !possible() {
        return;
    }
    let kept = kept(3, &[nobody(), outside()]);
    inside(&kept, || {
        assert_eq!(ask("c2"), (0, false, vec![[10, 0, 0, 2]]));
        assert_eq!(ask("C2.net").2, [[10, 0, 0, 2]]);
        assert_eq!(ask("other").2, [[10, 0, 0, 1]]);
        let firsts: std::collections::BTreeSet<_> = (0..3).map(|_| ask("all").2[0]).collect();
        assert_eq!(firsts.len(), 3, "each is the first at times");
        assert_eq!(
            ask("some.where"),
            (0, false, vec![OUTSIDE]),
            "the first server is not there"
        );
        assert_eq!(ask("mute.test"), (2, false, vec![]), "nobody answers");
        let tracked = std::fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count");
        assert!(
            tracked.is_err() || tracked.unwrap().trim() == "0",
            "no connection is remembered"
        );
    });
}

#[test]
fn long_answers_go_over_tcp() {
    if !possible() {
        return;
    }
    let kept = kept(200, &[outside()]);
    inside(&kept, || {
        let (code, cut, addresses) = ask("all");
        assert!(
            code == 0 && cut && addresses.len() < 32,
            "{} addresses",
            addresses.len()
        );
        let (code, cut, addresses) = ask_stream("all");
        assert_eq!((code, cut, addresses.len()), (0, false, 200));
        assert!(ask("big.test").1, "what a server cuts is passed on so");
        assert_eq!(ask_stream("big.test").2.len(), 100);
        assert_eq!(ask_stream("c7").2, [[10, 0, 0, 7]]);
    });
}

#[test]
fn a_server_of_the_containers_own_has_port_53_too() {
    if !possible() {
        return;
    }
    let kept = kept(1, &[]);
    inside(&kept, || {
        let own = UdpSocket::bind("0.0.0.0:53").unwrap();
        let stream = TcpListener::bind("0.0.0.0:53").unwrap();
        assert_eq!(ask("c1").2, [[10, 0, 0, 1]]);
        assert_eq!(ask_stream("c1").2, [[10, 0, 0, 1]]);
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"to you", "127.0.0.1:53").unwrap();
        let mut buffer = [0; 64];
        own.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let (length, _) = own.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"to you");
        drop(TcpStream::connect("127.0.0.1:53").unwrap());
        stream.accept().unwrap();
        assert_eq!(ask("unknown").0, 2, "without servers outside there is nobody to ask");
    });
}

#[test]
fn it_goes_on_without_a_daemon_and_over_an_upgrade() {
    if !possible() {
        return;
    }
    let mut kept = kept(2, &[outside()]);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_corten-shim"));
    let reply = kept.ask(Request::Upgrade { program });
    assert!(matches!(reply, Reply::Done), "{reply:?}");
    inside(&kept, || {
        assert_eq!((ask("c2").2, ask("x.y").2), (vec![[10, 0, 0, 2]], vec![OUTSIDE]))
    });
    kept.channel = None;
    inside(&kept, || {
        assert_eq!((ask("c1").2, ask_stream("x.y").2), (vec![[10, 0, 0, 1]], vec![OUTSIDE]))
    });
    // a table that changes is seen with the next question
    table(&kept, 5);
    inside(&kept, || assert_eq!(ask("c5").2, [[10, 0, 0, 5]]));
}

#[test]
fn nonsense_and_floods_do_no_harm() {
    if !possible() {
        return;
    }
    let kept = kept(1, &[nobody()]);
    inside(&kept, || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut seed = 1u32;
        for round in 0..3000usize {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let mut bytes = question("c1");
            let at = seed as usize % bytes.len();
            bytes[at] = (seed >> 24) as u8;
            bytes.truncate(1 + round % 40);
            socket.send_to(&bytes, SERVER).unwrap();
        }
        let streams: Vec<_> = (0..100)
            .filter_map(|_| TcpStream::connect(SocketAddr::from(SERVER)).ok())
            .collect();
        for mut stream in streams {
            drop(stream.write_all(&[0xff, 0xff, 1, 2, 3]));
        }
        assert_eq!(ask("c1").2, [[10, 0, 0, 1]]);
        assert_eq!(ask_stream("c1").2, [[10, 0, 0, 1]]);
    });
}

/// What a question costs, for docs/performance.md.
#[test]
fn speed() {
    if !possible() {
        return;
    }
    let kept = kept(100, &[]);
    let took = inside(&kept, || {
        let (socket, question) = (UdpSocket::bind("127.0.0.1:0").unwrap(), question("c50"));
        socket.connect(SERVER).unwrap();
        let mut answer = [0; 512];
        let began = std::time::Instant::now();
        for _ in 0..2000 {
            socket.send(&question).unwrap();
            socket.recv(&mut answer).unwrap();
        }
        began.elapsed() / 2000
    });
    eprintln!("a name in {took:?}");
    assert!(took < Duration::from_millis(20), "{took:?}");
}
