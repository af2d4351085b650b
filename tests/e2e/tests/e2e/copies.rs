//! `cp` and `export`: both directions, running or not, through volumes, and links that would like to lead elsewhere.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, both, is_reference, one};
use corten_testkit::wait::until_ok;
use serde_json::Value;

/// A directory of the test's machine with one file of a user of its own.
const PREPARE: &str = "rm -rf /run/cp && mkdir -p /run/cp/dir && echo hello >/run/cp/file && \
    chown 12:34 /run/cp/file && chmod 640 /run/cp/file && echo deep >/run/cp/dir/deep && ln -s deep /run/cp/dir/link";

fn prepare(case: &Case) -> Result<()> {
    case.script(PREPARE)?.success().map(drop)
}

#[test]
fn there_and_back() -> Result<()> {
    both(&["busybox"], |case| {
        prepare(case)?;
        case.ok("run -d --name runs -v data:/data busybox sleep 1000")?;
        case.ok("create --name rests -v data:/data busybox sleep 1000")?;
        for name in ["runs", "rests"] {
            case.ok(&format!("cp /run/cp/file {name}:/copied"))?;
            case.ok(&format!("cp /run/cp/dir {name}:/tmp"))?;
            case.ok(&format!("cp /run/cp/file {name}:/data/in-{name}"))?;
            case.ok(&format!("cp {name}:/copied /run/cp/back-{name}"))?;
            case.ok(&format!("cp {name}:/tmp/dir /run/cp/dir-{name}"))?;
            case.ok(&format!("cp {name}:/data/in-{name} /run/cp/vol-{name}"))?;
            case.ok(&format!("cp {name}:/tmp/dir/. /run/cp/content-{name}"))?;
            case.ok(&format!("cp -L {name}:/tmp/dir/link /run/cp/followed-{name}"))?;
            case.script(&format!(
                "cd /run/cp && cmp file back-{name} && cmp file vol-{name} && cmp dir/deep dir-{name}/deep && \
                 cmp dir/deep content-{name}/deep && cmp dir/deep followed-{name} && ! test -L followed-{name} && \
                 test \"$(readlink dir-{name}/link)\" = deep && test \"$(stat -c %a back-{name})\" = 640"
            ))?
            .success()?;
        }
        // What was put into the one at rest is there when it starts, and the volume has both.
        case.ok("start rests")?;
        case.says("exec rests cat /copied /tmp/dir/deep", "hello\ndeep")?;
        case.says("exec rests ls /data", "in-rests\nin-runs")?;
        case.says("exec runs stat -c '%u:%g %a' /copied", "12:34 640")?;
        case.ok("rm -f -v runs rests")?;
        case.ok("volume rm data").map(drop)
    })
}

/// `/etc/hosts` and its like are the engine's: at rest they are as the last run left them, without its address.
#[test]
fn files_of_the_engine_at_rest() -> Result<()> {
    both(&["busybox"], |case| {
        prepare(case)?;
        let content = |case: &Case, from: &str| -> Result<String> {
            case.ok(&format!("cp {from} /run/cp/got"))?;
            Ok(case.script("cat /run/cp/got && rm /run/cp/got")?.success()?.stdout)
        };
        case.ok("create --name early busybox true")?;
        ensure!(content(case, "early:/etc/hosts")?.is_empty(), "it has not run");
        case.ok("run --name rests -h demo --add-host base:10.1.2.3 busybox sh -c 'echo 10.9.9.9 own >>/etc/hosts'")?;
        let hosts = content(case, "rests:/etc/hosts")?;
        let has = |text: &str| hosts.contains(text);
        ensure!(
            has("127.0.0.1\tlocalhost\n") && has("10.1.2.3\tbase\n") && has("10.9.9.9 own\n"),
            "{hosts}"
        );
        ensure!(!has("demo"), "{hosts}");
        ensure!(content(case, "rests:/etc/hostname")? == "demo\n");
        ensure!(content(case, "rests:/etc/resolv.conf")?.contains("nameserver "));
        let busy = "RemoveAll hosts: device or resource busy";
        case.fails("cp /run/cp/file rests:/etc/hosts", 1, busy)?;
        case.ok("cp /run/cp/file rests:/etc/other")?;
        ensure!(content(case, "rests:/etc/hosts")? == hosts, "a refused copy changed it");
        case.says("diff rests", "C /etc\nA /etc/other")?;
        case.ok("run --name replaced -v /run/cp/file:/etc/hosts busybox true")?;
        ensure!(content(case, "replaced:/etc/hosts")? == "hello\n");
        // Who joins another's network has the other's.
        case.ok("run -d --name donor -h donor --add-host base:10.1.2.3 busybox sleep 1000")?;
        case.ok("run --name joins --network container:donor busybox true")?;
        for state in ["running", "exited"] {
            ensure!(content(case, "joins:/etc/hostname")? == "donor\n", "{state}");
            ensure!(
                content(case, "joins:/etc/hosts")?.contains("10.1.2.3\tbase\n"),
                "{state}"
            );
            if state == "running" {
                case.ok("stop -t 0 donor")?;
            }
        }
        case.ok("rm donor joins")?;
        // One that ends while the daemon is away.
        case.ok("run -d --name away -h away busybox sleep 1000")?;
        if !is_reference()? {
            let pid = case.ok("inspect -f '{{.State.Pid}}' away")?;
            case.daemon.kill()?;
            case.script(&format!("kill -9 {pid}"))?.success()?;
            case.daemon.launch()?;
            ensure!(content(case, "away:/etc/hostname")? == "away\n");
        }
        case.ok("rm -f early rests replaced away").map(drop)
    })
}

