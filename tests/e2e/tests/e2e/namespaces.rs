//! Namespaces that containers share: of processes, ipc, names, control groups, the network; and what is refused.

use anyhow::{Result, ensure};
use corten_e2e::{Case, both, is_reference};

#[test]
fn ipc_is_shared_with_who_allows_it() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name donor --ipc shareable --shm-size 32m busybox sleep 1000")?;
        case.ok("run -d --name private busybox sleep 1000")?;
        case.ok("run -d --name none --ipc none busybox sleep 1000")?;
        let namespace = case.ok("exec donor readlink /proc/self/ns/ipc")?;
        case.says(
            "run --rm --ipc container:donor busybox readlink /proc/self/ns/ipc",
            &namespace,
        )?;
        case.ok("exec donor sh -c 'echo shared > /dev/shm/x'")?;
        case.says("run --rm --ipc container:donor busybox cat /dev/shm/x", "shared")?;
        case.says(
            "run --rm --ipc container:donor busybox sh -c 'df -k /dev/shm | tail -1 | tr -s \" \" | cut -d \" \" -f 2'",
            "32768",
        )?;
        for name in ["private", "none"] {
            let id = case.inspect(name)?["Id"].as_str().unwrap_or_default().to_owned();
            let text = format!(
                "failed to join IPC namespace: container {id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
            );
            case.fails(&format!("run --rm --ipc container:{name} busybox true"), 125, &text)?;
        }
        case.fails(
            "run --rm --ipc container:missing busybox true",
            125,
            "No such container: missing",
        )?;
        case.fails("run --rm --ipc bogus busybox true", 125, "invalid IPC mode: bogus")?;
        case.says(
            "run --rm --ipc none busybox sh -c 'ls -d /dev/shm 2>/dev/null | wc -l'",
            "0",
        )?;
        case.ok("create --name later --ipc container:donor busybox true")?;
        let id = case.inspect("donor")?["Id"].as_str().unwrap_or_default().to_owned();
        case.ok("stop -t 0 donor")?;
        case.fails(
            "start later",
            1,
            &format!("failed to join IPC namespace: container {id} is not running"),
        )?;
        case.ok("rm -f donor private none later")?;
        Ok(())
    })
}

/// Host programs find a shareable container's memory; a private one's only the container has.
#[test]
fn shareable_memory_is_on_the_host() -> Result<()> {
    both(&["busybox"], |case| {
        let mounts = |case: &Case, name: &str| -> Result<String> {
            let device = case.ok(&format!(
                "exec {name} awk '$5 == \"/dev/shm\" {{printf $3}}' /proc/self/mountinfo"
            ))?;
            let here = format!("awk '$3 == \"{device}\" {{print $5}}' /proc/self/mountinfo");
            Ok(case.script(&here)?.success()?.text().to_owned())
        };
        case.ok("run -d --name box --ipc shareable --shm-size 4m busybox sleep 1000")?;
        case.ok("run -d --name private --ipc private busybox sleep 1000")?;
        case.ok("run -d --name own --ipc shareable --tmpfs /dev/shm busybox sleep 1000")?;
        for name in ["private", "own"] {
            let found = mounts(case, name)?;
            ensure!(found.is_empty(), "{name}: {found}");
        }
        let place = mounts(case, "box")?;
        let id = case.inspect("box")?["Id"].as_str().unwrap_or_default().to_owned();
        ensure!(place.ends_with(&format!("{id}/mounts/shm")), "{place}");
        case.script(&format!("echo there > '{place}/x'"))?.success()?;
        case.says("exec box cat /dev/shm/x", "there")?;
        case.says("exec box stat -c '%a %u' /dev/shm", "1777 0")?;
        case.says(
            "exec box sh -c 'df -k /dev/shm | tail -1 | tr -s \" \" | cut -d \" \" -f 1,2'",
            "shm 4096",
        )?;
        let options = case.ok("exec box awk '$5 == \"/dev/shm\" {print $6}' /proc/self/mountinfo")?;
        ensure!(options.starts_with("rw,nosuid,nodev,noexec"), "{options}");
        case.ok("restart -t 0 box")?;
        case.says("exec box ls /dev/shm", "")?;
        if !is_reference()? {
            // It goes on without a daemon, and the next one takes it away at the end.
            case.ok("exec box touch /dev/shm/y")?;
            case.daemon.kill()?;
            case.daemon.launch()?;
            let place = mounts(case, "box")?;
            case.script(&format!("test -e '{place}/y'"))?.success()?;
        }
        case.ok("stop -t 0 box")?;
        let left = case.script(&format!("grep -c ' {place} ' /proc/self/mountinfo || true"))?;
        ensure!(left.text() == "0", "{left}");
        case.ok("rm -f box private own").map(drop)
    })
}

