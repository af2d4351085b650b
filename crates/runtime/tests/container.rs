//! Containers on the real kernel: what a program finds inside, and that nothing is left after it.

mod bundle;

use std::fs;
use std::os::unix::fs::symlink;

use bundle::bundle;
use serde_json::json;

#[test]
fn a_program_finds_its_own_system() {
    let Some(mut bundle) = bundle() else { return };
    bundle.shell(
        "hostname; echo pid=$$; mount; ls -l /dev; cat /proc/self/cgroup; ls /sys/class/net; ls /proc/self/fd; exit 7",
    );
    let ran = bundle.run();
    ran.ends(7)
        .says("box\npid=1\n")
        .says("tmpfs on /dev type tmpfs (rw,nosuid,");
    ran.says("devpts on /dev/pts type devpts (rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666)");
    ran.says("sysfs on /sys type sysfs (ro,")
        .says("proc on /proc/sys type proc (ro,");
    ran.says("ptmx -> pts/ptmx")
        .says("fd -> /proc/self/fd")
        .says("1,   3")
        .says("lo\n");
    // Its own control group is the root of what it sees, and no descriptor of the host came along.
    ran.lacks(&bundle.id).says("\n0\n1\n2\n3\n").lacks("\n4\n");
    bundle.assert_gone();
}

#[test]
fn control_groups_of_the_host_are_bound_without_a_namespace() {
    let Some(mut bundle) = bundle() else { return };
    bundle.config["linux"]["namespaces"].as_array_mut().unwrap().pop();
    bundle
        .shell("cat /proc/self/cgroup; mount")
        .run()
        .ends(0)
        .says(&bundle.id.clone())
        .says(" on /sys/fs/cgroup");
    bundle.assert_gone();
}

#[test]
fn rights_are_those_of_the_specification() {
    let Some(mut bundle) = bundle() else { return };
    bundle.config["process"]["user"] = json!({ "uid": 33, "gid": 34, "additionalGids": [40], "umask": 7 });
    bundle.config["process"]["noNewPrivileges"] = json!(true);
    bundle.config["process"]["rlimits"] = json!([{ "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 }]);
    bundle.config["process"]["oomScoreAdj"] = json!(500);
    bundle.config["process"]["capabilities"]["inheritable"] = json!(["CAP_KILL"]);
    bundle.config["process"]["capabilities"]["ambient"] = json!(["CAP_KILL"]);
    let ran = bundle
        .shell("id; grep -E 'Cap|NoNew' /proc/self/status; umask; ulimit -n; cat /proc/self/oom_score_adj; echo home=$HOME")
        .run();
    ran.ends(0)
        .says("uid=33(web) gid=34(webs) groups=40(logs)")
        .says("NoNewPrivs:\t1")
        .says("0007\n100\n500\nhome=/var/www");
    // CHOWN 0, DAC_OVERRIDE 1, KILL 5, SETGID 6, SETUID 7, MKNOD 27; an ordinary user keeps the ambient one.
    ran.says("CapBnd:\t00000004080000e3")
        .says("CapEff:\t0000000000000020")
        .says("CapAmb:\t0000000000000020");
}

#[test]
fn filters_hold_for_every_user() {
    for uid in [0, 33] {
        let Some(mut bundle) = bundle() else { return };
        bundle.config["process"]["user"]["uid"] = json!(uid);
        bundle.config["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
            "syscalls": [
                { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 71 },
                // What the runtime itself does before the exec is none of the filter's business.
                { "names": ["setgroups", "capget", "recvmsg", "sendmsg", "waitid", "socketpair"],
                  "action": "SCMP_ACT_KILL_PROCESS" },
            ],
        });
        bundle.shell("mkdir /tmp/x; grep Seccomp: /proc/self/status");
        bundle.run().ends(0).says("Protocol error").says("Seccomp:\t2");
    }
}

#[test]
fn failures_have_dockers_words_and_leave_nothing() {
    let Some(mut bundle) = bundle() else { return };
    fs::write(bundle.root().join("etc/plain"), "x").unwrap();
    let cases = [
        (
            json!(["nosuch"]),
            "exec: \"nosuch\": executable file not found in $PATH",
        ),
        (
            json!(["/no/such"]),
            "exec: \"/no/such\": stat /no/such: no such file or directory",
        ),
        (json!(["/etc/plain"]), "exec: \"/etc/plain\": permission denied"),
        (json!(["/etc"]), "exec: \"/etc\": is a directory"),
    ];
    for (args, words) in cases {
        bundle.config["process"]["args"] = args;
        bundle.run().ends(1).says(words);
        bundle.assert_gone();
    }
    bundle.shell("true").config["process"]["cwd"] = json!("/etc/plain/x");
    bundle.run().ends(1).says("not a directory");
    bundle.assert_gone();
    bundle.config["process"]["cwd"] = json!("/");
    bundle.mount(json!({ "destination": "/data", "source": "/no/such/source", "type": "bind", "options": ["bind"] }));
    bundle
        .run()
        .ends(1)
        .says("error mounting \"/no/such/source\" to rootfs at \"/data\"")
        .says("no such file or directory");
    bundle.assert_gone();
}

#[test]
fn what_the_kernel_cannot_execute_ends_with_255() {
    let Some(mut bundle) = bundle() else { return };
    use std::os::unix::fs::PermissionsExt;
    for (name, text, words) in [
        ("odd", "no program", "exec /bin/odd: exec format error"),
        (
            "lost",
            "#!/no/interpreter\n",
            "exec /bin/lost: no such file or directory",
        ),
    ] {
        let path = bundle.root().join("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        bundle.config["process"]["args"] = json!([format!("/bin/{name}")]);
        bundle.run().ends(255).says(words);
        bundle.assert_gone();
    }
}

#[test]
fn mounts_are_placed_inside_whatever_the_image_links() {
    let Some(mut bundle) = bundle() else { return };
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), bundle.root().join("link")).unwrap();
    symlink("../../../../../../../../../../escape", bundle.root().join("up")).unwrap();
    let source = bundle.directory.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "found").unwrap();
    for destination in ["/link/a", "/up/b", "/etc/file"] {
        let from = if destination == "/etc/file" {
            source.join("file")
        } else {
            source.clone()
        };
        bundle.mount(json!({ "destination": destination, "source": from, "options": ["rbind", "ro"] }));
    }
    bundle.shell("cat /link/a/file /escape/b/file /etc/file; touch /link/a/x");
    bundle
        .run()
        .ends(1)
        .says("foundfoundfound")
        .says("Read-only file system");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    bundle.assert_gone();
}

