//! Rows of the area `resources`: what the options of a container's group become in the kernel, on cgroup v1 and v2.
//!
//! Names that the rows give in one letter have two here: Docker takes none of one.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::skip;
use corten_testkit::wait::until_ok;
use serde_json::Value;

use crate::rows::group;

/// Whether the host has cgroup v2 alone.
fn is_v2() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// A group below the one that the daemon's containers have, in a controller's hierarchy or in the only one.
fn directory(case: &Case, controller: &str, below: &str) -> PathBuf {
    let parent = case.daemon.sandbox.cgroup_parent();
    let root = Path::new("/sys/fs/cgroup");
    let root = if is_v2() {
        root.to_owned()
    } else {
        root.join(controller)
    };
    root.join(parent).join(below)
}

/// A container's file in its group: of this controller and name under v1, of that name under v2.
fn limit(case: &Case, name: &str, (controller, v1): (&str, &str), v2: &str) -> Result<String> {
    let id = case.ok(&format!("inspect -f '{{{{.Id}}}}' {name}"))?;
    let path = directory(case, controller, &id).join(if is_v2() { v2 } else { v1 });
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.trim().to_owned())
}

fn memory(case: &Case, name: &str) -> Result<String> {
    limit(case, name, ("memory", "memory.limit_in_bytes"), "memory.max")
}

#[test]
fn memory_rows() -> Result<()> {
    group(&["debian"], |rows| {
        rows.row("C-323", |case| {
            case.ok("run -d --name mm -m 64m debian sleep 600")?;
            case.says("inspect -f '{{.HostConfig.Memory}}' mm", "67108864")?;
            ensure!(memory(case, "mm")? == "67108864");
            Ok(())
        });
        rows.row("C-324", |case| {
            let begin = case.script("date +%s.%N")?.success()?.text().to_owned();
            case.run("run --name oo -m 32m --memory-swap 32m debian sh -c 'tail /dev/zero'")?
                .code_is(137)?;
            case.says("inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' oo", "true 137")?;
            let now = case.script("date +%s.%N")?.success()?.text().to_owned();
            let events = case.ok(&format!(
                "events --since {begin} --until {now} --filter container=oo --format '{{{{.Action}}}}'"
            ))?;
            let order: Vec<&str> = events
                .lines()
                .filter(|action| matches!(*action, "start" | "oom" | "die"))
                .collect();
            ensure!(order == ["start", "oom", "die"], "{events}");
            Ok(())
        });
        rows.row("C-325", |case| {
            case.ok("run -d --name ll -m 128m --memory-reservation 64m --memory-swap 256m debian sleep 60")?;
            case.says(
                "inspect -f '{{with .HostConfig}}{{.Memory}} {{.MemoryReservation}} {{.MemorySwap}}{{end}}' ll",
                "134217728 67108864 268435456",
            )?;
            ensure!(memory(case, "ll")? == "134217728");
            let soft = limit(case, "ll", ("memory", "memory.soft_limit_in_bytes"), "memory.low")?;
            ensure!(soft == "67108864", "{soft}");
            // v1 limits memory and swap together, v2 swap alone.
            let total = limit(case, "ll", ("memory", "memory.memsw.limit_in_bytes"), "memory.swap.max")?;
            ensure!(total == if is_v2() { "134217728" } else { "268435456" }, "{total}");
            Ok(())
        });
        rows.row("C-326", |case| {
            case.ok("run -d --name free debian sleep 60")?;
            let most = memory(case, "free")?;
            // The largest multiple of a page that the kernel counts to.
            ensure!(most == if is_v2() { "max" } else { "9223372036854771712" }, "{most}");
            Ok(())
        });
    })
}

/// Lets this daemon's containers have a processor as on an idle host, whatever else runs here.
fn go_first(case: &Case) -> Result<()> {
    let (file, most) = if is_v2() {
        ("cpu.weight", "10000")
    } else {
        ("cpu.shares", "262144")
    };
    Ok(std::fs::write(directory(case, "cpu", "").join(file), most)?)
}

/// The percentages that `stats` shows, in the order of the names.
fn shown(case: &Case, names: &[&str]) -> Result<Vec<f64>> {
    let said = case.ok(&format!(
        "stats --no-stream --format '{{{{.Name}}}} {{{{.CPUPerc}}}}' {}",
        names.join(" ")
    ))?;
    let of = |name: &&str| {
        let line = said.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        let number = line.and_then(|text| text.trim_end_matches('%').parse().ok());
        number.with_context(|| format!("{name} in {said}"))
    };
    names.iter().map(of).collect()
}

