//! `create`: what is asked for is what `inspect` says; what cannot be is refused.

use std::fs;

use anyhow::{Result, ensure};
use corten_e2e::{both, one};
use serde_json::json;

use super::inspect_has;

#[test]
fn create_keeps_limits_of_cpu_and_devices() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok(
            "create --name limits --cpu-period 50000 --cpu-quota 25000 -c 512 --cpuset-cpus 0 --cpuset-mems 0 \
             --device-cgroup-rule 'c 1:3 r' --device-read-bps /dev/null:1mb --device-read-iops /dev/null:10 \
             --device-write-bps /dev/null:2mb --device-write-iops /dev/null:20 -m 64m --memory-reservation 32m \
             --oom-score-adj 100 --shm-size 8m busybox",
        )?;
        let rate = |rate: u64| json!([{"Path": "/dev/null", "Rate": rate}]);
        inspect_has(
            case,
            "limits",
            &[
                ("/HostConfig/CpuPeriod", json!(50000)),
                ("/HostConfig/CpuQuota", json!(25000)),
                ("/HostConfig/CpuShares", json!(512)),
                ("/HostConfig/CpusetCpus", json!("0")),
                ("/HostConfig/CpusetMems", json!("0")),
                ("/HostConfig/DeviceCgroupRules", json!(["c 1:3 r"])),
                ("/HostConfig/BlkioDeviceReadBps", rate(1 << 20)),
                ("/HostConfig/BlkioDeviceReadIOps", rate(10)),
                ("/HostConfig/BlkioDeviceWriteBps", rate(2 << 20)),
                ("/HostConfig/BlkioDeviceWriteIOps", rate(20)),
                ("/HostConfig/MemoryReservation", json!(32 << 20)),
                ("/HostConfig/OomScoreAdj", json!(100)),
                ("/HostConfig/ShmSize", json!(8 << 20)),
            ],
        )?;
        case.ok("rm limits")?;
        Ok(())
    })
}

#[test]
fn create_keeps_names_modes_and_health() -> Result<()> {
    both(&["busybox"], |case| {
        let scratch = case.daemon.sandbox.scratch().to_owned();
        fs::write(scratch.join("labels"), "from=file\n")?;
        fs::write(scratch.join("environment"), "FROM=file\n")?;
        let identifier = scratch.join("identifier");
        drop(fs::remove_file(&identifier));
        let id = case.ok(&format!(
            "create --name all --annotation note=kept --cgroup-parent /elsewhere --cgroupns host --cidfile {identifier} \
             --dns-option ndots:2 --dns-opt timeout:1 --domainname example.org --env-file {dir}/environment --group-add 44 \
             --health-cmd true --health-interval 9s --health-retries 7 --health-start-interval 3s --health-start-period 5s \
             --health-timeout 4s --label-file {dir}/labels --net bridge --pull never --quiet --runtime runc \
             --sysctl net.ipv4.ip_forward=0 --userns host --uts host --volume-driver local --isolation default \
             --disable-content-trust --stop-signal INT busybox",
            identifier = identifier.display(),
            dir = scratch.display(),
        ))?;
        ensure!(
            fs::read_to_string(&identifier)? == id,
            "the file has another id than {id}"
        );
        let seconds = |count: u64| json!(count * 1_000_000_000);
        inspect_has(
            case,
            "all",
            &[
                ("/HostConfig/Annotations/note", json!("kept")),
                ("/HostConfig/CgroupParent", json!("/elsewhere")),
                ("/HostConfig/CgroupnsMode", json!("host")),
                ("/HostConfig/ContainerIDFile", json!(identifier.display().to_string())),
                ("/HostConfig/DnsOptions", json!(["ndots:2", "timeout:1"])),
                ("/Config/Domainname", json!("example.org")),
                ("/Config/Env/0", json!("FROM=file")),
                ("/HostConfig/GroupAdd", json!(["44"])),
                ("/Config/Healthcheck/Interval", seconds(9)),
                ("/Config/Healthcheck/Retries", json!(7)),
                ("/Config/Healthcheck/StartInterval", seconds(3)),
                ("/Config/Healthcheck/StartPeriod", seconds(5)),
                ("/Config/Healthcheck/Timeout", seconds(4)),
                ("/Config/Labels/from", json!("file")),
                ("/HostConfig/NetworkMode", json!("bridge")),
                ("/HostConfig/Runtime", json!("runc")),
                ("/HostConfig/Sysctls/net.ipv4.ip_forward", json!("0")),
                ("/HostConfig/UsernsMode", json!("host")),
                ("/HostConfig/UTSMode", json!("host")),
                ("/HostConfig/VolumeDriver", json!("local")),
                ("/Config/StopSignal", json!("INT")),
            ],
        )?;
        case.ok("create --name unwatched --no-healthcheck --network none busybox")?;
        inspect_has(case, "unwatched", &[("/Config/Healthcheck/Test", json!(["NONE"]))])?;
        case.ok("rm all unwatched")?;
        Ok(())
    })
}

