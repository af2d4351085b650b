//! Another program in the shim's place, while everything goes on.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::path::PathBuf;

use crate::fixture::*;
use corten_shim::channel::Channel;
use corten_shim::protocol::*;

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_corten-shim").into()
}

pub(crate) fn upgrade(kept: &mut Kept) {
    let reply = kept.ask(Request::Upgrade { program: program() });
    assert!(matches!(reply, Reply::Done), "{reply:?}");
}

#[test]
fn everything_goes_on() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("while read line; do echo \"$line\"; done; printf end", with_stdin());
    let pid = kept.create();
    let mut client = kept.attach(Attach {
        multiplexed: false,
        ..attach(Target::Container)
    });
    kept.start();
    let (_, mut session) = kept.exec(1, "cat; exit 6", with_stdin());
    let mut answer = [0; 2];
    let descriptors = |kept: &Kept| {
        std::fs::read_dir(format!("/proc/{}/fd", kept.shim.pid))
            .unwrap()
            .count()
    };
    for round in [b"1\n", b"2\n", b"3\n"] {
        client.write_all(round).unwrap();
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, round);
        let before = descriptors(&kept);
        upgrade(&mut kept);
        // The log is opened again when there is something to write.
        assert_eq!(descriptors(&kept), before - 1);
    }
    let Reply::State(state) = kept.ask(Request::State) else {
        panic!()
    };
    assert_eq!((state.shim_pid, state.pid, state.execs.len()), (kept.shim.pid, pid, 1));
    session.write_all(b"still\n").unwrap();
    session.shutdown(Shutdown::Write).unwrap();
    assert_eq!(demultiplex(&session).0, "still\n");
    let Event::ExecExited { exit, .. } = kept.event() else {
        panic!()
    };
    assert_eq!(exit.code, 6);
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(kept.exited().code, 0);
    kept.released();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "end");
    let log: Vec<_> = kept
        .log()
        .iter()
        .map(|line| line["log"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(log, ["1\n", "2\n", "3\n", "end"]);
}

#[test]
fn what_was_on_its_way_arrives() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("printf begun; head -c 4000000 /dev/zero; read x", with_stdin());
    kept.create_with(|create| create.log = Log::None);
    let mut slow = kept.attach(Attach {
        stdin: false,
        multiplexed: false,
        ..attach(Target::Container)
    });
    let another = {
        kept.start();
        let mut begun = [0; 5];
        slow.read_exact(&mut begun).unwrap();
        Channel::connect(&kept.path("run/shim.sock")).unwrap()
    };
    upgrade(&mut kept);
    let mut zeros = vec![1; 4_000_000];
    slow.read_exact(&mut zeros).unwrap();
    assert!(zeros.iter().all(|byte| *byte == 0));
    // The daemon's other connection is served as well.
    kept.channel = Some(another);
    let Reply::State(_) = kept.ask(Request::State) else {
        panic!()
    };
    kept.signal(Target::Container, 9);
    assert_eq!(kept.exited().code, 137);
    kept.released();
}

#[test]
fn spliced_connections_stay() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("exec nc -ll -p 8080 -e cat", streams());
    kept.create();
    let (socket, address) = crate::ports::reserve();
    let splice_to = Some((IpAddr::V4(Ipv4Addr::LOCALHOST), 8080));
    let ports = vec![PortSocket {
        protocol: Protocol::Tcp,
        splice_to,
    }];
    kept.ask_with(
        Request::Network(NetworkSetup {
            ports,
            ..NetworkSetup::default()
        }),
        vec![socket],
    );
    kept.start();
    let mut answer = [0; 4];
    let mut connection = None;
    wait_for("an answer", || {
        let mut client = TcpStream::connect(address).unwrap();
        let answered = client
            .write_all(b"one\n")
            .and_then(|()| client.read_exact(&mut answer))
            .is_ok();
        connection = answered.then_some(client);
        answered
    });
    upgrade(&mut kept);
    let mut old = connection.unwrap();
    old.write_all(b"two\n").unwrap();
    old.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"two\n");
    let mut new = TcpStream::connect(address).unwrap();
    new.write_all(b"new\n").unwrap();
    new.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"new\n");
    kept.signal(Target::Container, 9);
    kept.exited();
    kept.released();
}

#[test]
fn a_program_that_will_not_do_changes_nothing() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("sleep 1000", streams());
    for program in ["/no/such/program", "/bin/false", "/etc/passwd"] {
        let reply = kept.ask(Request::Upgrade {
            program: program.into(),
        });
        assert!(
            matches!(
                reply,
                Reply::Failed(Failure {
                    kind: FailureKind::Internal,
                    ..
                })
            ),
            "{reply:?}"
        );
    }
    let Reply::State(_) = kept.ask(Request::State) else {
        panic!()
    };
    kept.signal(Target::Container, 9);
    kept.exited();
    let reply = kept.ask(Request::Upgrade { program: program() });
    assert!(
        matches!(
            reply,
            Reply::Failed(Failure {
                kind: FailureKind::InvalidRequest,
                ..
            })
        ),
        "{reply:?}"
    );
    kept.released();
}