/// What is mounted in a container stays there: from outside its mount namespace the kernel would let it go.
#[test]
fn nothing_takes_the_place_of_a_mounted_file() -> Result<()> {
    both(&["busybox"], |case| {
        prepare(case)?;
        let mounted = "-v /run/cp/file:/bound -v data:/data";
        case.ok(&format!("run -d --name box {mounted} busybox sleep 1000"))?;
        let hosts = case.ok("exec box cat /etc/hosts")?;
        for state in ["running", "exited"] {
            case.fails(
                "cp /run/cp/dir/deep box:/bound",
                1,
                "RemoveAll bound: device or resource busy",
            )?;
            case.fails(
                "cp /run/cp/file box:/etc/hosts",
                1,
                "RemoveAll hosts: device or resource busy",
            )?;
            case.ok("cp /run/cp/dir/. box:/data")?;
            if state == "running" {
                case.says("exec box cat /bound /data/deep", "hello\ndeep")?;
                case.says("exec box cat /etc/hosts", &hosts)?;
                case.ok("stop -t 0 box")?;
            }
        }
        case.ok("start box")?;
        case.says("exec box cat /bound /data/deep", "hello\ndeep")?;
        case.ok("rm -f box")?;
        case.ok("volume rm data").map(drop)
    })
}

/// Clients that let files take the place of directories (docker-py) do not reach through a mount below one.
#[test]
fn nothing_takes_the_place_of_a_directory_with_a_mount() -> Result<()> {
    one(&["busybox"], |case| {
        prepare(case)?;
        case.ok("run -d --name box -v data:/tmp/sub/data busybox sh -c 'echo kept >/tmp/sub/data/f; sleep 1000'")?;
        let there = || case.run("exec box cat /tmp/sub/data/f")?.success()?.says("kept");
        until_ok(LIMIT, "the file", there)?;
        let put = format!(
            "cd /run/cp && mv file sub && tar -cf sub.tar sub && curl -s -w '%{{http_code}}' --unix-socket {} -T sub.tar 'http://d/v1.51/containers/box/archive?path=/tmp'",
            case.daemon.socket()
        );
        let refused = case.script(&put)?.success()?.mentions("device or resource busy")?;
        ensure!(refused.text().ends_with("500"), "{refused}");
        if !is_reference()? {
            // The reference has removed the content before it was refused.
            there()?;
        }
        case.ok("rm -f box")?;
        case.ok("volume rm data").map(drop)
    })
}

