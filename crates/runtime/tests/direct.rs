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

const CASES: [Case; 10] = [
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
    ("layers_are_mapped_not_touched", layers_are_mapped_not_touched),
    ("binds_show_identities_as_asked", binds_show_identities_as_asked),
    ("a_user_namespace_is_joined", a_user_namespace_is_joined),
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

/// A bundle whose container has users 0 to 65535 at 100000 of the host, over a layer of root's files.
fn in_user_namespace(bundle: &mut Bundle) -> Rootfs {
    let map = json!([{ "containerID": 0, "hostID": 100_000, "size": 65_536 }]);
    bundle.config["linux"]["uidMappings"] = map.clone();
    bundle.config["linux"]["gidMappings"] = map;
    let namespaces = bundle.config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.push(json!({ "type": "user" }));
    let directory = bundle.directory.path();
    for name in ["upper", "work"] {
        fs::create_dir(directory.join(name)).unwrap();
    }
    std::os::unix::fs::chown(directory.join("upper"), Some(100_000), Some(100_000)).unwrap();
    Rootfs::Overlay {
        lower: vec![bundle.root()],
        upper: directory.join("upper"),
        work: directory.join("work"),
        options: Vec::new(),
    }
}

fn said_by(bundle: &Bundle, root: Rootfs) -> String {
    let (code, said) = run(&plan_with(bundle, root, &options(bundle))).unwrap();
    assert_eq!(code, 0, "{said}");
    said
}

fn layers_are_mapped_not_touched(mut bundle: Bundle) {
    use std::os::unix::fs::MetadataExt;
    let root = in_user_namespace(&mut bundle);
    // Nobody but the host's root may look for the layers.
    fs::set_permissions(
        bundle.directory.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let rlimit = json!([{ "type": "RLIMIT_NOFILE", "soft": 2_000_000, "hard": 2_000_000 }]);
    let may_raise = fs::read_to_string("/proc/sys/fs/nr_open").is_ok_and(|most| most.trim() >= "2000000");
    if may_raise {
        bundle.config["process"]["rlimits"] = rlimit;
    }
    bundle.shell("cd /etc; stat -c %u:%g passwd; echo x >> passwd; echo y > own; stat -c %u:%g passwd own; echo out > /dev/stdout; mount -t tmpfs x /tmp 2>&1 | head -c 5");
    let text = said_by(&bundle, root);
    assert_eq!(text, "0:0\n0:0\n0:0\nout\nmount");
    let owner = |path: PathBuf| fs::metadata(path).map(|file| (file.uid(), file.gid())).unwrap();
    let upper = bundle.directory.path().join("upper/etc");
    assert_eq!(owner(upper.join("own")), (100_000, 100_000));
    assert_eq!(owner(upper.join("passwd")), (100_000, 100_000));
    assert_eq!(owner(bundle.root().join("etc/passwd")), (0, 0));
}

fn binds_show_identities_as_asked(mut bundle: Bundle) {
    let root = in_user_namespace(&mut bundle);
    let data = bundle.directory.path().join("data");
    fs::create_dir(&data).unwrap();
    for (name, owner) in [("root", 0), ("user", 1000), ("shifted", 100_007)] {
        fs::write(data.join(name), "").unwrap();
        std::os::unix::fs::chown(data.join(name), Some(owner), Some(owner)).unwrap();
    }
    std::os::unix::fs::chown(&data, Some(1000), Some(1000)).unwrap();
    let to_root = json!([{ "containerID": 1000, "hostID": 100_000, "size": 1 }]);
    let binds = json!([
        { "destination": "/raw", "type": "bind", "source": data, "options": ["bind"] },
        { "destination": "/own", "type": "bind", "source": data, "options": ["bind", "idmap"] },
        { "destination": "/one", "type": "bind", "source": data, "options": ["bind", "idmap"],
          "uidMappings": to_root, "gidMappings": to_root },
    ]);
    let mounts = bundle.config["mounts"].as_array_mut().unwrap();
    mounts.extend(binds.as_array().unwrap().iter().cloned());
    bundle.shell("for d in raw own one; do stat -c %u /$d/root /$d/user /$d/shifted; done; echo > /one/made; stat -c %u /one/made");
    let text = said_by(&bundle, root);
    let columns: Vec<&str> = text.lines().collect();
    assert_eq!(columns[..3], ["65534", "65534", "7"], "{text}");
    assert_eq!(columns[3..6], ["0", "1000", "65534"], "{text}");
    assert_eq!(columns[6..], ["65534", "0", "65534", "0"], "{text}");
    use std::os::unix::fs::MetadataExt;
    assert_eq!(fs::metadata(data.join("made")).unwrap().uid(), 1000);
}

fn a_user_namespace_is_joined(mut bundle: Bundle) {
    let root = in_user_namespace(&mut bundle);
    bundle.shell("sleep 1000");
    let plan_of_first = plan_with(&bundle, root.clone(), &options(&bundle));
    let (streams, _said) = Said::streams();
    let mut first = create(&plan_of_first, streams).unwrap();
    first.start(&plan_of_first).unwrap();
    let pid = first.pid;
    for namespace in bundle.config["linux"]["namespaces"].as_array_mut().unwrap() {
        let kind = namespace["type"].as_str().unwrap().to_owned();
        if let "user" | "network" = kind.as_str() {
            let file = if kind == "network" { "net" } else { "user" };
            namespace["path"] = json!(format!("/proc/{pid}/ns/{file}"));
        }
    }
    bundle.config["linux"]["cgroupsPath"] = json!(format!("/{}-second", bundle.id));
    let Rootfs::Overlay { lower, .. } = root else { return };
    let directory = bundle.directory.path().to_owned();
    for name in ["upper2", "work2"] {
        fs::create_dir(directory.join(name)).unwrap();
    }
    std::os::unix::fs::chown(directory.join("upper2"), Some(100_000), Some(100_000)).unwrap();
    let root = Rootfs::Overlay {
        lower,
        upper: directory.join("upper2"),
        work: directory.join("work2"),
        options: Vec::new(),
    };
    bundle.shell("readlink /proc/self/ns/user; readlink /proc/self/ns/net; ps | wc -l; id -u; echo x > /etc/x");
    let text = said_by(&bundle, root);
    let of = |kind: &str| {
        fs::read_link(format!("/proc/{pid}/ns/{kind}"))
            .unwrap()
            .display()
            .to_string()
    };
    let want = format!("{}\n{}\n", of("user"), of("net"));
    assert!(text.starts_with(&want), "{text} {want}");
    assert!(text.ends_with("\n0\n"), "{text}");
    rustix::process::pidfd_send_signal(&first.pidfd, rustix::process::Signal::KILL).unwrap();
    assert_eq!(end(&first.pidfd), 137);
    cgroup::remove(&plan_of_first.cgroup).unwrap();
}