#[test]
fn processor_rows() -> Result<()> {
    group(&["debian"], |rows| {
        const BUSY: &str = "debian sh -c 'while :; do :; done'";
        rows.row("C-327", |case| {
            for (name, shares) in [("more", 1024), ("less", 512)] {
                case.ok(&format!(
                    "run -d --name {name} --cpuset-cpus 0 --cpu-shares {shares} {BUSY}"
                ))?;
            }
            go_first(case)?;
            let mut sums = [0.0; 2];
            for _ in 0..3 {
                let now = shown(case, &["more", "less"])?;
                sums.iter_mut().zip(now).for_each(|(sum, share)| *sum += share);
            }
            let ratio = sums[0] / sums[1];
            ensure!((1.7..2.3).contains(&ratio), "{sums:?}");
            Ok(())
        });
        rows.row("C-328", |case| {
            let line = "run --rm --cpuset-cpus 0 debian sh -c 'nproc; grep Cpus_allowed_list /proc/self/status'";
            let said = case.ok(line)?;
            ensure!(said == "1\nCpus_allowed_list:\t0", "{said}");
            Ok(())
        });
        rows.row("C-329", |case| {
            case.ok(&format!("run -d --name half --cpus 0.5 {BUSY}"))?;
            go_first(case)?;
            let shares: Vec<f64> = (0..3).map(|_| Ok(shown(case, &["half"])?[0])).collect::<Result<_>>()?;
            let mean = shares.iter().sum::<f64>() / 3.0;
            ensure!((40.0..60.0).contains(&mean), "{shares:?}");
            Ok(())
        });
        rows.row("C-330", |case| {
            case.ok("run -d --name counted debian sleep 600")?;
            let before = used(case)?;
            ensure!(before[0] > 0, "{before:?}");
            // A second of each, of a program and of the kernel for it.
            case.ok("exec counted bash -c 'while [ $(cut -d\" \" -f14 /proc/$$/stat) -lt 50 ]; do for i in {1..20000}; do :; done; done'")?;
            case.ok("exec counted dd if=/dev/zero of=/dev/null bs=1M count=20000")?;
            let after = used(case)?;
            ensure!(
                before.iter().zip(&after).all(|(before, after)| after > before),
                "{before:?} {after:?}"
            );
            ensure!(after[0] - before[0] > 500_000_000, "{before:?} {after:?}");
            Ok(())
        });
    })
}

/// Nanoseconds: altogether, as a program, in the kernel.
fn used(case: &Case) -> Result<[u64; 3]> {
    let socket = case.daemon.socket();
    let url = "http://localhost/containers/counted/stats?stream=false";
    let said = case
        .script(&format!("curl -sS --unix-socket {socket} '{url}'"))?
        .success()?;
    let sample: Value = serde_json::from_str(said.text())?;
    let usage = &sample["cpu_stats"]["cpu_usage"];
    let number = |key: &str| usage[key].as_u64().with_context(|| format!("{key} in {usage}"));
    Ok([
        number("total_usage")?,
        number("usage_in_usermode")?,
        number("usage_in_kernelmode")?,
    ])
}

/// The disk under the daemon's data: its node and its number.
fn disk(case: &Case) -> Result<Option<(String, String)>> {
    let data = case.daemon.data_directory();
    let number = std::fs::metadata(&data)?.dev();
    let number = format!("{}:{}", rustix::fs::major(number), rustix::fs::minor(number));
    let Ok(at) = Path::new("/sys/dev/block").join(&number).canonicalize() else {
        skip::skip("rows of disks", &format!("{} is on no block device", data.display()));
        return Ok(None);
    };
    // Limits are of whole disks.
    let whole = if at.join("partition").exists() {
        at.parent().context("a disk")?.to_owned()
    } else {
        at
    };
    let name = whole.file_name().and_then(|name| name.to_str()).context("a name")?;
    let number = std::fs::read_to_string(whole.join("dev"))?.trim().to_owned();
    Ok(Some((format!("/dev/{name}"), number)))
}

