//! Parts of the kernel that a container must not reach: control groups, masked files, parameters of others.

use anyhow::{Result, ensure};
use corten_e2e::both;

#[test]
fn control_groups_cannot_be_written() -> Result<()> {
    both(&["busybox"], |case| {
        for namespace in ["host", "private"] {
            let said = case.ok(&format!("run --rm --cgroupns {namespace} busybox sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -d $d ] && mkdir $d/x 2>/dev/null && echo $d; echo /evil > $d/release_agent; done 2>/dev/null; echo end'"))?;
            ensure!(said == "end", "{namespace}: {said}");
        }
        // Mounting a hierarchy of one's own needs what a container has not.
        let said = case.run("run --rm busybox sh -c 'mkdir /c; mount -t cgroup -o memory c /c || unshare -rC mount -t cgroup -o memory c /c'")?;
        ensure!(said.code != 0, "{said}");
        Ok(())
    })
}

#[test]
fn what_tells_of_the_host_is_masked() -> Result<()> {
    both(&["busybox"], |case| {
        let paths = "/proc/asound /proc/acpi /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/devices/virtual/powercap";
        let look = format!(
            "for p in {paths}; do [ -d $p ] && ls -A $p; [ -f $p ] && head -c 1 $p; done 2>/dev/null; echo end"
        );
        case.says(&format!("run --rm busybox sh -c '{look}'"), "end")?;
        // The mask is there because it is asked for: without it there is something to see.
        let seen = case.ok(&format!(
            "run --rm --security-opt systempaths=unconfined busybox sh -c '{look}'"
        ))?;
        ensure!(
            seen != "end",
            "nothing to mask on this machine: the test proves nothing"
        );
        let write = "for p in /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger; do [ -e $p ] || continue; grep -q \" $p proc ro\" /proc/mounts || echo $p; done; echo end";
        case.says(&format!("run --rm busybox sh -c '{write}'"), "end")?;
        Ok(())
    })
}

#[test]
fn parameters_reach_their_namespace_alone() -> Result<()> {
    both(&["busybox"], |case| {
        let read = || std::fs::read_to_string("/proc/sys/kernel/msgmax");
        let before = read()?;
        case.says(
            "run --rm --sysctl kernel.msgmax=4321 busybox cat /proc/sys/kernel/msgmax",
            "4321",
        )?;
        ensure!(read()? == before, "the host's parameter has changed");
        for (options, key) in [("--net host", "net.ipv4.ip_forward"), ("--ipc host", "kernel.msgmax")] {
            let said = case.run(&format!("run --rm {options} --sysctl {key}=1 busybox true"))?;
            said.code_is(125)?.mentions(&format!("sysctl \"{key}\""))?;
        }
        Ok(())
    })
}
