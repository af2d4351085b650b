//! Query parameters whose loss nothing else would show: each is given a value that is not its default, and its effect is
//! looked at (`cargo xtask compat blind`).

use std::io::{Read as _, Write as _};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, both, one};
use corten_testkit::http;

/// Far above the time that is asked for, and above what a loaded machine takes.
const DEFAULT_SECONDS: u32 = 300;

#[test]
fn stop_and_restart_wait_no_longer_than_asked() -> Result<()> {
    both(&["busybox"], |case| {
        let deaf = "busybox sh -c 'trap : TERM; echo ready; while :; do sleep 1; done'";
        for verb in ["stop", "restart"] {
            case.ok(&format!("run -d --name deaf --stop-timeout {DEFAULT_SECONDS} {deaf}"))?;
            corten_testkit::wait::until_ok(LIMIT, "the trap", || case.says("logs deaf", "ready"))?;
            let begun = Instant::now();
            case.ok(&format!("{verb} -t 1 deaf"))?;
            let took = begun.elapsed().as_secs();
            ensure!((1..u64::from(DEFAULT_SECONDS)).contains(&took), "{verb} took {took} s");
            case.ok("rm -f deaf")?;
        }
        Ok(())
    })
}

/// The engine looks for the keys too, for clients that do not.
#[test]
fn the_engine_finds_the_keys_that_detach() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -dit --name shell busybox sh")?;
        let path = "/v1.51/containers/shell/attach?stream=1&stdin=1&stdout=1&detachKeys=a,ctrl-b";
        let headers = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
        let mut wire = http::send(&case.daemon.socket_outside(), "POST", path, "", headers)?;
        wire.set_read_timeout(Some(LIMIT))?;
        let head = http::read_head(&mut wire)?;
        ensure!(head.starts_with("HTTP/1.1 101 "), "{head}");
        wire.write_all(b"a\x02")?;
        let mut rest = Vec::new();
        wire.read_to_end(&mut rest).context("the connection does not end")?;
        case.says("inspect -f '{{.State.Running}}' shell", "true")?;
        case.ok("rm -f shell").map(drop)
    })
}

#[test]
fn what_an_import_is_told() -> Result<()> {
    both(&["busybox"], |case| {
        let tree = case.daemon.sandbox.scratch().join("tree.tar");
        let tree = tree.display();
        case.ok("create --name box busybox")?;
        case.ok(&format!("export -o {tree} box"))?;
        case.ok("rm box")?;
        case.ok(&format!("import -m 'said so' --platform linux/s390x {tree} own:given"))?;
        case.says("history --format '{{.Comment}}' own:given", "said so")?;
        case.says("image inspect -f '{{.Os}}/{{.Architecture}}' own:given", "linux/s390x")?;
        case.ok("rmi own:given").map(drop)
    })
}

/// No client of ours sends the tag apart from the name.
#[test]
fn a_tag_beside_the_name() -> Result<()> {
    one(&["busybox"], |case| {
        let scratch = case.daemon.sandbox.scratch().to_owned();
        case.ok("create --name box busybox")?;
        case.ok(&format!("export -o {}/tree.tar box", scratch.display()))?;
        case.ok("rm box")?;
        let socket = case.daemon.socket();
        let address = "http://d/v1.51/images/create?fromSrc=-&repo=own&tag=given";
        case.script(&format!(
            "curl -sSf --unix-socket {socket} -X POST -H 'Content-Type: application/x-tar' -T {}/tree.tar '{address}'",
            scratch.display()
        ))?
        .success()?;
        case.says("images --format '{{.Repository}}:{{.Tag}}' own", "own:given")?;
        case.ok("rmi own:given").map(drop)
    })
}

/// An image that has lost its name and has a child: hidden unless all are asked for, and kept by `--no-prune`.
#[test]
fn parents_without_names() -> Result<()> {
    both(&["busybox"], |case| {
        let (parent, child) = (grow(case, "busybox", "/first")?, "child:1");
        case.ok(&format!("create --name box {parent} true"))?;
        case.ok(&format!("commit box {child}"))?;
        case.ok("rm box")?;
        let named = case.ok("images -q --no-trunc")?;
        ensure!(!named.contains(&parent), "{named}");
        let all = case.ok("images -aq --no-trunc")?;
        ensure!(all.contains(&parent), "{all}");
        let gone = case.ok(&format!("rmi --no-prune {child}"))?;
        ensure!(!gone.contains(&parent), "{gone}");
        case.says(&format!("image inspect -f '{{{{.Id}}}}' {parent}"), &parent)?;
        case.ok(&format!("rmi {parent}")).map(drop)
    })
}

