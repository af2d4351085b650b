//! User namespaces: the engine's (`--userns-remap`) and a container's own (`--userns=auto`), with layers, volumes,
//! binds, networks and further processes.

use std::os::unix::fs::MetadataExt;

use anyhow::{Result, ensure};
use corten_e2e::{Case, Client, both, is_reference, one};
use corten_testkit::skip;

/// A daemon of ours that remaps to the subordinate ids 200000 to 265535, driven by both clients.
fn remapped(images: &[&str], body: impl Fn(&mut Case) -> Result<()>) -> Result<()> {
    if is_reference()? {
        skip::skip("remapped case", "needs our engine");
        return Ok(());
    }
    corten_e2e::remapped(images, body)
}

const MAP: &str = "0 200000 65536";

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_engines_remapping_is_dockers() -> Result<()> {
    remapped(&["busybox"], |case| {
        let info = case.ok("info --format '{{json .SecurityOptions}} {{.DockerRootDir}}'")?;
        ensure!(
            info.contains("name=userns") && info.ends_with("/200000.200000"),
            "{info}"
        );
        let maps = case.ok("run --rm busybox cat /proc/self/uid_map /proc/self/gid_map")?;
        ensure!(squeezed(&maps) == format!("{MAP} {MAP}"), "{maps}");
        let owners =
            "run --rm busybox stat -c %u:%g / /bin/busybox /etc/hosts /etc/resolv.conf /proc/1 /dev/pts /dev/shm /tmp";
        let owners = case.ok(owners)?;
        ensure!(
            owners.lines().count() == 8 && owners.lines().all(|line| line == "0:0"),
            "{owners}"
        );
        case.says("run --rm busybox stat -c %u /dev/null", "65534")?;
        // Devices, output by name, ports, sysctls, limits, other users, a terminal.
        case.says(
            "run --rm busybox sh -c 'echo out > /dev/stdout; head -c 1 /dev/zero | wc -c'",
            "out\n1",
        )?;
        case.says("run --rm -u 5 busybox sh -c 'echo out > /dev/stdout; id -u'", "out\n5")?;
        case.says(
            "run --rm --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=1000 busybox cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax",
            "1\n1000",
        )?;
        case.says(
            "run --rm --ulimit nofile=3000:4000 busybox sh -c 'ulimit -n; ulimit -Hn'",
            "3000\n4000",
        )?;
        case.ok("run --rm busybox ping -c 1 127.0.0.1")?;
        case.says(
            "run --rm --device /dev/null:/dev/xnull busybox sh -c 'echo > /dev/xnull && echo ok'",
            "ok",
        )?;
        case.ok("run --rm --cap-add SYS_ADMIN busybox sh -c 'mkdir /mnt && mount -t tmpfs x /mnt'")?;
        case.ok("run --rm --cap-add NET_ADMIN busybox ip addr add 10.9.9.9/32 dev lo")?;
        let outside = case.run("run --rm -u 70000 busybox true")?;
        outside.code_is(125)?;
        Ok(())
    })
}

#[test]
fn what_a_user_namespace_cannot_have_is_refused() -> Result<()> {
    remapped(&["busybox"], |case| {
        let table = [
            (
                "--privileged",
                "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
            ),
            (
                "--net=host",
                "cannot share the host's network namespace when user namespaces are enabled",
            ),
            (
                "--pid=host",
                "cannot share the host PID namespace when user namespaces are enabled",
            ),
        ];
        for (options, text) in table {
            case.fails(&format!("run --rm {options} busybox true"), 125, text)?;
            let maps = case.ok(&format!(
                "run --rm --userns=host {options} busybox cat /proc/self/uid_map"
            ))?;
            ensure!(squeezed(&maps) == "0 0 4294967295", "{options}: {maps}");
        }
        case.fails(
            "run --rm --userns=bogus busybox true",
            125,
            "--userns: invalid USER mode",
        )?;
        Ok(())
    })
}

