//! `run`: limits and names as the kernel has them inside.

use std::path::Path;

use anyhow::{Result, ensure};
use corten_e2e::both;

fn is_v2() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

#[test]
fn run_limits_time_memory_and_devices() -> Result<()> {
    both(&["busybox"], |case| {
        let read = |flags: &str, v1: &str, v2: &str| {
            let file = if is_v2() { v2 } else { v1 };
            case.ok(&format!("run --rm {flags} busybox cat /sys/fs/cgroup/{file}"))
        };
        let quota = read(
            "--cpu-period 50000 --cpu-quota 25000",
            "cpu/cpu.cfs_quota_us",
            "cpu.max",
        )?;
        ensure!(quota == "25000" || quota == "25000 50000", "{quota}");
        let shares = read("--cpu-shares 512", "cpu/cpu.shares", "cpu.weight")?;
        ensure!(shares != "1024" && shares != "100", "{shares}");
        ensure!(read("--cpuset-cpus 0", "cpuset/cpuset.cpus", "cpuset.cpus")? == "0");
        ensure!(read("--cpuset-mems 0", "cpuset/cpuset.mems", "cpuset.mems")? == "0");
        let kept = read(
            "-m 64m --memory-reservation 32m",
            "memory/memory.soft_limit_in_bytes",
            "memory.low",
        )?;
        ensure!(kept == "33554432", "{kept}");
        if !is_v2() {
            ensure!(read("-m 64m --memory-swappiness 10", "memory/memory.swappiness", "")? == "10");
            let control = read("-m 64m --oom-kill-disable", "memory/memory.oom_control", "")?;
            ensure!(control.contains("oom_kill_disable 1"), "{control}");
        }
        case.says(
            "run --rm --oom-score-adj 100 busybox cat /proc/self/oom_score_adj",
            "100",
        )?;
        let opened = case.ok(
            "run --rm --device-cgroup-rule 'b 7:* r' busybox sh -c 'mknod /loop b 7 250; head -c 0 /loop 2>&1; mknod /other b 8 250; head -c 0 /other 2>&1; true'",
        )?;
        ensure!(!opened.contains("/loop: Operation not permitted"), "{opened}");
        ensure!(opened.contains("/other: Operation not permitted"), "{opened}");
        Ok(())
    })
}

#[test]
fn run_names_and_streams() -> Result<()> {
    both(&["busybox"], |case| {
        let scratch = case.daemon.sandbox.scratch().to_owned();
        std::fs::write(scratch.join("labels"), "from=file\n")?;
        let identifier = scratch.join("identifier");
        drop(std::fs::remove_file(&identifier));
        let only_errors = case
            .run("run --rm -a stderr busybox sh -c 'echo out; echo err >&2'")?
            .success()?;
        ensure!(
            (only_errors.text(), only_errors.stderr.trim()) == ("", "err"),
            "{only_errors}"
        );
        let platform = match std::env::consts::ARCH {
            "x86_64" => "linux/amd64",
            "aarch64" => "linux/arm64",
            other => other,
        };
        let told = case.ok(
            &format!(
                "run --name named --cidfile {} --label-file {}/labels --platform {platform} --pull missing -q --runtime runc \
                 --sig-proxy=false --detach-keys ctrl-x,x --stop-signal INT --volume-driver local --disable-content-trust \
                 --dns-opt ndots:3 busybox cat /etc/resolv.conf",
                identifier.display(),
                scratch.display()
            ),
        )?;
        ensure!(told.contains("options ndots:3"), "{told}");
        case.says(
            "inspect -f '{{.Id}} {{.Config.Labels.from}} {{.Config.StopSignal}}' named",
            &format!("{} file INT", std::fs::read_to_string(&identifier)?),
        )?;
        case.ok("rm named")?;
        case.fails("run --rm --platform linux/s390x --pull never busybox true", 125, "")?;
        let weighed = case.run("run --rm --blkio-weight 300 busybox true")?.success()?;
        let device = case
            .run("create --name heavy --blkio-weight 200 --blkio-weight-device /dev/null:300 busybox")?
            .success()?;
        let weight = case.ok("inspect -f '{{.HostConfig.BlkioWeight}}' heavy")?;
        // Without weights in the kernel they are discarded, and that is said.
        ensure!(
            weight == "200" || device.stderr.contains("Weight discarded"),
            "{device}"
        );
        ensure!(
            weight == "200" || weighed.stderr.contains("Weight discarded"),
            "{weighed}"
        );
        case.ok("rm heavy")?;
        Ok(())
    })
}

/// A disk of this machine, as a path below `/dev`.
fn disk() -> Option<String> {
    let disks = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let paths = disks.map(|disk| format!("/dev/{}", disk.file_name().to_string_lossy()));
    paths
        .into_iter()
        .find(|path| !path.contains("loop") && Path::new(path).exists())
}

#[test]
fn run_limits_disks_and_create_keeps_memory() -> Result<()> {
    let Some(disk) = disk().filter(|_| !is_v2()) else {
        println!("skip: run_limits_disks_and_create_keeps_memory: no disk, or cgroups of version 2");
        return Ok(());
    };
    both(&["busybox"], |case| {
        let outcome = case
            .run(&format!(
                "run --rm --device-read-bps {disk}:1mb --device-read-iops {disk}:10 --device-write-bps {disk}:2mb \
                 --device-write-iops {disk}:20 --blkio-weight-device {disk}:300 busybox \
                 sh -c 'cat /sys/fs/cgroup/blkio/blkio.throttle.*_device'"
            ))?
            .success()?;
        let rates: Vec<&str> = outcome
            .stdout
            .lines()
            .filter_map(|line| Some(line.split_once(' ')?.1))
            .collect();
        ensure!(rates == ["1048576", "10", "2097152", "20"], "{outcome}");
        case.ok("create --name kept -m 64m --memory-swappiness 10 --oom-kill-disable busybox")?;
        case.says(
            "inspect -f '{{.HostConfig.MemorySwappiness}} {{.HostConfig.OomKillDisable}}' kept",
            "10 true",
        )?;
        case.ok("rm kept")?;
        Ok(())
    })
}