#[test]
fn create_asks_for_addresses() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create --ipv6 --subnet 10.97.1.0/24 --subnet fd97:1::/64 six")?;
        case.ok(
            "create --name addressed --network six --net-alias other --ip 10.97.1.9 --ip6 fd97:1::9 --link-local-ip 169.254.9.9 \
             busybox",
        )?;
        let settings = "/NetworkSettings/Networks/six";
        inspect_has(
            case,
            "addressed",
            &[
                (&format!("{settings}/IPAMConfig/IPv4Address"), json!("10.97.1.9")),
                (&format!("{settings}/IPAMConfig/IPv6Address"), json!("fd97:1::9")),
                (&format!("{settings}/IPAMConfig/LinkLocalIPs"), json!(["169.254.9.9"])),
                (&format!("{settings}/Aliases"), json!(["other"])),
            ],
        )?;
        case.ok("rm addressed")?;
        let said = case.ok(
            "run --rm --network six --net-alias other --ip6 fd97:1::8 --mac-address 02:00:00:00:97:01 busybox \
             sh -c 'ip address show eth0; nslookup other 127.0.0.11'",
        )?;
        for part in ["fd97:1::8/64", "02:00:00:00:97:01"] {
            ensure!(said.contains(part), "no {part} in {said}");
        }
        ensure!(
            said.to_lowercase().contains("fd97:1::8\n") || said.contains("10.97.1."),
            "{said}"
        );
        case.ok("network remove six")?;
        Ok(())
    })
}

/// Real-time run time is shared out by control groups of version 1, where the kernel can.
#[test]
fn create_shares_real_time_out_where_the_kernel_can() -> Result<()> {
    both(&["busybox"], |case| {
        let refused = case.run("create --cpu-rt-period 1000 --cpu-rt-runtime 1001 busybox true")?;
        if !std::path::Path::new("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists() {
            return refused
                .mentions("kernel does not support CPU real-time scheduler")
                .map(drop);
        }
        refused.mentions("cpu real-time runtime cannot be higher than cpu real-time period")?;
        case.ok("create --name box --cpu-rt-period 1000 --cpu-rt-runtime 500 busybox true")?;
        case.says(
            "inspect -f '{{.HostConfig.CpuRealtimePeriod}} {{.HostConfig.CpuRealtimeRuntime}}' box",
            "1000 500",
        )?;
        // The group above has no run time to give.
        let refused = case.run("start box")?.mentions("cpu.rt_runtime_us")?;
        ensure!(refused.code == 1, "{refused}");
        case.says(
            "run --rm --cpu-rt-period 500000 --cpu-rt-runtime 0 busybox cat /sys/fs/cgroup/cpu/cpu.rt_period_us",
            "500000",
        )?;
        case.ok("rm box").map(drop)
    })
}

#[test]
fn create_refuses_what_this_system_cannot() -> Result<()> {
    both(&["busybox"], |case| {
        let windows = "is only supported on a Docker daemon running on windows";
        for (flag, text) in [
            ("--cpu-count 1", windows),
            ("--cpu-percent 1", windows),
            ("--io-maxbandwidth 1", windows),
            ("--io-maxiops 1", windows),
            ("--isolation hyperv", ""),
            ("--storage-opt size=1G", ""),
            ("--runtime unheard-of", "unknown or invalid runtime name: unheard-of"),
        ] {
            for verb in ["create", "run"] {
                let refused = case.run(&format!("{verb} {flag} busybox true"))?;
                // The reference engine takes and ignores some of them, or the kernel has what they ask for.
                ensure!(
                    refused.code != 0 && refused.stderr.contains(text) || corten_e2e::is_reference()?,
                    "{flag}: {refused}"
                );
            }
        }
        // Devices are looked for by the start.
        case.fails(
            "run --rm --gpus all busybox true",
            125,
            "could not select device driver",
        )?;
        Ok(())
    })
}

#[test]
fn fields_that_no_client_sends() -> Result<()> {
    one(&["busybox"], |case| {
        let body = json!({
            "Image": "busybox", "Cmd": ["sleep", "1000"], "Shell": ["/bin/ash", "-c"], "OnBuild": ["RUN true"],
            "NetworkDisabled": true, "StopSignal": "SIGUSR1", "StopTimeout": 3,
            "HostConfig": {"MaskedPaths": ["/etc/passwd"], "ReadonlyPaths": ["/tmp"], "Runtime": "runc"},
        });
        let (status, said) = case.api("POST", "/containers/create?name=odd", &body.to_string())?;
        ensure!(status == 201, "{said}");
        inspect_has(
            case,
            "odd",
            &[
                ("/Config/Shell", json!(["/bin/ash", "-c"])),
                ("/Config/OnBuild", json!(["RUN true"])),
                ("/Config/NetworkDisabled", json!(true)),
                ("/Config/StopSignal", json!("SIGUSR1")),
                ("/Config/StopTimeout", json!(3)),
                ("/HostConfig/MaskedPaths", json!(["/etc/passwd"])),
                ("/HostConfig/ReadonlyPaths", json!(["/tmp"])),
            ],
        )?;
        case.ok("start odd")?;
        case.says(
            "exec odd sh -c 'cat /etc/passwd; ls /sys/class/net; echo x 2>/dev/null >/tmp/x || echo kept'",
            "lo\nkept",
        )?;
        case.ok("rm -f odd")?;
        Ok(())
    })
}