#[test]
fn disk_rows() -> Result<()> {
    group(&["debian"], |rows| {
        rows.row("C-331", |case| {
            if disk(case)?.is_none() {
                return Ok(());
            }
            case.ok("run -d --name writer debian sleep 600")?;
            let written = |case: &Case| -> Result<f64> {
                let said = case.ok("stats --no-stream --format '{{.BlockIO}}' writer")?;
                megabytes(said.split(" / ").nth(1).context("two amounts")?).with_context(|| said.clone())
            };
            ensure!(written(case)? < 1.0);
            case.ok("exec writer dd if=/dev/zero of=/x bs=1M count=20 oflag=direct")?;
            let amount = written(case)?;
            ensure!((20.9..23.0).contains(&amount), "{amount} MB");
            Ok(())
        });
        rows.row("C-332", |case| {
            let Some((node, number)) = disk(case)? else {
                return Ok(());
            };
            let begin = Instant::now();
            case.ok(&format!(
                "run --name slow --device-write-bps {node}:1mb debian dd if=/dev/zero of=/x bs=1M count=5 oflag=direct"
            ))?;
            let took = begin.elapsed().as_secs();
            ensure!((4..20).contains(&took), "{took} s");
            case.says(
                "inspect -f '{{range .HostConfig.BlkioDeviceWriteBps}}{{.}}{{end}}' slow",
                &format!("{node}:1048576"),
            )?;
            case.ok("start slow")?;
            let file = ("blkio", "blkio.throttle.write_bps_device");
            let set = limit(case, "slow", file, "io.max")?;
            ensure!(set.starts_with(&number) && set.contains("1048576"), "{set}");
            Ok(())
        });
        rows.row("C-333", |case| {
            let run = case
                .run("run -d --name light --blkio-weight 300 debian sleep 60")?
                .success()?;
            let group = directory(case, "blkio", run.text());
            let files = if is_v2() {
                ["io.bfq.weight", "io.weight"]
            } else {
                ["blkio.bfq.weight", "blkio.weight"]
            };
            let Some(file) = files.iter().map(|file| group.join(file)).find(|file| file.exists()) else {
                ensure!(run.stderr.contains("kernel does not support Block I/O weight"), "{run}");
                return case.says("inspect -f '{{.HostConfig.BlkioWeight}}' light", "0");
            };
            case.says("inspect -f '{{.HostConfig.BlkioWeight}}' light", "300")?;
            let says = |plain: &str, scaled: &str| {
                let set = std::fs::read_to_string(&file)?;
                let want = if file.ends_with("io.weight") { scaled } else { plain };
                ensure!(set.lines().next().is_some_and(|line| line.ends_with(want)), "{set:?}");
                Ok(())
            };
            says("300", "default 2930")?;
            case.ok("update --blkio-weight 500 light")?;
            says("500", "default 4950")
        });
    })
}

/// `21MB`, `0B` as a number of megabytes.
fn megabytes(text: &str) -> Result<f64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).context("a unit")?;
    let factor = match &text[unit..] {
        "B" => 1e-6,
        "kB" => 1e-3,
        "MB" => 1.0,
        other => anyhow::bail!("an unknown unit {other}"),
    };
    Ok(text[..unit].parse::<f64>()? * factor)
}

