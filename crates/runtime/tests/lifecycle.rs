//! Commands in their order: create, start, exec, pause, kill, delete; on v1 and on v2 control groups.

mod bundle;

use std::os::unix::process::CommandExt;
use std::process::Command;

use bundle::{Bundle, Ran, bundle};
use serde_json::json;

#[test]
fn commands_are_refused_out_of_their_order() {
    let Some(mut bundle) = bundle() else { return };
    bundle.shell("sleep 600");
    bundle.tell("start", &[]).ends(1).says("container does not exist");
    bundle.create().ends(0);
    assert_eq!(bundle.state()["status"], "created");
    bundle.create().ends(1).says("container with given ID already exists");
    bundle.tell("delete", &[]).ends(1).says("that is not stopped: created");
    bundle.tell("start", &[]).ends(0);
    assert_eq!(bundle.state()["status"], "running");
    bundle.tell("start", &[]).ends(1).says("already running");
    bundle.tell("pause", &[]).ends(0);
    assert_eq!(bundle.state()["status"], "paused");
    bundle.tell("exec", &["true"]).ends(1).says("paused");
    bundle.tell("resume", &[]).ends(0);
    bundle.tell("kill", &["KILL"]).ends(0);
    bundle.await_status("stopped");
    bundle.tell("kill", &["KILL"]).ends(1).says("container not running");
    bundle.tell("exec", &["true"]).ends(1).says("stopped");
    bundle.tell("delete", &[]).ends(0);
    bundle.tell("delete", &[]).ends(1).says("container does not exist");
    bundle.assert_gone();
}

fn running(bundle: &mut Bundle) {
    bundle.shell("sleep 600");
    bundle.create().ends(0);
    bundle.tell("start", &[]).ends(0);
}

#[test]
fn further_processes_are_inside() {
    let Some(mut bundle) = bundle() else { return };
    running(&mut bundle);
    let script =
        "hostname; ps; cat /proc/self/cgroup; ls /proc/self/fd; grep CapEff /proc/self/status; echo home=$HOME; exit 5";
    let ran = bundle.tell("exec", &["sh", "-c", script]);
    ran.ends(5)
        .says("box\n")
        .says("sleep 600")
        .says("\n0\n1\n2\n3\n")
        .lacks("\n4\n")
        .lacks(&bundle.id);
    ran.says("CapEff:\t00000004080000e3").says("home=/root");
    bundle
        .tell(
            "exec --user 33:40 --cwd /tmp --env A=b",
            &["sh", "-c", "id; pwd; echo $A"],
        )
        .ends(0)
        .says("uid=33(web) gid=40(logs)")
        .says("/tmp\nb\n");
    bundle.tell("exec --tty", &["tty"]).ends(0).says("/dev/pts/0");
    bundle
        .tell("exec", &["nosuch"])
        .ends(1)
        .says("exec: \"nosuch\": executable file not found in $PATH");
    bundle
        .tell("exec --cwd /no/such", &["true"])
        .ends(1)
        .says("chdir to cwd (\"/no/such\")")
        .says("no such file or directory");
    for number in 0..12 {
        let ran = bundle.tell(&format!("exec --cwd /proc/self/fd/{number}"), &["pwd"]);
        assert!(ran.code != 0 || ran.stdout.starts_with("/proc/"), "{ran:?}");
        ran.lacks("unreachable");
    }
    // All that came and went left no process in its groups but the first.
    let pids = bundle.tell("ps --format json", &[]);
    assert_eq!(serde_json::from_str::<Vec<u32>>(&pids.stdout).unwrap().len(), 1);
}

#[test]
fn the_runtimes_program_cannot_be_written_from_inside() {
    let Some(mut bundle) = bundle() else { return };
    bundle.shell("sleep 600");
    bundle.create().ends(0);
    let program = format!("/proc/{}/exe", bundle.state()["pid"]);
    let name = std::fs::read_link(&program).unwrap();
    assert!(!name.ends_with("busybox"), "{name:?}");
    let flags = rustix::fs::statvfs(&program).unwrap().f_flag;
    assert!(flags.contains(rustix::fs::StatVfsMountFlags::RDONLY), "{flags:?}");
    bundle.config["process"]["args"] = json!(["/proc/self/exe", "--version"]);
    bundle.tell("delete --force", &[]).ends(0);
    // It may be executed, it has nothing of the host inside.
    bundle.run().says("corten-runtime version");
}

#[test]
fn the_end_of_the_first_process_is_that_of_all() {
    let Some(mut bundle) = bundle() else { return };
    running(&mut bundle);
    let words = ["exec", "--detach", &bundle.id, "sleep", "600"]
        .map(str::to_owned)
        .to_vec();
    bundle.detached(words).ends(0);
    bundle.tell("delete --force", &[]).ends(0);
    bundle.assert_gone();
}

#[test]
fn killing_all_reaches_processes_without_a_pid_namespace() {
    let Some(mut bundle) = bundle() else { return };
    let namespaces = bundle.config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "pid");
    bundle.shell("sleep 600 & sleep 600 & wait");
    bundle.create().ends(0);
    bundle.tell("start", &[]).ends(0);
    bundle.tell("delete --force", &[]).ends(0);
    bundle.assert_gone();
}

/// The same commands where the host seems to have nothing but the v2 hierarchy: in a mount namespace of
/// their own, with that hierarchy alone at its place.
#[test]
fn v2_groups_do_the_same() {
    let Some(mut bundle) = bundle() else { return };
    bundle.config["linux"]["resources"]["devices"] = json!([
        { "allow": false, "access": "rwm" },
        { "allow": true, "type": "c", "major": 1, "minor": 11, "access": "r" },
    ]);
    bundle.shell("sleep 600");
    bundle.write();
    let runtime = env!("CARGO_BIN_EXE_corten-runtime");
    let (state, directory, id) = (
        bundle.directory.path().join("state"),
        bundle.directory.path(),
        &bundle.id,
    );
    let script = format!(
        r#"set -e
        R="{runtime} --root {state}"
        umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
        $R create --bundle {directory} {id} >/dev/null 2>&1 </dev/null
        $R start {id}
        $R state {id} | grep status
        cat /sys/fs/cgroup/{id}/cgroup.procs | wc -l
        $R exec {id} sh -c 'cat /proc/self/cgroup; mount | grep cgroup; mknod /tmp/mem c 1 1; mknod /tmp/kmsg c 1 11;
            head -c 1 /tmp/mem; echo x > /tmp/kmsg; true < /tmp/kmsg && echo kmsg; head -c 3 /dev/zero | wc -c'
        $R pause {id}; $R state {id} | grep status; $R resume {id}
        $R delete --force {id}
        test ! -e /sys/fs/cgroup/{id} && echo gone"#,
        state = state.display(),
        directory = directory.display(),
    );
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .process_group(0);
    let ran = Ran::from(command.output().unwrap());
    ran.ends(0)
        .says("\"running\"")
        .says("\n1\n")
        .says("0::/\n")
        .says(" on /sys/fs/cgroup type cgroup2 (ro,");
    ran.says("/tmp/mem: Operation not permitted")
        .says("can't create /tmp/kmsg: Operation not permitted");
    ran.says("kmsg\n3\n").says("\"paused\"").says("gone");
}
