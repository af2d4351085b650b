//! Rows of the area `isolation`: each namespace as seen from inside, from another container and from the host.

use std::process::Child;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::sandbox::INSIDE4;
use corten_testkit::wait::until_ok;

use crate::rows::{group, squeezed};

/// A process of the host with a command line that nothing else has; it ends with the value.
struct Neighbour(Child, String);

impl Neighbour {
    fn start(case: &Case, seconds: u32) -> Result<Self> {
        let child = case
            .daemon
            .sandbox
            .command("sleep")
            .arg(seconds.to_string())
            .spawn()
            .context("start a neighbour")?;
        let pid = until_ok(LIMIT, "the neighbour", || {
            let found = case.script(&format!("pgrep -fx 'sleep {seconds}'"))?.success()?;
            Ok(found.text().to_owned())
        });
        let mut started = Self(child, String::new());
        started.1 = pid?;
        Ok(started)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // It has ended already where the sandbox has.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The pid of a container's first process, as the host sees it.
fn pid(case: &Case, name: &str) -> Result<String> {
    case.ok(&format!("inspect -f '{{{{.State.Pid}}}}' {name}"))
}

/// What `readlink /proc/self/ns/*` says, by type.
fn namespaces(links: &str) -> std::collections::BTreeMap<&str, &str> {
    links.lines().filter_map(|link| link.split_once(':')).collect()
}

const V1: &str = "! [ -e /sys/fs/cgroup/cgroup.controllers ]";

#[test]
fn processes() -> Result<()> {
    group(&["alpine", "debian"], |rows| {
        rows.row("C-288 C-289", kinds);
        rows.row("C-301", first_process);
        rows.row("C-302", |case| {
            let said = case.ok("run --rm --privileged debian unshare -pf --mount-proc ps ax")?;
            let row = said.lines().nth(1).unwrap_or_default().trim_start();
            ensure!(row.starts_with("1 ") && row.ends_with("ps ax"), "{said}");
            case.ok("run -d --privileged debian unshare -pf --mount-proc sleep 5302")?;
            let nested = until_ok(LIMIT, "the nested process", || {
                let status = "grep NSpid /proc/$(pgrep -fx 'sleep 5302')/status";
                Ok(case.script(status)?.success()?.text().to_owned())
            })?;
            let pids: Vec<&str> = nested.split_whitespace().skip(1).collect();
            ensure!(pids.len() == 3 && pids[2] == "1" && pids[0] != pids[1], "{nested}");
            Ok(())
        });
        rows.row("C-303", |case| {
            let neighbour = Neighbour::start(case, 5303)?;
            let said = case.ok("run --rm --pid=host alpine ps")?;
            let listed = said
                .lines()
                .map(squeezed)
                .any(|line| line.split(' ').next() == Some(&neighbour.1) && line.ends_with("sleep 5303"));
            ensure!(listed, "no neighbour {} in\n{said}", neighbour.1);
            let alone = case.ok("run --rm alpine ps")?;
            ensure!(!alone.contains("sleep 5303"), "{alone}");
            case.fails("run --rm -pid=host alpine ps", 125, "no port specified")
        });
        rows.row("C-310", |case| {
            let neighbour = Neighbour::start(case, 5310)?;
            ensure!(neighbour.1 != "1");
            let line = format!("run --rm debian bash -c 'kill -0 {}'", neighbour.1);
            case.fails(&line, 1, "No such process")
        });
        rows.row("C-317", |case| {
            let children = "for i in 1 2 3; do (sleep 0.1 &) ; done; sleep 60";
            case.ok(&format!("run -d --name reaped --init debian bash -c '{children}'"))?;
            until_ok(LIMIT, "the end of the children", || {
                let top = case.ok("top reaped")?;
                ensure!(!top.lines().any(|line| line.ends_with(" sleep 0.1")), "{top}");
                ensure!(!top.contains("<defunct>"), "{top}");
                Ok(())
            })?;
            case.run("exec reaped cat /proc/1/cmdline")?
                .success()?
                .mentions("docker-init")
                .map(drop)
        });
        rows.row("C-318", |case| {
            let id = case.ok("run -d debian sleep 600")?;
            let groups = case
                .script(&format!("cat /proc/{}/cgroup", pid(case, &id)?))?
                .success()?;
            let path = format!("/{}/{id}", case.daemon.sandbox.cgroup_parent());
            let v1 = case.script(V1)?.code == 0;
            // Under v1 the line of v2's tree is there too, and nobody's.
            let lines = groups.text().lines().filter(|line| !v1 || !line.starts_with("0::"));
            let others: Vec<&str> = lines.clone().filter(|line| !line.ends_with(&path)).collect();
            ensure!(lines.count() > 0 && others.is_empty(), "want {path} in {others:?}");
            Ok(())
        });
    })
}

/// One namespace of each kind, by comparison with the host's.
fn kinds(case: &Case) -> Result<()> {
    let outside = case.script("readlink /proc/self/ns/*")?.success()?;
    let inside = case.ok("run --rm debian sh -c 'readlink /proc/self/ns/*'")?;
    let (outside, inside) = (namespaces(outside.text()), namespaces(&inside));
    for kind in ["pid", "net", "mnt", "uts", "ipc"] {
        let both = (outside.get(kind), inside.get(kind));
        ensure!(both.1.is_some() && both.0 != both.1, "{kind}: {both:?}");
    }
    ensure!(inside["user"] == outside["user"], "{inside:?}");
    // The default follows the host's control groups: private on v2.
    let shared = case.script(V1)?.code == 0;
    ensure!((inside["cgroup"] == outside["cgroup"]) == shared, "{inside:?}");
    case.ok("run -d --name NAME debian sleep 600")?;
    let entries = case
        .script(&format!("ls -l /proc/{}/ns", pid(case, "NAME")?))?
        .success()?;
    for kind in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
        entries.clone().mentions(&format!(" {kind} -> {kind}:["))?;
    }
    Ok(())
}

/// With the first process, all of its namespace end.
fn first_process(case: &Case) -> Result<()> {
    case.ok("run -d --name pp debian sh -c 'sleep 600 & exec sleep 601'")?;
    let top = until_ok(LIMIT, "both processes", || {
        let top = case.ok("top pp")?;
        ensure!(top.contains("sleep 600") && top.contains("sleep 601"), "{top}");
        Ok(top)
    })?;
    let pids: Vec<&str> = top
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    ensure!(pids.len() == 2, "{top}");
    case.script(&format!("kill -9 {}", pid(case, "pp")?))?.success()?;
    case.says("wait pp", "137")?;
    case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' pp", "exited 137")?;
    for pid in pids {
        case.script(&format!("! [ -e /proc/{pid} ]"))?.success()?;
    }
    let id = case.inspect("pp")?["Id"].as_str().unwrap_or_default().to_owned();
    let groups = format!("find /sys/fs/cgroup -name {id} -type d -exec cat {{}}/cgroup.procs ';'");
    case.script(&groups)?.success()?.says("").map(drop)
}

#[test]
fn files_and_names() -> Result<()> {
    group(&["alpine", "debian"], |rows| {
        rows.row("C-290", |case| {
            let listed = case.ok("run --rm debian ls /")?;
            let wanted = "bin boot dev etc home lib lib64 media mnt opt proc root run sbin srv sys tmp usr var";
            ensure!(squeezed(&listed) == wanted, "{listed}");
            case.ok("run -d --name own --cap-add SYS_ADMIN debian sleep 600")?;
            case.ok("exec own mount -t tmpfs of-c-290 /mnt")?;
            case.run("exec own cat /proc/mounts")?
                .success()?
                .mentions("of-c-290 /mnt")?;
            case.script("! grep of-c-290 /proc/self/mounts")?.success().map(drop)
        });
        rows.row("C-291", masked);
        rows.row("C-292", |case| {
            let script = "findmnt -n -o FSTYPE /tmp; touch /tmp/of-c-292";
            case.says(&format!("run --rm --tmpfs /tmp debian sh -c '{script}'"), "tmpfs")?;
            case.script("! [ -e /tmp/of-c-292 ]")?.success().map(drop)
        });
        rows.row("C-293 C-294 C-295", names);
        rows.row("C-297 C-298", memory);
        rows.row("C-304", |case| {
            let listed = case.ok("run --rm --privileged alpine ls /dev")?;
            let nodes = case.script("cd /dev; for f in *; do [ -b $f ] || [ -c $f ] && echo $f; done; true")?;
            let missing: Vec<&str> = nodes
                .text()
                .lines()
                // The console is the container's terminal, which this one has not.
                .filter(|node| *node != "console" && !listed.lines().any(|line| line == *node))
                .collect();
            ensure!(
                nodes.text().contains("null") && missing.is_empty(),
                "{missing:?} of\n{listed}"
            );
            case.ok("run --rm --privileged alpine sh -c 'exec 3</dev/kmsg'")?;
            case.fails("run --rm alpine ls /dev/kmsg", 1, "No such file or directory")?;
            let all = case.script("grep CapBnd /proc/self/status")?.success()?;
            let all = all.text().trim_start_matches("CapBnd:").trim().to_owned();
            case.says(
                "run --rm --privileged alpine grep CapEff /proc/self/status",
                &format!("CapEff:\t{all}"),
            )?;
            case.fails("run -privileged alpine ls /dev", 125, "rivileged")
        });
    })
}

/// What of /proc and /sys cannot be read or written. Small kernels lack the course's files: others take their place.
fn masked(case: &Case) -> Result<()> {
    let first = |files: &[&str]| -> Result<String> {
        let look = format!("for f in {}; do [ -e $f ] && echo $f && break; done", files.join(" "));
        Ok(case.script(&look)?.success()?.text().to_owned())
    };
    let secret = first(&["/proc/kcore", "/proc/timer_list", "/proc/keys"])?;
    let knob = first(&["/proc/sys/kernel/sysrq", "/proc/sys/kernel/panic"])?;
    let script = format!("cat {secret} | head -c1 | wc -c; touch /sys/x; echo 1 > {knob}");
    let said = case.run(&format!("run --rm debian sh -c '{script}'"))?;
    let refused = said.stderr.matches("Read-only file system").count();
    ensure!(said.text() == "0" && refused == 2, "{said}");
    Ok(())
}

fn names(case: &Case) -> Result<()> {
    let host = case.script("hostname")?.success()?.text().to_owned();
    case.says("run --rm -h demo alpine hostname", "demo")?;
    case.ok("run -d --name plain alpine sleep 600")?;
    let id = case.inspect("plain")?["Id"].as_str().unwrap_or_default().to_owned();
    case.says("exec plain hostname", &id[..12])?;
    let domain = "run --rm -h demo --domainname example.org alpine cat /proc/sys/kernel/domainname";
    case.says(domain, "example.org")?;
    let release = case.script("uname -r")?.success()?.text().to_owned();
    let inside = case.ok("run --rm -h demo alpine:3.4 uname -a")?;
    ensure!(inside.starts_with(&format!("Linux demo {release} ")), "{inside}");
    let outside = case.script("uname -a")?.success()?;
    ensure!(
        outside.text().starts_with(&format!("Linux {host} {release} ")),
        "{outside}"
    );
    let refused = "hostname: sethostname: Operation not permitted";
    case.fails("run --rm alpine:3.4 hostname hello", 1, refused)?;
    case.script("hostname")?.success()?.says(&host).map(drop)
}

/// A segment of shared memory, its own and lent.
fn memory(case: &Case) -> Result<()> {
    case.ok("run -d --name c1 --ipc=shareable debian sleep 600")?;
    case.ok("run -d --name c2 debian sleep 600")?;
    case.run("exec c1 ipcmk -M 64")?
        .success()?
        .mentions("Shared memory id: ")?;
    let own = case.ok("exec c1 ipcs -m")?;
    let key = own.lines().map(|line| line.split(' ').next().unwrap_or_default());
    let key = key.filter(|word| word.starts_with("0x")).collect::<Vec<_>>();
    ensure!(key.len() == 1, "{own}");
    ensure!(
        !case.ok("exec c2 ipcs -m")?.contains(key[0]),
        "another container sees it"
    );
    ensure!(
        !case.script("ipcs -m")?.success()?.text().contains(key[0]),
        "the host sees it"
    );
    case.run("run --rm --ipc=container:c1 debian ipcs -m")?
        .success()?
        .mentions(key[0])
        .map(drop)
}

#[test]
fn the_network_of_ones_own() -> Result<()> {
    group(&["alpine", "debian"], |rows| {
        rows.row("C-308", |case| {
            let said = case.ok("run --rm alpine sh -c 'ip addr; ip route'")?;
            ensure!(said.contains(": lo: ") && said.contains(": eth0@if"), "{said}");
            ensure!(said.contains("default via 172.17.0.1 dev eth0"), "{said}");
            ensure!(!said.contains("docker0") && !said.contains(INSIDE4), "{said}");
            Ok(())
        });
        rows.row("C-309", |case| {
            // The host has a socket and a rule of its own.
            let mut server = case.daemon.sandbox.command("busybox");
            let mut server = server.args(["httpd", "-f", "-p", "5309"]).spawn()?;
            let verdict = sockets_and_rules(case);
            server.kill()?;
            server.wait()?;
            case.script("nft delete table ip of_c_309")?.success()?;
            verdict
        });
    })
}

fn sockets_and_rules(case: &Case) -> Result<()> {
    let rule = "nft 'add table ip of_c_309; add chain ip of_c_309 c { type filter hook input priority 0; }; add rule ip of_c_309 c ip saddr 203.0.113.9 drop'";
    case.script(rule)?.success()?;
    until_ok(LIMIT, "the host's socket", || {
        case.script("ss -ltn")?.success()?.mentions(":5309 ")
    })?;
    let look = "run --rm --cap-add NET_ADMIN debian sh -c 'ss -ltn; iptables -L; iptables -S'";
    let said = case.ok(look)?;
    ensure!(said.contains("Chain INPUT (policy ACCEPT)"), "{said}");
    ensure!(
        !said.contains("LISTEN") && !said.contains("-A ") && !said.contains("203.0.113.9"),
        "{said}"
    );
    Ok(())
}