#[test]
fn files_belong_to_the_range_and_layers_to_root() -> Result<()> {
    remapped(&["busybox"], |case| {
        case.ok("volume create data")?;
        case.ok(
            "run --rm -v data:/etc -v /tmp/remapped-new:/new busybox sh -c 'echo x > /etc/mine; echo x > /new/mine'",
        )?;
        let place = case.ok("volume inspect -f '{{.Mountpoint}}' data")?;
        let owner = |path: &str| -> Result<u32> { Ok(std::fs::metadata(case.daemon.sandbox.path(path))?.uid()) };
        for file in ["", "/mine", "/passwd"] {
            let uid = owner(&format!("{place}{file}"))?;
            ensure!(uid == 200_000, "{place}{file}: {uid}");
        }
        ensure!(owner("/tmp/remapped-new/mine")? == 200_000, "a new bind");
        case.ok("volume rm data")?;
        // Root of the host is nobody here.
        case.script("mkdir -p /tmp/remapped-host; echo secret > /tmp/remapped-host/f; chmod 600 /tmp/remapped-host/f")?
            .success()?;
        let said = case.run("run --rm -v /tmp/remapped-host:/b busybox cat /b/f")?;
        said.code_is(1)?.mentions("Permission denied")?;
        case.script("rm -r /tmp/remapped-host /tmp/remapped-new")?.success()?;
        // The image's own files are as they were.
        case.ok("run --rm --userns=host busybox stat -c %u /bin/busybox")
            .and_then(|uid| {
                ensure!(uid == "0", "{uid}");
                Ok(())
            })
    })
}

/// Root of the range owns, and can write, nothing of the engine's but what its containers wrote.
#[test]
fn the_range_owns_nothing_of_the_engine() -> Result<()> {
    remapped(&["busybox"], |case| {
        case.ok("run -d --name kept -v kept:/data busybox sleep 1000")?;
        let data = case.daemon.data_directory().display().to_string();
        let run = case.daemon.run_directory().display().to_string();
        let owned = case.script(&format!(
            "find {data} {run} -uid 200000 -not -path '*/upper' -not -path '*/upper/*' -not -path '*/_data*' -not -name hosts -not -name hostname -not -name resolv.conf"
        ))?;
        ensure!(owned.text().is_empty(), "{}", owned.text());
        let reached = case.script(&format!(
            "for f in $(find {data} -mindepth 1 -maxdepth 3); do setpriv --reuid 200000 --regid 200000 --clear-groups test -w $f && echo $f; done; true"
        ))?;
        ensure!(reached.text().is_empty(), "{}", reached.text());
        // Control groups are not the range's either.
        case.says("run --rm busybox sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -d $d ] && mkdir $d/x 2>/dev/null && echo $d; done; echo end'", "end")?;
        case.ok("rm -f kept")?;
        case.ok("volume rm kept")?;
        Ok(())
    })
}

#[test]
fn others_join_and_the_daemon_comes_back() -> Result<()> {
    remapped(&["busybox"], |case| {
        case.ok("run -d --name first --ipc shareable --restart=always busybox sleep 1000")?;
        let user = case.ok("exec first readlink /proc/self/ns/user")?;
        case.says("exec first id -u", "0")?;
        case.ok("exec first sh -c 'echo x > /made && echo out > /dev/stdout'")?;
        for mode in ["--network", "--pid", "--ipc"] {
            let said = case.ok(&format!(
                "run --rm {mode} container:first busybox readlink /proc/self/ns/user"
            ))?;
            ensure!(said == user, "{mode}: {said} {user}");
        }
        case.ok("run --rm --network container:first --cap-add NET_ADMIN busybox ip addr add 10.9.9.9/32 dev lo")?;
        case.fails(
            "run --rm --network container:first --userns=host busybox true",
            125,
            "it is in another user namespace",
        )?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        case.says("exec first id -u", "0")?;
        case.ok("restart -t 0 first")?;
        case.says("exec first stat -c %u /made", "0")?;
        case.ok("rm -f first")?;
        Ok(())
    })
}

#[test]
fn two_containers_have_ranges_of_their_own() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.client = Client::Corten;
        for name in ["one", "two"] {
            case.ok(&format!(
                "run -d --name {name} --userns=auto -v shared:/data busybox sleep 1000"
            ))?;
        }
        let start = |case: &Case, name: &str| -> Result<u64> {
            let map = case.ok(&format!("exec {name} cat /proc/self/uid_map"))?;
            let numbers: Vec<u64> = map.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            ensure!(numbers.len() == 3 && numbers[0] == 0 && numbers[2] == 65536, "{map}");
            Ok(numbers[1])
        };
        let (first, second) = (start(case, "one")?, start(case, "two")?);
        ensure!(first.abs_diff(second) >= 65536 && first != 0, "{first} {second}");
        // A volume that both mount shows each its own owners.
        case.ok("exec one sh -c 'echo x > /data/f; chown 7:8 /data/f'")?;
        case.says("exec two stat -c %u:%g /data/f", "7:8")?;
        // The range goes back when its container goes.
        case.ok("rm -f one")?;
        case.ok("run -d --name three --userns=auto busybox sleep 1000")?;
        ensure!(start(case, "three")? == first, "the range is free again");
        case.fails(
            "run --rm --userns=auto --privileged busybox true",
            125,
            "privileged mode is incompatible with user namespaces",
        )?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        case.ok("run -d --name four --userns=auto busybox sleep 1000")?;
        let taken = [start(case, "two")?, start(case, "three")?];
        ensure!(
            !taken.contains(&start(case, "four")?),
            "a range is given twice after a restart"
        );
        case.ok("rm -f two three four")?;
        case.ok("volume rm shared")?;
        Ok(())
    })
}

