//! Exec sessions.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::fixture::*;
use corten_shim::protocol::*;

#[test]
fn an_exec_session_has_streams_and_an_exit_of_its_own() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("sleep 1000", streams());
    let (pid, mut client) = kept.exec(1, "cat; echo err >&2; exit 3", with_stdin());
    let Reply::State(state) = kept.ask(Request::State) else {
        panic!()
    };
    assert_eq!(state.execs.iter().map(|(_, pid)| *pid).collect::<Vec<_>>(), [pid]);
    client.write_all(b"hello\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(demultiplex(&client), ("hello\n".to_owned(), "err\n".to_owned()));
    let Event::ExecExited { exit, .. } = kept.event() else {
        panic!()
    };
    assert_eq!(exit.code, 3);
    let recorded: Exit = serde_json::from_str(&kept.read("exec-1.json")).unwrap();
    assert_eq!(recorded, exit);
    assert_eq!(kept.read("log"), "");
    kept.signal(Target::Container, 9);
    kept.exited();
    kept.released();
}

#[test]
fn an_exec_session_on_a_terminal() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("sleep 1000", streams());
    let (_, mut client) = kept.exec(1, "stty size; tty", terminal());
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("24 80\r\n"), "{text}");
    let Event::ExecExited { .. } = kept.event() else {
        panic!()
    };
    kept.signal(Target::Container, 9);
    kept.exited();
    kept.released();
}

#[test]
fn the_containers_end_takes_exec_sessions_along_and_reports_them_first() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("sleep 1000", streams());
    let (_, client) = kept.exec(1, "sleep 1000", streams());
    kept.signal(Target::Container, 9);
    let Event::ExecExited { exit, .. } = kept.event() else {
        panic!()
    };
    assert_eq!(exit.code, 137);
    assert_eq!(kept.exited().code, 137);
    assert_eq!(demultiplex(&client), (String::new(), String::new()));
    kept.released();
}

#[test]
fn a_missing_command_is_told() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("sleep 1000", streams());
    let exec = Exec {
        exec: corten_base::ExecId::from_random([9; 32]),
        plan: corten_runtime::plan::ExecPlan {
            process: corten_runtime::plan::Process {
                args: vec!["/no/such".to_owned()],
                cwd: "/".to_owned(),
                ..Default::default()
            },
            namespaces: namespaces(),
            ..Default::default()
        },
        streams: streams(),
        attach: None,
        exit_path: kept.path("exec-9.json"),
    };
    let reply = kept.ask(Request::Exec(Box::new(exec)));
    assert!(
        matches!(
            reply,
            Reply::Failed(Failure {
                kind: FailureKind::CommandNotFound,
                ..
            })
        ),
        "{reply:?}"
    );
    kept.signal(Target::Container, 9);
    kept.exited();
    kept.released();
}

#[test]
fn what_an_exec_session_leaves_running_does_not_hold_up_its_end() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("sleep 1000", streams());
    let (_, client) = kept.exec(1, "yes & exit 4", streams());
    let reader = std::thread::spawn(move || std::io::copy(&mut &client, &mut std::io::sink()));
    let Event::ExecExited { exit, .. } = kept.event() else {
        panic!()
    };
    assert_eq!(exit.code, 4);
    reader.join().unwrap().unwrap();
    // A client that reads nothing makes no difference.
    let (_, silent) = kept.exec(2, "yes & exit 5", streams());
    let Event::ExecExited { exit, .. } = kept.event() else {
        panic!()
    };
    assert_eq!(exit.code, 5);
    drop(silent);
    kept.signal(Target::Container, 9);
    kept.exited();
    kept.released();
}
