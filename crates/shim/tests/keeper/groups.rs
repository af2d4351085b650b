//! Control groups: what they kill, count and leave.

use std::path::PathBuf;

use crate::fixture::*;
use corten_runtime::host::Host;
use corten_runtime::plan::{Cgroup, CgroupDirectory, CgroupWrite, Namespace};
use corten_shim::protocol::*;

/// A group of its own in every hierarchy, at a path that no other test has, with one limit.
fn group(name: &str, controller: &str, writes: &[(&str, &str)]) -> Cgroup {
    let host = Host::probe().unwrap();
    let path = PathBuf::from(format!("corten-shim-test-{}-{name}", std::process::id()));
    let writes: Vec<CgroupWrite> = writes
        .iter()
        .map(|(file, value)| CgroupWrite {
            file: (*file).to_owned(),
            value: (*value).to_owned(),
            optional: false,
        })
        .collect();
    let directories = host.hierarchies.iter().map(|hierarchy| CgroupDirectory {
        mount: hierarchy.mount.clone(),
        path: path.clone(),
        controllers: hierarchy.controllers.clone(),
        unified: hierarchy.unified,
        writes: if hierarchy.controllers.iter().any(|name| name == controller) {
            writes.clone()
        } else {
            Vec::new()
        },
    });
    Cgroup {
        layout: host.layout,
        directories: directories.collect(),
        ..Cgroup::default()
    }
}

fn leaves_nothing(group: &Cgroup) {
    for directory in &group.directories {
        assert!(
            !directory.absolute().exists(),
            "{} is left",
            directory.absolute().display()
        );
    }
}

#[test]
fn without_a_pid_namespace_all_processes_die_with_the_first() {
    if !possible() {
        return;
    }
    let group = group("shared", "", &[]);
    let mut kept = Kept::new("sleep 1000 & sleep 1000 & echo $!; read x", with_stdin());
    kept.create_with(|create| {
        create.plan.namespaces.pid = Namespace::Inherit;
        create.plan.cgroup = group.clone();
    });
    kept.start();
    wait_for("the second process", || kept.read("log").contains("log"));
    let log = kept.log();
    let pid: i32 = log[0]["log"].as_str().unwrap().trim().parse().unwrap();
    let survivor = rustix::process::Pid::from_raw(pid).unwrap();
    let survivor = rustix::process::pidfd_open(survivor, rustix::process::PidfdFlags::empty()).unwrap();
    kept.signal(Target::Container, 9);
    assert_eq!(kept.exited().code, 137);
    wait_for("the second process's end", || has_ended(&survivor));
    kept.released();
    leaves_nothing(&group);
}

#[test]
fn want_of_memory_is_told() {
    if !possible() {
        return;
    }
    let v2 = Host::probe().unwrap().layout == corten_runtime::plan::Layout::V2;
    let limit = if v2 { "memory.max" } else { "memory.limit_in_bytes" };
    let group = group("memory", "memory", &[(limit, "16777216")]);
    let mut kept = Kept::new("exec tail -c 100000000 /dev/zero", streams());
    kept.create_with(|create| create.plan.cgroup = group.clone());
    kept.start();
    // The kernel may say it once more while it kills.
    let mut event = kept.event();
    assert_eq!(event, Event::OutOfMemory);
    while event == Event::OutOfMemory {
        event = kept.event();
    }
    let Event::Exited(exit) = event else {
        panic!("{event:?}")
    };
    assert_eq!((exit.code, exit.out_of_memory), (137, true));
    kept.released();
    leaves_nothing(&group);
}

#[test]
fn want_of_memory_is_told_while_the_container_goes_on() {
    if !possible() {
        return;
    }
    let v2 = Host::probe().unwrap().layout == corten_runtime::plan::Layout::V2;
    let limit = if v2 { "memory.max" } else { "memory.limit_in_bytes" };
    let group = group("memory-child", "memory", &[(limit, "16777216")]);
    let mut kept = Kept::new("tail -c 100000000 /dev/zero; exec sleep 1000", streams());
    kept.create_with(|create| create.plan.cgroup = group.clone());
    kept.start();
    assert_eq!(kept.event(), Event::OutOfMemory);
    let Reply::State(state) = kept.ask(Request::State) else {
        panic!("no state")
    };
    assert!(state.out_of_memory && state.exit.is_none());
    kept.signal(Target::Container, 9);
    let mut event = kept.event();
    while event == Event::OutOfMemory {
        event = kept.event();
    }
    let Event::Exited(exit) = event else {
        panic!("{event:?}")
    };
    assert_eq!((exit.code, exit.out_of_memory), (137, true));
    kept.released();
    leaves_nothing(&group);
}

#[test]
fn a_start_that_fails_removes_its_groups() {
    if !possible() {
        return;
    }
    let group = group("failed", "", &[]);
    let mut kept = Kept::new("true", streams());
    let mut reply = kept.try_create(|create| {
        create.plan.cgroup = group.clone();
        create.plan.process.args = vec!["/etc".to_owned()];
    });
    if matches!(reply, Reply::Created { .. }) {
        reply = kept.ask(Request::Start);
    }
    assert!(
        matches!(
            reply,
            Reply::Failed(Failure {
                kind: FailureKind::CommandNotExecutable,
                ..
            })
        ),
        "{reply:?}"
    );
    kept.ended();
    leaves_nothing(&group);
}

#[test]
fn a_daemon_that_dies_before_the_start_leaves_no_groups() {
    if !possible() {
        return;
    }
    let group = group("orphan", "", &[]);
    let mut kept = Kept::new("true", streams());
    kept.create_with(|create| create.plan.cgroup = group.clone());
    kept.channel = None;
    kept.ended();
    leaves_nothing(&group);
}

#[test]
fn exec_sessions_are_in_the_containers_groups() {
    if !possible() {
        return;
    }
    let group = group("exec", "", &[]);
    let mut kept = Kept::new("sleep 1000", streams());
    kept.create_with(|create| create.plan.cgroup = group.clone());
    kept.start();
    let (_, client) = kept.exec_with(1, "cat /proc/self/cgroup", streams(), |plan| {
        plan.cgroup = group.clone()
    });
    let (text, _) = demultiplex(&client);
    assert!(text.lines().all(|line| line.contains("corten-shim-test-")), "{text}");
    kept.signal(Target::Container, 9);
    kept.event();
    kept.exited();
    kept.released();
    leaves_nothing(&group);
}
