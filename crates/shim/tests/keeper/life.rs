//! Daemons that die, shims that are killed, starts that fail.

use std::path::Path;

use crate::fixture::*;
use corten_shim::channel::Channel;
use corten_shim::protocol::*;

#[test]
fn the_container_outlives_its_daemon() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("echo one; read x; echo two", with_stdin());
    wait_for("the first line", || kept.read("log").contains("one"));
    kept.channel = None;
    let mut later = Channel::connect(&kept.path("run/shim.sock")).unwrap();
    let Reply::State(state) = later.request(Request::State, Vec::new(), LIMIT_MS).unwrap() else {
        panic!()
    };
    assert_eq!((state.shim_pid, state.exit), (kept.shim.pid, None));
    assert!(state.started_at.is_some());
    let another = Channel::connect(&kept.path("run/shim.sock")).unwrap();
    kept.channel = Some(later);
    drop(another);
    let client = kept.attach(attach(Target::Container));
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(kept.exited().code, 0);
    assert_eq!(kept.log().len(), 2);
    kept.released();
}

#[test]
fn without_a_daemon_the_exit_is_kept() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("read x; exit 5", with_stdin());
    let client = kept.attach(attach(Target::Container));
    kept.channel = None;
    drop(client);
    kept.ended();
    let exit: Exit = serde_json::from_str(&kept.read("exit.json")).unwrap();
    assert_eq!(exit.code, 5);
}

#[test]
fn a_container_that_was_not_started_dies_with_its_daemon() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("true", streams());
    let pid = kept.create();
    kept.channel = None;
    kept.ended();
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert!(!kept.path("exit.json").exists());
}

#[test]
fn a_killed_shim_takes_the_container_along() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("sleep 1000", streams());
    let pid = kept.create();
    kept.start();
    let raw = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    let container = rustix::process::pidfd_open(raw, rustix::process::PidfdFlags::empty()).unwrap();
    corten_sys::signal::send(std::os::fd::AsFd::as_fd(&kept.shim.pidfd), 9).unwrap();
    wait_for("the container's end", || has_ended(&container));
    // A reader of the socket sees nothing but the end.
    assert!(
        kept.channel
            .as_mut()
            .unwrap()
            .request(Request::State, Vec::new(), LIMIT_MS)
            .is_err()
    );
}

#[test]
fn a_shim_survives_what_its_group_is_sent() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("sleep 1000", streams());
    for signal in [1, 2, 3, 13, 15] {
        corten_sys::signal::send(std::os::fd::AsFd::as_fd(&kept.shim.pidfd), signal).unwrap();
    }
    let Reply::State(state) = kept.ask(Request::State) else {
        panic!()
    };
    assert_eq!(state.exit, None);
    kept.signal(Target::Container, 9);
    kept.exited();
    kept.released();
}

#[test]
fn a_start_that_fails_leaves_nothing() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("true", streams());
    let mut reply = kept.try_create(|create| create.plan.process.args = vec!["/no/such".to_owned()]);
    if matches!(reply, Reply::Created { .. }) {
        reply = kept.ask(Request::Start);
    }
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
    kept.ended();
    assert!(!kept.path("exit.json").exists());
}

#[test]
fn nonsense_costs_only_its_connection() {
    if !possible() {
        return;
    }
    let mut kept = Kept::running("sleep 1000", streams());
    let mut stranger = std::os::unix::net::UnixStream::connect(kept.path("run/shim.sock")).unwrap();
    std::io::Write::write_all(&mut stranger, &[5, 0, 0, 0, 0, 0, 0, 0, b'h', b'e', b'l', b'l', b'o']).unwrap();
    let mut end = Vec::new();
    std::io::Read::read_to_end(&mut stranger, &mut end).unwrap();
    let Reply::State(_) = kept.ask(Request::State) else {
        panic!()
    };
    let reply = kept.ask(Request::Start);
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
    kept.signal(Target::Container, 9);
    kept.exited();
    let reply = kept.ask(Request::Release);
    assert!(matches!(reply, Reply::Done));
}