#[test]
fn streams() -> Result<()> {
    both(&["busybox"], |case| {
        prepare(case)?;
        case.ok("run -d --name box busybox sleep 1000")?;
        let tar = case.script("tar -C /run/cp -c dir")?.success()?.stdout;
        case.run_with_input("cp - box:/srv", tar.as_bytes())?
            .code_is(1)?
            .mentions("must be a directory")?;
        case.run_with_input("cp - box:/tmp", tar.as_bytes())?.success()?;
        case.says("exec box cat /tmp/dir/deep", "deep")?;
        let back = case.run("cp box:/tmp/dir -")?.success()?.stdout;
        ensure!(back.contains("dir/deep\0"), "no dir/deep in the stream");
        case.ok("rm -f box").map(drop)
    })
}

#[test]
fn links_lead_nowhere_else() -> Result<()> {
    both(&["busybox"], |case| {
        prepare(case)?;
        case.script("mkdir -p /run/cp/host && echo secret >/run/cp/secret")?
            .success()?;
        case.ok("run -d --name box busybox sleep 1000")?;
        for target in [
            "/run/cp/host",
            "../../../../../../../run/cp/host",
            "/proc/1/root/run/cp/host",
            "/proc/self/root/run/cp/host",
        ] {
            case.ok(&format!("exec box sh -c 'rm -rf /out; ln -s {target} /out'"))?;
            for path in ["/out", target] {
                case.run(&format!("cp /run/cp/file box:{path}/"))?;
                case.run(&format!("cp box:{path}/../secret /run/cp/got"))?;
            }
            case.script("test -z \"$(ls /run/cp/host)\" && ! grep -s secret /run/cp/got")?
                .success()?;
        }
        // A directory of the container that turns into a link while files go in.
        case.ok(
            "exec -d box sh -c 'while :; do rm -rf /race; mkdir /race; rm -rf /race; ln -s /run/cp/host /race; done'",
        )?;
        for _ in 0..20 {
            case.run("cp /run/cp/dir box:/race")?;
            case.run("cp box:/race/../secret /run/cp/got")?;
        }
        case.script("test -z \"$(ls /run/cp/host)\" && ! grep -s secret /run/cp/got")?
            .success()?;
        case.ok("rm -f box").map(drop)
    })
}

#[test]
fn what_is_refused() -> Result<()> {
    one(&["busybox"], |case| {
        prepare(case)?;
        case.ok("create --name ro --read-only -v rov:/rov:ro -v rwv:/rwv busybox sleep 1000")?;
        for state in ["created", "running"] {
            case.fails("cp /run/cp/file ro:/tmp/", 1, "container rootfs is marked read-only")?;
            case.fails("cp /run/cp/file ro:/rov/", 1, "mounted volume is marked read-only")?;
            case.ok("cp /run/cp/file ro:/rwv/")?;
            case.says("inspect -f '{{.State.Status}}' ro", state)?;
            case.ok("start ro")?;
        }
        let at = |path: &str| format!("/v1.51/containers/ro/archive?path={path}");
        case.refuses("GET", &at(""), "", 400, "bad parameter: pathcannot be empty")?;
        case.refuses(
            "GET",
            &at("/nope"),
            "",
            404,
            "Could not find the file /nope in container ro",
        )?;
        case.refuses(
            "GET",
            &at("/etc/passwd/x"),
            "",
            500,
            "lstat /etc/passwd/x: not a directory",
        )?;
        case.refuses(
            "PUT",
            &at("/etc/passwd"),
            "",
            400,
            "extraction point is not a directory",
        )?;
        case.refuses(
            "GET",
            "/v1.51/containers/gone/archive?path=/",
            "",
            404,
            "No such container: gone",
        )?;
        case.ok("run -d --name box busybox sleep 1000")?;
        case.ok("exec box mkdir /tmp/file")?;
        let tar = case.script("tar -C /run/cp -c file")?.success()?.stdout;
        case.run_with_input("cp - box:/tmp", tar.as_bytes())?
            .code_is(1)?
            .mentions("cannot overwrite directory \"file\" with non-directory \"/tmp\"")?;
        case.ok("rm -f -v ro box")?;
        case.ok("volume rm rov rwv").map(drop)
    })
}