/// The host's queues are there whether it has mounted them or not; its memory must be.
#[test]
fn the_hosts_ipc() -> Result<()> {
    both(&["busybox"], |case| {
        case.script("mkdir -p /run/queues && mount -t mqueue queues /run/queues && : >/run/queues/of-the-host")?
            .success()?;
        case.script("echo host >/dev/shm/of-the-host-too")?.success()?;
        let said = case.ok("run --rm --ipc host busybox sh -c 'ls /dev/mqueue; cat /dev/shm/of-the-host-too'")?;
        ensure!(said.contains("of-the-host\n") && said.ends_with("host"), "{said}");
        case.says("run --rm busybox ls /dev/mqueue", "")?;
        case.script("rm /dev/shm/of-the-host-too /run/queues/of-the-host; umount /run/queues; rmdir /run/queues")?
            .success()?;
        // A /dev without it.
        case.script(
            "mkdir /run/dev && mount -t tmpfs dev /run/dev && cd /dev && cp -a null zero full random urandom tty /run/dev/ && \
             mkdir /run/dev/pts && mount --bind /dev/pts /run/dev/pts && mount --rbind /run/dev /dev && umount -R /run/dev && rmdir /run/dev",
        )?
        .success()?;
        let refused = case.fails(
            "run --rm --ipc host busybox true",
            125,
            "/dev/shm is not mounted, but must be for --ipc=host",
        );
        case.script("umount -R /dev")?.success()?;
        refused
    })
}

#[test]
fn a_donors_links_lead_nowhere_outside() -> Result<()> {
    both(&["busybox"], |case| {
        // The donor replaces its /dev/shm by a link to the host's files.
        case.script("mkdir -p /tmp/corten-outside; echo secret > /tmp/corten-outside/f")?
            .success()?;
        case.ok("run -d --name donor --privileged --ipc shareable busybox sleep 1000")?;
        case.ok(
            "exec --privileged donor sh -c 'umount /dev/shm && rmdir /dev/shm && ln -s /tmp/corten-outside /dev/shm'",
        )?;
        case.fails(
            "run --rm --ipc container:donor busybox cat /dev/shm/f",
            127,
            "no such file or directory",
        )?;
        case.ok("rm -f donor")?;
        case.script("rm -r /tmp/corten-outside")?.success()?;
        Ok(())
    })
}

fn hostname() -> Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned())
}

#[test]
fn processes_names_and_groups() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name first busybox sleep 1234")?;
        let said = case.ok("run --rm --pid container:first busybox ps")?;
        ensure!(said.contains("sleep 1234"), "{said}");
        let said = case.ok("run --rm --pid container:first --init busybox ps")?;
        ensure!(!said.contains("docker-init"), "no init in another's processes: {said}");
        case.says("run --rm --uts host busybox hostname", &hostname()?)?;
        let conflict = "conflicting options: hostname and the UTS mode";
        case.fails("run --rm --uts host -h x busybox true", 125, conflict)?;
        case.fails("run --rm --pid bogus busybox true", 125, "--pid: invalid PID mode")?;
        case.fails("run --rm --uts bogus busybox true", 125, "--uts: invalid UTS mode")?;
        case.fails(
            "run --rm --cgroupns bogus busybox true",
            125,
            "--cgroupns: invalid CGROUP mode",
        )?;
        let host = std::fs::read_link("/proc/self/ns/cgroup")?.display().to_string();
        case.says("run --rm --cgroupns host busybox readlink /proc/self/ns/cgroup", &host)?;
        let own = case.ok("run --rm --cgroupns private busybox readlink /proc/self/ns/cgroup")?;
        ensure!(own != host, "{own}");
        let id = case.inspect("first")?["Id"].as_str().unwrap_or_default().to_owned();
        case.ok("stop -t 0 first")?;
        case.fails(
            "run --rm --pid container:first busybox true",
            125,
            &format!("failed to join PID namespace: container {id} is not running"),
        )?;
        case.ok("rm -f first")?;
        Ok(())
    })
}