#[test]
fn a_mapped_bind_belongs_to_the_containers_user() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    both(&["busybox"], |case| {
        case.script(
            "mkdir -p /tmp/mapped; chown 1000:1001 /tmp/mapped; echo x > /tmp/mapped/f; chown 1000:1001 /tmp/mapped/f",
        )?
        .success()?;
        case.says(
            "run --rm -v /tmp/mapped:/b:idmap busybox sh -c 'stat -c %u:%g /b/f; echo > /b/by-root'",
            "0:0",
        )?;
        case.says(
            "run --rm -u 33:34 -v /tmp/mapped:/b:idmap busybox sh -c 'stat -c %u:%g /b/f; echo > /b/by-user'",
            "33:34",
        )?;
        for file in ["by-root", "by-user"] {
            let made = std::fs::metadata(case.daemon.sandbox.path(&format!("/tmp/mapped/{file}")))?;
            ensure!(
                (made.uid(), made.gid()) == (1000, 1001),
                "{file}: {}:{}",
                made.uid(),
                made.gid()
            );
        }
        case.fails(
            "run --rm -u nobody -v /tmp/mapped:/b:idmap busybox true",
            125,
            "must be given by number",
        )?;
        case.script("rm -r /tmp/mapped")?.success()?;
        Ok(())
    })
}

/// Archives speak of the container's users, whether it runs or not; what is written below directories of the image
/// leaves these with their owners.
#[test]
fn archives_have_the_owners_that_the_container_sees() -> Result<()> {
    remapped(&["busybox"], |case| {
        case.script("rm -rf /run/cp && mkdir -p /run/cp/dir && echo x >/run/cp/dir/f && chown -R 12:34 /run/cp/dir")?
            .success()?;
        case.ok("run -d --name box busybox sh -c 'echo own >/own; chown 5:6 /own; sleep 1000'")?;
        case.ok("exec box sh -c 'until [ \"$(stat -c %u /own)\" = 5 ]; do :; done'")?;
        let tar = case.script("tar -C /run/cp -c dir")?.success()?.stdout;
        let owners = |case: &Case, line: &str| -> Result<String> {
            let command = format!("{line} >/run/cp/got && tar --numeric-owner -tvf /run/cp/got");
            let listed = case.script(&command)?.success()?.text().to_owned();
            let owner = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
            Ok(listed.lines().filter_map(owner).collect::<Vec<_>>().join(" "))
        };
        let get = |path: &str| {
            let socket = case.daemon.socket();
            format!("curl -sf --unix-socket {socket} 'http://d/v1.51/containers/box/archive?path={path}'")
        };
        for state in ["running", "exited"] {
            case.run_with_input(&format!("cp - box:/tmp/{state}"), tar.as_bytes())?
                .code_is(1)?;
            case.run_with_input("cp -a - box:/home", tar.as_bytes())?.success()?;
            case.run_with_input("cp -a - box:/var/spool", tar.as_bytes())?
                .success()?;
            for (path, wanted) in [
                ("/own", "5/6"),
                ("/home/dir", "12/34 12/34"),
                ("/bin/busybox", "0/0"),
                ("/etc/passwd", "0/0"),
                ("/etc/hosts", "0/0"),
            ] {
                let found = owners(case, &get(path))?;
                ensure!(found == wanted, "{state} {path}: {found}");
            }
            let export = format!(
                "curl -sf --unix-socket {} http://d/v1.51/containers/box/export",
                case.daemon.socket()
            );
            let found = owners(case, &export)?;
            ensure!(!found.contains("200"), "{state}: {found}");
            if state == "running" {
                case.ok("stop -t 0 box")?;
            }
        }
        case.ok("start box")?;
        case.says(
            "exec box stat -c %u:%g /home /home/dir /home/dir/f /var /var/spool /var/spool/dir/f",
            "0:0\n12:34\n12:34\n0:0\n0:0\n12:34",
        )?;
        // Nobody's ids are not the host's.
        let stranger = case
            .script("chown 70000 /run/cp/dir/f && tar -C /run/cp -c dir")?
            .success()?
            .stdout;
        case.run_with_input("cp -a - box:/home", stranger.as_bytes())?
            .code_is(1)?
            .mentions("cannot be mapped")?;
        case.ok("rm -f box").map(drop)
    })
}