#[test]
fn the_namespace_can_be_had_before_the_rest() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("cat /proc/net/dev", streams());
    let reply = kept.ask(Request::Namespace(NetworkNamespace::Private));
    assert!(matches!(reply, Reply::Done), "{reply:?}");
    let event = kept.channel.as_mut().unwrap().event(LIMIT_MS).unwrap();
    assert_eq!(event, Event::NamespaceReady { pid: kept.shim.pid });
    let own = std::fs::read_link("/proc/self/ns/net").unwrap();
    let theirs = std::fs::read_link(format!("/proc/{}/ns/net", kept.shim.pid)).unwrap();
    assert_ne!(own, theirs);
    kept.create();
    assert_eq!(
        std::fs::read_link(format!("/proc/{}/ns/net", kept.shim.pid)).unwrap(),
        theirs
    );
    kept.start();
    assert_eq!(
        kept.event(),
        Event::Exited(serde_json::from_str(&kept.read("exit.json")).unwrap())
    );
    let interfaces = kept
        .log()
        .iter()
        .filter(|line| line["log"].as_str().unwrap().contains(": "))
        .count();
    assert_eq!(interfaces, 1, "{}", kept.read("log"));
    kept.released();
}

#[test]
fn a_shim_can_be_spawned_into_its_namespace() {
    if !possible() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_corten-shim"));
    let shim = corten_shim::spawn::spawn_into(program, directory.path(), &NetworkNamespace::Private).unwrap();
    let mut channel = Channel::new(shim.control);
    assert_eq!(
        channel.event(LIMIT_MS).unwrap(),
        Event::NamespaceReady { pid: shim.pid }
    );
    // No container yet.
    let reply = channel.request(Request::State, Vec::new(), LIMIT_MS).unwrap();
    assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
    drop(channel);
    let pid = rustix::process::Pid::from_raw(shim.pid.cast_signed());
    rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
}

#[test]
fn another_namespace_than_announced_is_refused() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("true", streams());
    kept.ask(Request::Namespace(NetworkNamespace::Host));
    let reply = kept.try_create(|_| {});
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
    kept.ended();
}

#[test]
fn after_the_release_the_run_directory_is_free() {
    if !possible() {
        return;
    }
    let mut kept = Kept::new("head -c 300000 /dev/zero", streams());
    kept.create();
    let mut slow = kept.attach(Attach {
        stdin: false,
        multiplexed: false,
        ..attach(Target::Container)
    });
    kept.start();
    kept.exited();
    let reply = kept.ask(Request::Release);
    assert!(matches!(reply, Reply::Done), "{reply:?}");
    assert!(!has_ended(&kept.shim.pidfd), "it still has output for a client");
    assert!(!kept.path("run/shim.sock").exists());
    let next = corten_shim::spawn::spawn(Path::new(env!("CARGO_BIN_EXE_corten-shim")), &kept.path("run")).unwrap();
    wait_for("the next shim's socket", || kept.path("run/shim.sock").exists());
    std::io::Read::read_to_end(&mut slow, &mut Vec::new()).unwrap();
    wait_for("the first shim's end", || has_ended(&kept.shim.pidfd));
    assert!(kept.path("run/shim.sock").exists());
    drop(next.control);
    wait_for("the next shim's end", || has_ended(&next.pidfd));
    assert!(!kept.path("run/shim.sock").exists());
    let pid = rustix::process::Pid::from_raw(next.pid.cast_signed());
    rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
}

#[test]
fn a_container_can_join_anothers_network() {
    if !possible() {
        return;
    }
    let mut first = Kept::new("sleep 1000", streams());
    let pid = first.create();
    first.start();
    let mut second = Kept::new("cat /proc/net/dev", streams());
    second.create_with(|create| create.network = NetworkNamespace::Process(pid));
    let link = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
    assert_eq!(link(second.shim.pid), link(pid));
    second.start();
    assert_eq!(second.exited().code, 0);
    second.released();
    first.signal(Target::Container, 9);
    first.exited();
    first.released();
    let mut third = Kept::new("true", streams());
    let reply = third.try_create(|create| create.network = NetworkNamespace::Process(pid));
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
    third.ended();
}