#[test]
fn group_rows() -> Result<()> {
    group(&["debian", "nginx"], |rows| {
        rows.row("C-334", |case| {
            case.ok("run -d --name pp debian sleep 600")?;
            let frozen = |want: [&str; 2]| {
                let state = limit(case, "pp", ("freezer", "freezer.state"), "cgroup.freeze")?;
                ensure!(state == want[usize::from(is_v2())], "{state}");
                Ok(())
            };
            frozen(["THAWED", "0"])?;
            case.says("pause pp", "pp")?;
            frozen(["FROZEN", "1"])?;
            case.says("unpause pp", "pp")?;
            frozen(["THAWED", "0"])
        });
        rows.row("C-336", |case| {
            // With v1 the host's namespace is what containers get if nothing is said, in Docker too.
            let own = if is_v2() { "" } else { "--cgroupns private" };
            let said = case.ok(&format!("run --rm {own} debian cat /proc/self/cgroup"))?;
            ensure!(
                said.lines().count() > 0 && said.lines().all(|line| line.ends_with(":/")),
                "{said}"
            );
            Ok(())
        });
        rows.row("C-337", |case| {
            let said = case
                .run("run --rm debian sh -c 'head -c1 /dev/zero | wc -c; head -c1 /dev/random | wc -c; : > /dev/null; mknod /d b 8 0 && head -c1 /d'")?
                .code_is(1)?
                .says("1\n1")?;
            ensure!(said.stderr.contains("'/d' for reading: Operation not permitted"), "{said}");
            Ok(())
        });
        rows.row("C-338", devices);
        rows.row("C-339", |case| {
            let parent = format!("{}-somegroup", case.daemon.sandbox.cgroup_parent());
            let id = case.ok(&format!(
                "run -d --name below --cgroup-parent /{parent} debian sleep 60"
            ))?;
            let group = directory(case, "memory", "").with_file_name(&parent).join(&id);
            // Read in there, where pids are those of the daemon.
            let list = format!("cat {}/cgroup.procs", group.display());
            let processes = || Ok::<String, anyhow::Error>(case.script(&list)?.success()?.text().to_owned());
            let pid = case.ok("inspect -f '{{.State.Pid}}' below")?;
            ensure!(id.len() == 64 && processes()? == pid, "{}, not {pid}", processes()?);
            case.ok("exec -d below sleep 50")?;
            until_ok(LIMIT, "two processes", || {
                let listed = processes()?;
                ensure!(listed.lines().count() == 2, "{listed:?}");
                Ok(())
            })?;
            case.ok("rm -f below")?;
            ensure!(!group.exists(), "{} is left", group.display());
            Ok(())
        });
        rows.row("C-340", |case| {
            let id = case.ok("run -d nginx")?;
            let file = directory(case, "pids", &id).join("cgroup.procs");
            until_ok(LIMIT, "master and workers", || {
                let mut titles = Vec::new();
                for pid in std::fs::read_to_string(&file)?.lines() {
                    let title = std::fs::read_to_string(format!("/proc/{pid}/cmdline"))?;
                    titles.push(title.trim_end_matches('\0').to_owned());
                }
                let has = |what: &str| titles.iter().any(|title| title.starts_with(what));
                ensure!(
                    has("nginx: master process") && has("nginx: worker process"),
                    "{titles:?}"
                );
                Ok(())
            })
        });
    })
}

fn devices(case: &Case) -> Result<()> {
    for (option, path) in [
        ("/dev/net/tun", "/dev/net/tun"),
        ("/dev/fuse:/dev/fuse:rw", "/dev/fuse"),
    ] {
        if !Path::new(path).exists() {
            skip::skip("C-338", &format!("there is no {path}"));
            continue;
        }
        case.fails(&format!("run --rm debian ls -l {path}"), 2, "No such file or directory")?;
        let opened = format!("debian sh -c 'ls -l {path} && : <>{path}'");
        let said = case.ok(&format!("run --rm --device {option} {opened}"))?;
        ensure!(said.starts_with("crw") && said.ends_with(path), "{said}");
        // Opened for what was not granted.
        case.fails(
            &format!("run --rm --device {path}:{path}:r {opened}"),
            2,
            "Operation not permitted",
        )?;
    }
    case.run("run --rm --device /dev/nothere debian true")?.mentions(
        "error gathering device information while adding custom device \"/dev/nothere\": no such file or directory",
    )?;
    Ok(())
}

/// A token bucket at the container's end of its veth: what people do, as Docker has no option for it.
#[test]
fn bandwidth() -> Result<()> {
    group(&["nginx"], |rows| {
        rows.row("C-341", |case| {
            case.ok("run -d --name served nginx")?;
            case.ok("exec served sh -c 'head -c 1000000 /dev/zero >/usr/share/nginx/html/big'")?;
            let address = case.ok("inspect -f '{{.NetworkSettings.IPAddress}}' served")?;
            let fetch = format!("curl -sSf -o /dev/null --retry 20 --retry-connrefused {address}/big");
            let took = || -> Result<f64> {
                let begin = Instant::now();
                case.script(&fetch)?.success()?;
                Ok(begin.elapsed().as_secs_f64())
            };
            let free = took()?;
            let pid = case.ok("inspect -f '{{.State.Pid}}' served")?;
            let limit = "tc qdisc add dev eth0 root tbf rate 2mbit burst 32k latency 400ms";
            case.script(&format!("nsenter -t {pid} -n {limit}"))?.success()?;
            let limited = took()?;
            ensure!(limited > 3.0 && free < limited, "{free} s, then {limited} s");
            Ok(())
        });
    })
}
