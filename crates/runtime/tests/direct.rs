//! The library as a shim uses it: `create`, `start`, `exec` in one single-threaded process.
//!
//! A raw clone of one of many threads could find a lock held for ever, so this program has no test harness: it
//! runs its cases itself, in order, and speaks enough of the harness's options for `cargo test` and
//! `cargo nextest`.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod bundle;

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use bundle::{Bundle, bundle};
use corten_runtime::cgroup;
use corten_runtime::compile::{self, NamedUser, Seccomp};
use corten_runtime::create::{CreateError, FailureKind, Stdio, create};
use corten_runtime::exec::exec;
use corten_runtime::host::Host;
use corten_runtime::plan::{Plan, Rootfs, compile, compile_exec};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use serde_json::json;

type Case = (&'static str, fn(Bundle));

const CASES: [Case; 7] = [
    (
        "overlays_are_seen_by_the_container_alone",
        overlays_are_seen_by_the_container_alone,
    ),
    ("users_are_found_by_name", users_are_found_by_name),
    (
        "failures_are_typed_and_leave_nothing",
        failures_are_typed_and_leave_nothing,
    ),
    ("further_processes_join_and_report", further_processes_join_and_report),
    ("plans_survive_their_json", plans_survive_their_json),
    (
        "a_hundred_starts_leave_no_descriptor",
        a_hundred_starts_leave_no_descriptor,
    ),
    ("killing_all_empties_the_groups", killing_all_empties_the_groups),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| words.iter().any(|word| word == name);
    if flag("--list") {
        if !flag("--ignored") {
            CASES.iter().for_each(|(name, _)| println!("{name}: test"));
        }
        return;
    }
    let filters: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    for (name, case) in CASES {
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        let Some(bundle) = bundle() else { return };
        case(bundle);
        println!("test {name} ... ok");
    }
}

/// A pipe whose other end collects what a process says.
struct Said(fs::File);

impl Said {
    fn streams() -> (Stdio, Self) {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let null: OwnedFd = fs::File::open("/dev/null").unwrap().into();
        let stderr = write.try_clone().unwrap();
        (
            Stdio::Files {
                stdin: null,
                stdout: write,
                stderr,
            },
            Self(read.into()),
        )
    }

    fn all(mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }
}

fn options(bundle: &Bundle) -> compile::Options {
    compile::Options {
        id: bundle.id.clone(),
        bundle: bundle.directory.path().to_path_buf(),
        seccomp: Seccomp::DockerDefault,
        make_cwd: true,
        ..compile::Options::default()
    }
}

fn plan_with(bundle: &Bundle, root: Rootfs, options: &compile::Options) -> Plan {
    let spec = serde_json::from_value(bundle.config.clone()).unwrap();
    compile(&spec, root, &Host::probe().unwrap(), options).unwrap()
}

fn plan(bundle: &Bundle) -> Plan {
    plan_with(bundle, Rootfs::Directory(bundle.root()), &options(bundle))
}

/// Runs a plan to its end: exit code and what it said. Its control groups are removed.
fn run(plan: &Plan) -> Result<(i32, String), CreateError> {
    let (stdio, said) = Said::streams();
    let mut init = create(plan, stdio)?;
    init.start(plan)?;
    let code = end(&init.pidfd);
    cgroup::remove(&plan.cgroup).unwrap();
    Ok((code, said.all()))
}

fn end(pidfd: &OwnedFd) -> i32 {
    let status = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
        .unwrap()
        .unwrap();
    status
        .exit_status()
        .or(status.terminating_signal().map(|signal| 128 + signal))
        .unwrap()
}

fn overlays_are_seen_by_the_container_alone(mut bundle: Bundle) {
    let layer = |name: &str| -> PathBuf {
        let path = bundle.directory.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    };
    let (top, upper, work) = (layer("top"), layer("upper"), layer("work"));
    fs::write(top.join("from-top"), "top").unwrap();
    let root = Rootfs::Overlay {
        lower: vec![top, bundle.root()],
        upper: upper.clone(),
        work,
        options: Vec::new(),
    };
    bundle.shell("cat /from-top; echo new > /made; mount | head -1").config["process"]["cwd"] = json!("/some/where");
    let (code, said) = run(&plan_with(&bundle, root, &options(&bundle))).unwrap();
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with("topoverlay on / type overlay") || said.contains("overlay on / type overlay"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(upper.join("made")).unwrap(), "new\n");
    assert!(upper.join("some/where").is_dir());
    bundle.assert_gone();
}

fn users_are_found_by_name(mut bundle: Bundle) {
    bundle.shell("id; echo $HOME");
    let mut options = options(&bundle);
    let as_user = |options: &mut compile::Options, user: &str, groups: &[&str]| {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        options.user = Some(NamedUser {
            user: user.into(),
            groups,
        });
    };
    as_user(&mut options, "web", &["99"]);
    let root = || Rootfs::Directory(bundle.root());
    let (_, said) = run(&plan_with(&bundle, root(), &options)).unwrap();
    assert_eq!(said, "uid=33(web) gid=34(webs) groups=34(webs),40(logs),99\n/var/www\n");
    as_user(&mut options, "ghost", &[]);
    let error = run(&plan_with(&bundle, root(), &options)).unwrap_err();
    assert_eq!(error.kind, FailureKind::InvalidRequest);
    assert_eq!(
        error.message,
        "unable to find user ghost: no matching entries in passwd file"
    );
    bundle.assert_gone();
}

fn failures_are_typed_and_leave_nothing(mut bundle: Bundle) {
    let cases = [
        (json!(["nosuch"]), FailureKind::CommandNotFound),
        (json!(["/etc/passwd"]), FailureKind::CommandNotExecutable),
    ];
    for (args, kind) in cases {
        bundle.config["process"]["args"] = args;
        assert_eq!(run(&plan(&bundle)).unwrap_err().kind, kind);
        bundle.assert_gone();
    }
    bundle
        .shell("true")
        .mount(json!({ "destination": "/x", "source": "/no/such", "options": ["bind"] }));
    assert_eq!(run(&plan(&bundle)).unwrap_err().kind, FailureKind::InvalidRequest);
    bundle.assert_gone();
    // A limit that the kernel refuses: nothing was cloned yet.
    bundle.config["mounts"].as_array_mut().unwrap().pop();
    bundle.config["linux"]["resources"]["cpu"] = json!({ "cpus": "4000" });
    assert_eq!(run(&plan(&bundle)).unwrap_err().kind, FailureKind::InvalidRequest);
    bundle.assert_gone();
}

fn further_processes_join_and_report(mut bundle: Bundle) {
    bundle.shell("sleep 600");
    let plan = plan(&bundle);
    let mut init = create(&plan, Said::streams().0).unwrap();
    init.start(&plan).unwrap();
    let execute = |args: serde_json::Value, terminal: bool| {
        let mut process = bundle.config["process"].clone();
        process["args"] = args;
        process["terminal"] = json!(terminal);
        let process = serde_json::from_value(process).unwrap();
        compile_exec(&process, &plan, &Host::probe().unwrap(), &options(&bundle)).unwrap()
    };
    let (stdio, said) = Said::streams();
    let process = exec(
        &execute(
            json!(["sh", "-c", "hostname; grep Seccomp: /proc/self/status; exit 9"]),
            false,
        ),
        init.pid,
        stdio,
    )
    .unwrap();
    assert_eq!(end(&process.pidfd), 9);
    assert_eq!(said.all(), "box\nSeccomp:\t2\n");
    let error = exec(&execute(json!(["nosuch"]), false), init.pid, Said::streams().0).unwrap_err();
    assert_eq!(error.kind, FailureKind::CommandNotFound);
    let terminal = Stdio::Terminal { rows: 24, columns: 80 };
    let process = exec(&execute(json!(["sh", "-c", "tty; exit 3"]), true), init.pid, terminal).unwrap();
    let mut shown = [0; 64];
    let length = rustix::io::read(process.console.as_ref().unwrap(), &mut shown).unwrap();
    assert_eq!(&shown[..length], b"/dev/pts/0\r\n");
    assert_eq!(end(&process.pidfd), 3);
    cgroup::kill_all(&plan.cgroup).unwrap();
    assert_eq!(end(&init.pidfd), 137);
    assert!(exec(&execute(json!(["true"]), false), init.pid, Said::streams().0).is_err());
    cgroup::remove(&plan.cgroup).unwrap();
    bundle.assert_gone();
}

fn plans_survive_their_json(mut bundle: Bundle) {
    bundle.shell("echo $0 $# \"$1\"; exit 4");
    let plan = plan(&bundle);
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(serde_json::from_value::<Plan>(json.clone()).unwrap(), plan);
    // A newer compiler's fields are ignored, those that an older one lacks have defaults.
    let mut newer = json;
    newer["something"] = json!({ "new": 1 });
    newer.as_object_mut().unwrap().remove("domainname");
    assert_eq!(run(&serde_json::from_value(newer).unwrap()).unwrap().0, 4);
    bundle.assert_gone();
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn a_hundred_starts_leave_no_descriptor(mut bundle: Bundle) {
    bundle.shell("true");
    let plan = plan(&bundle);
    bundle.config["process"]["args"] = json!(["nosuch"]);
    let failing = self::plan(&bundle);
    let before = descriptors();
    for _ in 0..100 {
        assert_eq!(run(&plan).unwrap().0, 0);
        assert!(run(&failing).is_err());
    }
    assert_eq!(descriptors(), before);
    let children = fs::read_to_string("/proc/thread-self/children").unwrap();
    assert_eq!(children, "");
    bundle.assert_gone();
}

fn killing_all_empties_the_groups(mut bundle: Bundle) {
    bundle.shell("for i in 1 2 3 4 5; do sleep 600 & done; echo up; wait");
    bundle.config["linux"]["namespaces"]
        .as_array_mut()
        .unwrap()
        .retain(|one| one["type"] != "pid");
    let plan = plan(&bundle);
    let (stdio, mut said) = Said::streams();
    let mut init = create(&plan, stdio).unwrap();
    init.start(&plan).unwrap();
    let mut up = [0; 3];
    said.0.read_exact(&mut up).unwrap();
    assert_eq!(cgroup::processes(&plan.cgroup).unwrap().len(), 6);
    cgroup::freeze(&plan.cgroup).unwrap();
    assert!(cgroup::is_frozen(&plan.cgroup).unwrap());
    cgroup::kill_all(&plan.cgroup).unwrap();
    assert_eq!(end(&init.pidfd), 137);
    cgroup::remove(&plan.cgroup).unwrap();
    bundle.assert_gone();
}