#[test]
fn the_head_says_what_is_there() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sh -c 'ln -s /etc/passwd /l; ln -s ../../nowhere /dangling; sleep 1000'")?;
        for (path, name, target) in [
            ("/l", "l", "/etc/passwd"),
            ("/dangling", "dangling", "/nowhere"),
            ("/etc/.", ".", ""),
            ("etc/", "etc", ""),
            ("/", "/", ""),
        ] {
            let head = case.script(&format!(
                "curl -sI --unix-socket {} 'http://d/v1.51/containers/box/archive?path={path}' | \
                 sed -n 's/^x-docker-container-path-stat: //Ip' | base64 -di",
                case.daemon.socket()
            ))?;
            let stat: Value = serde_json::from_str(head.success()?.text())?;
            ensure!(
                stat["name"] == name && stat["linkTarget"] == target,
                "{path}: {stat}, want {name} and {target}"
            );
        }
        case.ok("rm -f box").map(drop)
    })
}

#[test]
fn export_is_the_root_without_mounts() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name runs -v data:/data busybox sh -c 'echo x >/data/in; echo y >/mine; sleep 1000'")?;
        case.ok("exec runs cat /mine")?;
        case.ok("create --name rests busybox true")?;
        case.ok("cp runs:/mine - ")?;
        for (name, has) in [("runs", true), ("rests", false)] {
            case.ok(&format!("export -o /run/{name}.tar {name}"))?;
            let list = case
                .script(&format!("tar tf /run/{name}.tar"))?
                .success()?
                .text()
                .to_owned();
            let there = |path: &str| list.lines().any(|line| line == path);
            ensure!(there("bin/busybox") && there("etc/passwd"), "{list}");
            ensure!(
                there("mine") == has && !there("data/in") && !there("proc/1/status"),
                "{list}"
            );
        }
        case.ok("rm -f -v runs rests")?;
        case.ok("volume rm data")?;
        let image = case.ok("import /run/runs.tar again:latest")?;
        case.says("run --rm again:latest cat /mine", "y")?;
        ensure!(image.starts_with("sha256:"), "{image}");
        case.ok("rmi again:latest").map(drop)
    })
}

/// An archive may be compressed. What takes it apart is the engine's, never a program that the container has under
/// the name of one that could.
#[test]
fn archives_are_not_taken_apart_by_the_container() -> Result<()> {
    const HOSTILE: &str = "cd /run/cp && mkdir -p root/usr/local/bin && printf '#!/bin/sh\\ntouch /run/cp/ran /ran\\n' >evil && \
        chmod 755 evil && for name in unpigz pigz gzip gunzip xz unxz bzip2 zstd; do cp evil root/usr/local/bin/$name; done";
    one(&["busybox"], |case| {
        prepare(case)?;
        case.script(HOSTILE)?.success()?;
        case.ok("create --name box busybox sleep 1000")?;
        let root = case.script("tar -C /run/cp/root -c usr")?.success()?.stdout;
        case.run_with_input("cp - box:/", root.as_bytes())?.success()?;
        for state in ["created", "running"] {
            for program in ["gzip", "bzip2", "xz"] {
                if case.script(&format!("command -v {program}"))?.code != 0 {
                    eprintln!("skip: no {program} to make an archive with");
                    continue;
                }
                case.script(&format!("cd /run/cp && rm -f back && tar -c dir | {program} >sent"))?
                    .success()?;
                let sent = std::fs::read(case.daemon.sandbox.path("/run/cp/sent"))?;
                case.run_with_input("cp - box:/tmp", &sent)?.success()?;
                case.ok("cp box:/tmp/dir/deep /run/cp/back")?;
                case.script("cd /run/cp && cmp back dir/deep && ! test -e ran")?
                    .success()?;
                ensure!(case.run("cp box:/ran -")?.code != 0, "{program} was executed: {state}");
            }
            case.says("inspect -f '{{.State.Status}}' box", state)?;
            case.ok("start box")?;
        }
        case.ok("rm -f box").map(drop)
    })
}

/// A start waits for whoever has the files of one at rest, and neither harms the other.
#[test]
fn start_while_files_come_in() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok("create --name box busybox sleep 1000")?;
        case.script("mkdir -p /run/many && cd /run/many && seq 2000 | xargs touch")?
            .success()?;
        let mut copy = case.command("cp /run/many box:/")?.spawn()?;
        case.ok("start box")?;
        ensure!(copy.wait()?.success(), "the copy failed");
        case.says("exec box sh -c 'ls /many | wc -l'", "2000")?;
        case.ok("rm -f box").map(drop)
    })
}
