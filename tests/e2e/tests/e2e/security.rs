//! What a container may do: capabilities, seccomp, new privileges, devices, masked and read-only paths.

use anyhow::{Result, ensure};
use corten_e2e::both;

const STATUS: &str = "busybox sh -c 'grep -E \"^(CapEff|CapBnd|NoNewPrivs|Seccomp):\" /proc/self/status'";

#[test]
fn capabilities_and_seccomp_are_dockers() -> Result<()> {
    both(&["busybox"], |case| {
        let status = |options: &str| case.ok(&format!("run --rm {options} {STATUS}"));
        // A machine may lack some itself.
        let own = std::fs::read_to_string("/proc/self/status")?;
        let own = own
            .lines()
            .find_map(|line| line.strip_prefix("CapBnd:\t"))
            .unwrap_or_default();
        let all = format!("CapEff:\t{own}");
        let default = status("")?;
        let want = "CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2";
        ensure!(default == want, "{default}");
        ensure!(
            status("--cap-drop ALL")?.contains("CapEff:\t0000000000000000"),
            "drop all"
        );
        ensure!(
            status("--cap-drop ALL --cap-add net_raw")?.contains("CapEff:\t0000000000002000"),
            "add one"
        );
        ensure!(status("--cap-add ALL")?.contains(&all), "add all");
        ensure!(
            status("--security-opt no-new-privileges")?.contains("NoNewPrivs:\t1"),
            "no new privileges"
        );
        ensure!(
            status("--security-opt seccomp=unconfined")?.contains("Seccomp:\t0"),
            "unconfined"
        );
        let privileged = status("--privileged")?;
        ensure!(
            privileged.contains(&all) && privileged.contains("Seccomp:\t0"),
            "{privileged}"
        );
        ensure!(
            status("-u 1000")?.contains("CapEff:\t0000000000000000"),
            "another user has none"
        );
        case.fails(
            "run --rm --cap-add NO_SUCH busybox true",
            125,
            "invalid CapAdd: unknown capability: \"CAP_NO_SUCH\"",
        )?;
        Ok(())
    })
}

#[test]
fn seccomp_profiles_refuse_calls() -> Result<()> {
    both(&["busybox"], |case| {
        let outcome = case.run("run --rm busybox unshare --user true")?;
        ensure!(
            outcome.code != 0 && outcome.stderr.contains("Operation not permitted"),
            "{outcome}"
        );
        let profile = case.daemon.sandbox.scratch().join("profile.json");
        std::fs::write(
            &profile,
            r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}"#,
        )?;
        let outcome = case.run(&format!(
            "run --rm --security-opt seccomp={} busybox mkdir /tmp/x",
            profile.display()
        ))?;
        ensure!(
            outcome.code != 0 && outcome.stderr.contains("Operation not permitted"),
            "{outcome}"
        );
        Ok(())
    })
}

#[test]
fn paths_are_masked_and_devices_few() -> Result<()> {
    both(&["busybox"], |case| {
        case.says("run --rm busybox sh -c 'cat /proc/kcore | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -v : | tr -d \"\\n\"'", "0")?;
        let outcome = case.run("run --rm busybox sh -c 'echo 1 >/proc/sys/kernel/domainname'")?;
        ensure!(
            outcome.code != 0 && outcome.stderr.contains("Read-only file system"),
            "{outcome}"
        );
        let v2 = std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let outcome = case.run(&format!(
            "run --rm busybox mkdir /sys/fs/cgroup/{}/x",
            if v2 { "." } else { "memory" }
        ))?;
        ensure!(
            outcome.code != 0 && outcome.stderr.contains("Read-only file system"),
            "{outcome}"
        );
        case.says(
            "run --rm busybox sh -c 'ls /dev | grep -v ^core$ | sort | tr \"\\n\" \" \"'",
            "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
        )?;
        let outcome = case.run("run --rm --cap-add MKNOD busybox sh -c 'mknod /tmp/d b 254 0 && cat /tmp/d'")?;
        ensure!(
            outcome.code != 0 && outcome.stderr.contains("Operation not permitted"),
            "{outcome}"
        );
        case.says(
            "run --rm --device /dev/zero:/dev/nothing busybox sh -c 'head -c 3 /dev/nothing | wc -c'",
            "3",
        )?;
        case.ok("run --rm --privileged busybox mount -t tmpfs t /tmp")?;
        Ok(())
    })
}