#[test]
fn nothing_is_mounted_over_proc() {
    for destination in ["/proc/self", "/proc/1/fd", "/proc/sys/kernel"] {
        let Some(mut bundle) = bundle() else { return };
        bundle.mount(json!({ "destination": destination, "type": "tmpfs", "source": "tmpfs" }));
        bundle.shell("true").run().ends(1);
        bundle.assert_gone();
    }
    let Some(mut bundle) = bundle() else { return };
    fs::write(bundle.directory.path().join("uptime"), "for ever").unwrap();
    bundle.mount(json!({ "destination": "/proc/uptime", "source": "uptime", "options": ["bind"] }));
    bundle.shell("cat /proc/uptime").run().ends(0).says("for ever");
}

#[test]
fn a_working_directory_cannot_lead_outside() {
    for number in 0..12 {
        let Some(mut bundle) = bundle() else { return };
        bundle.shell("pwd; ls").config["process"]["cwd"] = json!(format!("/proc/self/fd/{number}"));
        let ran = bundle.run();
        assert_ne!(ran.code, 0, "{ran:?}");
        bundle.assert_gone();
    }
}

#[test]
fn paths_are_hidden_and_protected() {
    let Some(mut bundle) = bundle() else { return };
    bundle.config["root"]["readonly"] = json!(true);
    bundle.config["linux"]["maskedPaths"]
        .as_array_mut()
        .unwrap()
        .push(json!("/etc"));
    let script = "wc -c /proc/keys; ls -A /etc; touch /x; touch /etc/x; echo 1 > /proc/sys/vm/overcommit_memory; touch /dev/shm/ok && echo shm";
    let ran = bundle.shell(script).run();
    ran.says("0 /proc/keys")
        .lacks("passwd")
        .says("touch: /x: Read-only")
        .says("touch: /etc/x: Read-only");
    ran.says("can't create /proc/sys/vm/overcommit_memory: Read-only")
        .says("shm\n");
}

#[test]
fn devices_are_those_that_are_allowed() {
    let Some(mut bundle) = bundle() else { return };
    bundle.config["linux"]["resources"]["devices"] = json!([
        { "allow": false, "access": "rwm" },
        { "allow": true, "type": "c", "major": 1, "minor": 11, "access": "r" },
    ]);
    bundle.shell(
        "mknod /tmp/mem c 1 1; mknod /tmp/kmsg c 1 11; head -c 1 /tmp/mem; echo x > /tmp/kmsg; true < /tmp/kmsg && echo kmsg; head -c 3 /dev/zero | wc -c",
    );
    let ran = bundle.run();
    ran.says("/tmp/mem: Operation not permitted")
        .says("can't create /tmp/kmsg: Operation not permitted");
    ran.says("kmsg\n3\n");
}

