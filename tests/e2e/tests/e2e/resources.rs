//! Limits: memory, cpu, pids, ulimits, and what happens when memory runs out.

use std::path::Path;

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, both, one};
use corten_testkit::wait::until_ok;

/// The file of a limit inside a container, on cgroup v1 or v2.
fn limit_file<'a>(v1: &'a str, v2: &'a str) -> &'a str {
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        v2
    } else {
        v1
    }
}

#[test]
fn limits_reach_the_kernel() -> Result<()> {
    both(&["busybox"], |case| {
        let memory = limit_file("memory/memory.limit_in_bytes", "memory.max");
        case.says(
            &format!("run --rm -m 64m busybox cat /sys/fs/cgroup/{memory}"),
            "67108864",
        )?;
        let pids = limit_file("pids/pids.max", "pids.max");
        case.says(
            &format!("run --rm --pids-limit 50 busybox cat /sys/fs/cgroup/{pids}"),
            "50",
        )?;
        let cpu = limit_file("cpu/cpu.cfs_quota_us", "cpu.max");
        let quota = case.ok(&format!("run --rm --cpus 0.5 busybox cat /sys/fs/cgroup/{cpu}"))?;
        ensure!(quota == "50000" || quota == "50000 100000", "cpu quota {quota}");
        case.says(
            "run --rm --ulimit nofile=1000:2000 busybox sh -c 'ulimit -Sn; ulimit -Hn'",
            "1000\n2000",
        )?;
        case.says(
            "run --rm --shm-size 8m busybox sh -c 'df -k /dev/shm | tail -1 | tr -s \" \" | cut -d\" \" -f2'",
            "8192",
        )?;
        case.fails(
            "run --rm -m 1m busybox true",
            125,
            "Minimum memory limit allowed is 6MB",
        )?;
        case.fails(
            "run --rm --cpus 1000 busybox true",
            125,
            "range of CPUs is from 0.01 to",
        )?;
        case.fails(
            "run --rm --cpuset-cpus 4000 busybox true",
            125,
            "Requested CPUs are not available - requested 4000, available: 0",
        )?;
        Ok(())
    })
}

#[test]
fn the_pids_limit_holds() -> Result<()> {
    one(&["busybox"], |case| {
        let outcome =
            case.run("run --rm --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'")?;
        ensure!(outcome.stderr.contains("can't fork"), "{outcome}");
        Ok(())
    })
}

#[test]
fn out_of_memory_is_seen() -> Result<()> {
    both(&["busybox"], |case| {
        let outcome =
            case.run("run --name oom -m 20m --memory-swap 20m busybox sh -c 'x=a; while :; do x=$x$x$x$x; done'")?;
        ensure!(outcome.code == 137, "{outcome}");
        case.says("inspect -f '{{.State.OOMKilled}}' oom", "true")?;
        case.ok("rm oom")?;
        Ok(())
    })
}

/// A server that loses a worker goes on, and is told of at once.
#[test]
fn out_of_memory_is_told_while_the_container_runs() -> Result<()> {
    both(&["busybox"], |case| {
        let begin = case.script("date +%s.%N")?.success()?.text().to_owned();
        case.ok("run -d --name oom -m 20m --memory-swap 20m busybox sleep 1000")?;
        let outcome = case.run("exec oom tail /dev/zero")?;
        ensure!(outcome.code == 137, "{outcome}");
        until_ok(LIMIT, "the mark", || {
            case.says(
                "inspect -f '{{.State.OOMKilled}} {{.State.Status}}' oom",
                "true running",
            )
        })?;
        let now = case.script("date +%s.%N")?.success()?.text().to_owned();
        let events = case.ok(&format!(
            "events --since {begin} --until {now} --filter container=oom --filter event=oom --filter event=die --format '{{{{.Action}}}}'"
        ))?;
        ensure!(
            !events.is_empty() && events.lines().all(|action| action == "oom"),
            "{events}"
        );
        case.ok("restart -t 0 oom")?;
        case.says("inspect -f '{{.State.OOMKilled}}' oom", "false")?;
        case.ok("rm -f oom")?;
        Ok(())
    })
}