/// An image without a name: `base` with one more file.
fn grow(case: &Case, base: &str, file: &str) -> Result<String> {
    case.ok(&format!("run --name grown {base} touch {file}"))?;
    let id = case.ok("commit grown")?;
    case.ok("rm grown")?;
    Ok(id)
}

#[test]
fn a_commit_pauses_unless_told_otherwise() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        for (flag, pauses) in [("--pause=false", 0), ("", 1)] {
            let begun = case.script("date +%s.%N")?.text().to_owned();
            case.ok(&format!("commit {flag} box busy:1"))?;
            let ended = case.script("date +%s.%N")?.text().to_owned();
            let said = case.ok(&format!(
                "events --since {begun} --until {ended} --filter event=pause --format '{{{{.Action}}}}'"
            ))?;
            ensure!(said.lines().count() == pauses, "{flag}: {said}");
        }
        case.ok("rm -f box")?;
        case.ok("rmi busy:1").map(drop)
    })
}

#[test]
fn a_load_tells_of_layers_unless_it_is_quiet() -> Result<()> {
    one(&["busybox"], |case| {
        let archive = case.daemon.sandbox.scratch().join("saved.tar");
        case.ok(&format!("save -o {} busybox", archive.display()))?;
        for (quiet, told) in [("0", true), ("1", false)] {
            case.ok("rmi busybox")?;
            let load = format!(
                "curl -sSf --unix-socket {} -X POST -H 'Content-Type: application/x-tar' -T {} \
                 'http://d/v1.51/images/load?quiet={quiet}'",
                case.daemon.socket(),
                archive.display()
            );
            let said = case.script(&load)?.success()?;
            ensure!(said.text().contains("Loading layer") == told, "quiet={quiet}: {said}");
        }
        Ok(())
    })
}

/// Clients ask for one image as for several.
#[test]
fn the_archive_of_one_image_for_a_platform() -> Result<()> {
    one(&["busybox"], |case| {
        let own = case.ok("image inspect -f '{\"os\":\"{{.Os}}\",\"architecture\":\"{{.Architecture}}\"}' busybox")?;
        for (platform, status) in [(&*own, "200"), (r#"{"os":"plan9"}"#, "500")] {
            let get = format!(
                "curl -sS -G --unix-socket {} -o /dev/null -w '%{{http_code}}' --data-urlencode 'platform={platform}' \
                 http://d/v1.51/images/busybox/get",
                case.daemon.socket()
            );
            case.script(&get)?.says(status)?;
        }
        Ok(())
    })
}

#[test]
fn networks_are_pruned_by_label() -> Result<()> {
    both(&[], |case| {
        case.ok("network create --label class=kept kept")?;
        case.ok("network create --label class=lost lost")?;
        let gone = case.ok("network prune -f --filter label=class=lost")?;
        ensure!(gone.contains("lost") && !gone.contains("kept"), "{gone}");
        case.says("network ls --filter label=class --format '{{.Name}}'", "kept")?;
        case.ok("network rm kept").map(drop)
    })
}

/// Where cgroups have shares and not weights, the kernel would make others of these.
#[test]
fn shares_of_the_processor_that_cannot_be() -> Result<()> {
    both(&["busybox"], |case| {
        if case.ok("info -f '{{.CgroupVersion}}'")? != "1" {
            case.ok("run --rm --cpu-shares 1 busybox true")?;
            return Ok(());
        }
        let least = "the minimum allowed cpu-shares is 2";
        case.fails("run --rm --cpu-shares 1 busybox true", 125, least)?;
        let most = "the maximum allowed cpu-shares is 262144";
        case.fails("run --rm --cpu-shares 262145 busybox true", 125, most)?;
        case.ok("run -d --name box --cpu-shares 2 busybox sleep 1000")?;
        case.fails("update --cpu-shares 1 box", 1, least)?;
        case.says("inspect -f '{{.HostConfig.CpuShares}}' box", "2")?;
        case.ok("rm -f box").map(drop)
    })
}

/// Clients before API 1.44 say the hardware address of the container, not of its endpoint.
#[test]
fn the_hardware_address_of_older_clients() -> Result<()> {
    one(&["busybox"], |case| {
        let body = r#"{"Image":"busybox","Cmd":["sleep","1000"],"MacAddress":"02:42:00:11:22:33"}"#;
        let (status, text) = case.api("POST", "/v1.43/containers/create?name=old", body)?;
        ensure!(status == 201, "{text}");
        case.ok("start old")?;
        let address = "inspect -f '{{.NetworkSettings.Networks.bridge.MacAddress}}' old";
        case.says(address, "02:42:00:11:22:33")?;
        case.says("exec old cat /sys/class/net/eth0/address", "02:42:00:11:22:33")?;
        case.ok("rm -f old").map(drop)
    })
}