#[test]
fn limits_are_in_force_and_the_end_by_memory_is_counted() {
    let Some(mut bundle) = bundle() else { return };
    bundle.config["linux"]["resources"]["memory"] = json!({ "limit": 16777216, "swap": 16777216 });
    bundle.config["linux"]["resources"]["pids"] = json!({ "limit": 8 });
    bundle.config["process"]["args"] = json!(["dd", "if=/dev/zero", "of=/dev/null", "bs=64M"]);
    bundle.create().ends(0);
    let state: serde_json::Value = serde_json::from_slice(
        &fs::read(
            bundle
                .directory
                .path()
                .join("state")
                .join(&bundle.id)
                .join("state.json"),
        )
        .unwrap(),
    )
    .unwrap();
    let cgroup: corten_runtime::plan::Cgroup = serde_json::from_value(state["plan"]["cgroup"].clone()).unwrap();
    assert_eq!(corten_runtime::cgroup::oom_kills(&cgroup).unwrap(), 0);
    assert_eq!(corten_runtime::cgroup::processes(&cgroup).unwrap().len(), 1);
    bundle.tell("start", &[]).ends(0);
    bundle.await_status("stopped");
    assert_eq!(corten_runtime::cgroup::oom_kills(&cgroup).unwrap(), 1);
    bundle.tell("delete", &[]).ends(0);
    bundle.assert_gone();
}

#[test]
fn identities_are_mapped() {
    let Some(mut bundle) = bundle() else { return };
    bundle.config["linux"]["namespaces"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "type": "user" }));
    let map = json!([{ "containerID": 0, "hostID": 100_000, "size": 65_536 }]);
    bundle.config["linux"]["uidMappings"] = map.clone();
    bundle.config["linux"]["gidMappings"] = map;
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(bundle.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    bundle.shell("id -u; cat /proc/self/uid_map; head -c 1 /dev/zero | wc -c; mount | grep -c sysfs; exit 3");
    bundle.run().ends(3).says("0\n").says("100000").says("\n1\n1\n");
    bundle.assert_gone();
}

#[test]
fn a_terminal_is_the_containers_own() {
    let Some(mut bundle) = bundle() else { return };
    bundle.shell("tty; ls -l /dev/console; mount | grep console").config["process"]["terminal"] = json!(true);
    bundle
        .run()
        .ends(0)
        .says("/dev/pts/0\r\n")
        .says("136,   0")
        .says("devpts on /dev/console");
    bundle.assert_gone();
}

#[test]
fn hooks_see_the_container_at_their_point() {
    let Some(mut bundle) = bundle() else { return };
    let record = bundle.directory.path().join("record");
    let hook = |name: &str| {
        let script = format!("(echo {name}; cat; echo) >> {}", record.display());
        json!([{ "path": "/bin/busybox", "args": ["sh", "-c", script] }])
    };
    bundle.config["hooks"] = json!({
        "prestart": hook("prestart"), "createRuntime": hook("createRuntime"), "poststart": hook("poststart"),
        "poststop": hook("poststop"),
    });
    bundle.config["annotations"] = json!({ "some.key": "value" });
    bundle.shell("true").run().ends(0);
    let record = fs::read_to_string(&record).unwrap();
    let lines: Vec<&str> = record.lines().collect();
    let expected = [
        ("prestart", "created"),
        ("createRuntime", "creating"),
        ("poststart", "running"),
        ("poststop", "stopped"),
    ];
    assert_eq!(lines.len(), 8, "{record}");
    for ((name, status), pair) in expected.iter().zip(lines.chunks(2)) {
        assert_eq!(pair[0], *name);
        let state: serde_json::Value = serde_json::from_str(pair[1]).unwrap();
        assert_eq!(
            (state["status"].as_str(), state["id"].as_str()),
            (Some(*status), Some(bundle.id.as_str()))
        );
        assert_eq!(state["annotations"]["some.key"], "value");
    }
    bundle.config["hooks"] =
        json!({ "createRuntime": [{ "path": "/bin/busybox", "args": ["sh", "-c", "echo no >&2; exit 4"] }] });
    bundle
        .run()
        .ends(1)
        .says("error running createRuntime hook: exit status: 4, stderr: no");
    bundle.assert_gone();
}

#[test]
fn hooks_of_the_container_run_inside() {
    let Some(mut bundle) = bundle() else { return };
    let record = bundle.directory.path().join("record");
    let before = format!("hostname > {}", record.display());
    bundle.config["hooks"] = json!({
        "createContainer": [{ "path": "/bin/busybox", "args": ["sh", "-c", before] }],
        "startContainer": [{ "path": "/bin/sh", "args": ["sh", "-c", "cat > /hooked"], "env": ["PATH=/bin"] }],
    });
    bundle.shell("cat /hooked").run().ends(0).says("\"status\":\"created\"");
    assert_eq!(fs::read_to_string(&record).unwrap(), "box\n");
    bundle.config["hooks"] = json!({ "startContainer": [{ "path": "/no/hook" }] });
    bundle
        .run()
        .ends(1)
        .says("error running startContainer hook: /no/hook: no such file or directory");
    bundle.assert_gone();
}

#[test]
fn system_parameters_need_their_namespace() {
    let Some(mut bundle) = bundle() else { return };
    bundle.config["linux"]["sysctl"] = json!({ "net.ipv4.ip_unprivileged_port_start": "0", "kernel.shmmni": "77" });
    bundle
        .shell("cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmni")
        .run()
        .ends(0)
        .says("0\n77\n");
    bundle.config["linux"]["sysctl"] = json!({ "vm.swappiness": "1" });
    bundle.run().ends(1).says("not in a separate kernel namespace");
}
