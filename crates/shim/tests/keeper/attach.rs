//! Clients.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::fixture::*;
use corten_shim::protocol::*;

#[test]
fn half_close_ends_the_input_and_output_goes_on() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("cat; echo end >&2", with_stdin());
    kept.create();
    let early = Attach {
        early_input: b"early ".to_vec(),
        ..attach(Target::Container)
    };
    let mut client = kept.attach(early);
    let reader = kept.attach(Attach {
        stdin: false,
        stderr: false,
        ..attach(Target::Container)
    });
    client.write_all(b"late\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    kept.start();
    assert_eq!(kept.exited().code, 0);
    // Clients see the end when the daemon knows of it.
    kept.released();
    assert_eq!(demultiplex(&client), ("early late\n".to_owned(), "end\n".to_owned()));
    assert_eq!(demultiplex(&reader), ("early late\n".to_owned(), String::new()));
}

#[test]
fn a_slow_client_gets_everything() {
    if !possible() {
        return;
    }
    const BYTES: usize = 8 << 20;
    let mut kept = Kept::new("head -c 8388608 /dev/zero", streams());
    kept.create_with(|create| create.log = Log::None);
    let attachment = Attach {
        stdin: false,
        multiplexed: false,
        ..attach(Target::Container)
    };
    let mut slow = kept.attach(attachment.clone());
    let vanishing = kept.attach(attachment);
    kept.start();
    let mut first = [1];
    slow.read_exact(&mut first).unwrap();
    drop(vanishing);
    // Its output does not fit into all the buffers on the way.
    let Reply::State(state) = kept.ask(Request::State) else {
        panic!()
    };
    assert_eq!(state.exit, None);
    let mut rest = vec![0; BYTES - 1];
    slow.read_exact(&mut rest).unwrap();
    assert_eq!(kept.exited().code, 0);
    kept.released();
    assert_eq!(slow.read(&mut first).unwrap(), 0, "nothing more comes");
}

#[test]
fn output_still_on_its_way_is_delivered_after_the_exit() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("head -c 300000 /dev/zero", streams());
    kept.create();
    let mut client = kept.attach(Attach {
        stdin: false,
        multiplexed: false,
        ..attach(Target::Container)
    });
    kept.start();
    assert_eq!(kept.exited().code, 0);
    let reply = kept.ask(Request::Release);
    assert!(matches!(reply, Reply::Done), "{reply:?}");
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), 300_000);
    kept.ended();
}

#[test]
fn keys_detach_and_the_container_goes_on() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("stty raw -echo; echo ready; cat", terminal());
    kept.create();
    let keys = Attach {
        detach_keys: vec![16, 17],
        multiplexed: false,
        ..attach(Target::Container)
    };
    let mut client = kept.attach(keys.clone());
    kept.start();
    client.read_exact(&mut [0; b"ready\n".len()]).unwrap();
    client.write_all(b"a\x10b\n\x10\x11c").unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(
        kept.event(),
        Event::Detached {
            target: Target::Container
        }
    );
    wait_for("the text", || kept.read("log").contains("a\\u0010b"));
    let mut again = kept.attach(keys);
    again.write_all(b"again\n").unwrap();
    wait_for("the second client's text", || kept.read("log").contains("again"));
    kept.signal(Target::Container, 9);
    assert_eq!(kept.exited().code, 137);
    kept.released();
}

#[test]
fn a_terminal_has_the_size_it_is_given() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("stty size; read x; stty size", terminal());
    kept.create();
    let mut client = kept.attach(Attach {
        multiplexed: false,
        ..attach(Target::Container)
    });
    kept.start();
    let mut text = vec![0; "24 80\r\n".len()];
    client.read_exact(&mut text).unwrap();
    assert_eq!(String::from_utf8_lossy(&text), "24 80\r\n");
    let reply = kept.ask(Request::Resize {
        target: Target::Container,
        rows: 40,
        columns: 132,
    });
    assert!(matches!(reply, Reply::Done), "{reply:?}");
    client.write_all(b"\n").unwrap();
    assert_eq!(kept.exited().code, 0);
    kept.released();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.trim(), "40 132");
}

#[test]
fn clients_leave_nothing_behind() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running(
        "cat",
        Streams {
            stdin: true,
            ..streams()
        },
    );
    let descriptors = |kept: &Kept| {
        std::fs::read_dir(format!("/proc/{}/fd", kept.shim.pid))
            .unwrap()
            .count()
    };
    let before = descriptors(&kept);
    for _ in 0..20 {
        let mut client = kept.attach(Attach {
            multiplexed: false,
            ..attach(Target::Container)
        });
        client.write_all(b"x\n").unwrap();
        let mut byte = [0; 2];
        client.read_exact(&mut byte).unwrap();
    }
    wait_for("as few descriptors as before", || descriptors(&kept) == before);
    kept.signal(Target::Container, 9);
    kept.exited();
    kept.released();
}

#[test]
fn a_client_on_its_way_out_holds_nothing_up() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new(
        "yes",
        Streams {
            stdin: true,
            ..streams()
        },
    );
    kept.create();
    let client = kept.attach(Attach {
        multiplexed: false,
        ..attach(Target::Container)
    });
    kept.start();
    // It reads nothing, so the container waits for it; without `StdinOnce` its end of input ends the attachment.
    client.shutdown(Shutdown::Write).unwrap();
    wait_for("output beyond all buffers", || {
        std::fs::metadata(kept.path("log")).unwrap().len() > 8 << 20
    });
    kept.signal(Target::Container, 9);
    kept.exited();
    drop(client);
    kept.released();
}
